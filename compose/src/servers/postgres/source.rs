//! Where a PostgreSQL is to be had.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Program;
use url::Url;

use crate::host::{self, Host};
use crate::servers::ServerError;

/// Where packages keep the programs of each version, out of everybody's `PATH`: Debian's, and those of the PostgreSQL
/// project for Red Hat's family.
const OF_VERSIONS: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];
/// Where a server that was built from its source is.
const OF_SOURCE: &str = "/usr/local/pgsql/bin";

const ABSENT: ServerError = ServerError::Absent {
    program: Program::Postgres,
    words: "there is no PostgreSQL server on this machine; either install one (apt-get install postgresql), or set \
            POSTGRES_URL=postgres://user:password@host:port to one that runs, or keep data in SQLite (--set store=sqlite, \
            where a scenario has the choice)",
};

/// The host's program. Beside it lies `initdb`, which makes its data folder.
pub(super) fn program(host: &Host) -> Result<PathBuf, ServerError> {
    let mut folders = host.folders.clone();
    if host.usual_places {
        for (folder, before) in OF_VERSIONS {
            folders.extend(versions(Path::new(folder), before));
        }
        folders.push(OF_SOURCE.into());
    }
    let servers = folders.iter().filter_map(|folder| {
        let server = host::find_program("postgres", std::slice::from_ref(folder))?;
        // It may be a link in a folder of links; the other programs lie where that leads.
        server.canonicalize().ok()
    });
    servers
        .into_iter()
        .find(|server| initdb_of(server).is_file())
        .ok_or(ABSENT)
}

/// The program that makes a data folder for this server.
pub(super) fn initdb_of(server: &Path) -> PathBuf {
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

/// What the user wrote into `POSTGRES_URL`.
pub(super) fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if ["postgres", "postgresql"].contains(&url.scheme()) && url.has_host() && !url.username().is_empty() {
        Ok(url.into())
    } else {
        Err("it does not have the form postgres://user:password@host:port".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::error::{Error, Family};
    use crate::servers::named;
    use crate::servers::postgres::Postgres;

    fn named_as(url: &str) -> Result<Option<String>, Error> {
        Ok(named(&Postgres, &Host::default().with("POSTGRES_URL", url))?)
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
        let host = Host::in_folders(vec![folder.path().to_owned()]);
        let make = |name: &str| {
            fs::write(folder.path().join(name), "").unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        make("postgres");
        let error = Error::from(program(&host).unwrap_err());
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        let ways = [
            "apt-get install postgresql",
            "POSTGRES_URL=postgres://",
            "--set store=sqlite",
        ];
        assert!(ways.iter().all(|way| message.contains(way)), "{message}");
        make("initdb");
        let there = folder.path().canonicalize().unwrap().join("postgres");
        assert_eq!(program(&host).unwrap(), there);
    }

    #[test]
    fn what_the_user_names_is_taken_or_refused_without_telling_its_password() {
        for url in [
            "postgres://lab@127.0.0.1:5432",
            " postgresql://me:secret@db.example/any ",
        ] {
            assert_eq!(named_as(url).unwrap().as_deref(), Some(url.trim()));
        }
        for url in [
            "postgres://127.0.0.1",
            "http://me:secret@host",
            "me:secret@host",
            "postgres:",
        ] {
            let error = named_as(url).unwrap_err();
            assert_eq!(error.family(), Family::Environment, "{url}");
            let message = error.to_string();
            assert!(
                message.contains("POSTGRES_URL") && !message.contains("secret"),
                "{message}"
            );
        }
    }
}
