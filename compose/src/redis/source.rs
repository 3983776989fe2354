//! Where a Redis is to be had.

use std::path::PathBuf;

use contract::environment::REDIS_URL;
use contract::redact;
use url::Url;

use crate::error::Error;
use crate::host;

/// The programs that will do, the first that is found is taken: Valkey is Redis under its free licence.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Where the Redis of a system comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisSource {
    /// A server of this machine, started for each system.
    Server {
        /// The program.
        program: PathBuf,
    },
    /// One that runs already and that the user named; whether it answers, [`ping`](super::ping) tells.
    Url(Url),
}

/// What is looked at to find a Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisLookup {
    /// What the user wrote into `REDIS_URL`.
    pub url: Option<String>,
    /// The folders that may hold the program.
    pub folders: Vec<PathBuf>,
}

/// Where a system that is started by this process would get its Redis from; says nothing on whether it answers.
///
/// # Errors
/// As [`RedisLookup::find`].
pub fn redis_source() -> Result<RedisSource, Error> {
    RedisLookup::of_process().find()
}

impl RedisLookup {
    /// What the environment of this process says.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            url: std::env::var(REDIS_URL).ok(),
            folders: host::program_folders(),
        }
    }

    /// The Redis that the user named, else the host's program.
    ///
    /// # Errors
    /// An environment error when there is neither, or when what the user wrote is no address.
    pub fn find(&self) -> Result<RedisSource, Error> {
        match self.url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => address(url).map(RedisSource::Url),
            None => self.program().map(|program| RedisSource::Server { program }),
        }
    }

    /// The host's program, whatever the user named.
    ///
    /// # Errors
    /// An environment error when there is none.
    pub fn program(&self) -> Result<PathBuf, Error> {
        PROGRAMS
            .iter()
            .find_map(|name| host::find_program(name, &self.folders))
            .ok_or(Error::NoRedis)
    }
}

fn address(text: &str) -> Result<Url, Error> {
    let refuse = |reason: String| Error::RedisUnusable {
        url: redact(text),
        reason,
    };
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    if url.scheme() == "redis" && url.has_host() {
        Ok(url)
    } else {
        Err(refuse("it does not have the form redis://host:port".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Family;

    fn named(url: &str) -> Result<RedisSource, Error> {
        RedisLookup {
            url: Some(url.to_owned()),
            ..RedisLookup::default()
        }
        .find()
    }

    #[test]
    fn what_the_user_names_is_taken() {
        for url in [
            "redis://127.0.0.1:6379",
            "redis://:secret@redis.example/2",
            " redis://h:1 ",
        ] {
            assert_eq!(named(url).unwrap(), RedisSource::Url(url.trim().parse().unwrap()));
        }
    }

    #[test]
    fn without_an_address_and_without_a_program_both_ways_are_named() {
        for url in [None, Some(String::new()), Some(" ".to_owned())] {
            let lookup = RedisLookup {
                url,
                folders: vec!["/nowhere".into()],
            };
            let error = lookup.find().unwrap_err();
            assert_eq!(error.family(), Family::Environment);
            let message = error.to_string();
            assert!(
                ["redis-server", "valkey-server", "apt-get install", "REDIS_URL=redis://"]
                    .iter()
                    .all(|part| message.contains(part)),
                "{message}"
            );
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_telling_its_password() {
        for url in [
            "me:secret@host:1",
            "http://me:secret@host:1",
            "redis://:secret@host:99999",
            "redis:",
            "secret@",
        ] {
            let error = named(url).unwrap_err();
            assert_eq!(error.family(), Family::Environment, "{url}");
            let message = error.to_string();
            assert!(
                message.contains("REDIS_URL") && message.contains("redis://host:port") && !message.contains("secret"),
                "{message}"
            );
        }
    }

    #[test]
    fn valkey_will_do_and_redis_comes_first() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let lookup = RedisLookup {
            url: None,
            folders: vec![folder.path().to_owned()],
        };
        for name in ["valkey-server", "redis-server"] {
            let program = folder.path().join(name);
            std::fs::write(&program, "").unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(lookup.find().unwrap(), RedisSource::Server { program });
        }
    }
}
