//! Where a PostgreSQL is to be had.

use std::fs;
use std::path::{Path, PathBuf};

use contract::environment::POSTGRES_URL;
use url::Url;

use crate::error::Error;
use crate::host;
use contract::redact;

/// Where packages keep the programs of each version, out of everybody's `PATH`: Debian's, and those of the PostgreSQL
/// project for Red Hat's family.
const OF_VERSIONS: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];
/// Where a server that was built from its source is.
const OF_SOURCE: &str = "/usr/local/pgsql/bin";

/// Where the PostgreSQL of a system comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresSource {
    /// A server of this machine, started for each system.
    Server {
        /// The program.
        program: PathBuf,
    },
    /// One that runs already and that the user named; whether it answers, [`ping`](super::ping) tells.
    Url(Url),
}

/// What is looked at to find a PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresLookup {
    /// What the user wrote into `POSTGRES_URL`.
    pub url: Option<String>,
    /// The folders that may hold the program.
    pub folders: Vec<PathBuf>,
}

/// Where a system that is started by this process would get its PostgreSQL from; says nothing on whether it answers.
///
/// # Errors
/// As [`PostgresLookup::find`].
pub fn postgres_source() -> Result<PostgresSource, Error> {
    PostgresLookup::of_process().find()
}

impl PostgresLookup {
    /// What the environment of this process says, and where servers are often installed.
    #[must_use]
    pub fn of_process() -> Self {
        let mut folders = host::program_folders();
        for (folder, before) in OF_VERSIONS {
            folders.extend(versions(Path::new(folder), before));
        }
        folders.push(OF_SOURCE.into());
        Self {
            url: std::env::var(POSTGRES_URL).ok(),
            folders,
        }
    }

    /// The PostgreSQL that the user named, else the host's program.
    ///
    /// # Errors
    /// An environment error when there is neither, or when what the user wrote is no address.
    pub fn find(&self) -> Result<PostgresSource, Error> {
        match self.url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => address(url).map(PostgresSource::Url),
            None => self.program().map(|program| PostgresSource::Server { program }),
        }
    }

    /// The host's program, whatever the user named. Beside it lies `initdb`, which makes its data folder.
    ///
    /// # Errors
    /// An environment error when there is none.
    pub fn program(&self) -> Result<PathBuf, Error> {
        let servers = self.folders.iter().filter_map(|folder| {
            let server = host::find_program("postgres", std::slice::from_ref(folder))?;
            // It may be a link in a folder of links; the other programs lie where that leads.
            server.canonicalize().ok()
        });
        servers
            .into_iter()
            .find(|server| initdb_of(server).is_file())
            .ok_or(Error::NoPostgres)
    }
}

/// The program that makes a data folder for this server.
pub(crate) fn initdb_of(server: &Path) -> PathBuf {
    server.with_file_name("initdb")
}

/// The folders of programs of all versions, the newest first: `bin` in folders whose name is a number behind `before`.
fn versions(folder: &Path, before: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let number = |name: &str| name.strip_prefix(before)?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path().join("bin"))))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

fn address(text: &str) -> Result<Url, Error> {
    let refuse = |reason: String| Error::PostgresUnusable {
        url: redact(text),
        reason,
    };
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    if ["postgres", "postgresql"].contains(&url.scheme()) && url.has_host() && !url.username().is_empty() {
        Ok(url)
    } else {
        Err(refuse(
            "it does not have the form postgres://user:password@host:port".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::error::Family;

    fn named(url: &str) -> Result<PostgresSource, Error> {
        PostgresLookup {
            url: Some(url.to_owned()),
            ..PostgresLookup::default()
        }
        .find()
    }

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "common", "pgsql-16", "pgsql-x"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let bin = |version: &str| folder.path().join(version).join("bin");
        assert_eq!(versions(folder.path(), ""), [bin("15"), bin("9")]);
        assert_eq!(versions(folder.path(), "pgsql-"), [bin("pgsql-16")]);
    }

    #[test]
    fn a_server_without_its_initdb_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let lookup = PostgresLookup {
            url: None,
            folders: vec![folder.path().to_owned()],
        };
        let make = |name: &str| {
            fs::write(folder.path().join(name), "").unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        make("postgres");
        let error = lookup.find().unwrap_err();
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        let ways = [
            "apt-get install postgresql",
            "POSTGRES_URL=postgres://",
            "--backend docker",
        ];
        assert!(ways.iter().all(|way| message.contains(way)), "{message}");
        make("initdb");
        let program = folder.path().canonicalize().unwrap().join("postgres");
        assert_eq!(lookup.find().unwrap(), PostgresSource::Server { program });
    }

    #[test]
    fn what_the_user_names_is_taken_or_refused_without_telling_its_password() {
        for url in [
            "postgres://lab@127.0.0.1:5432",
            " postgresql://me:secret@db.example/any ",
        ] {
            assert_eq!(named(url).unwrap(), PostgresSource::Url(url.trim().parse().unwrap()));
        }
        for url in [
            "postgres://127.0.0.1",
            "http://me:secret@host",
            "me:secret@host",
            "postgres:",
        ] {
            let error = named(url).unwrap_err();
            assert_eq!(error.family(), Family::Environment, "{url}");
            let message = error.to_string();
            assert!(
                message.contains("POSTGRES_URL") && !message.contains("secret"),
                "{message}"
            );
        }
    }
}
