//! Where a Redis is to be had.

use std::path::PathBuf;

use contract::Program;
use url::Url;

use crate::host::Host;
use crate::servers::ServerError;

/// The programs that will do, the first that is found is taken: Valkey is Redis under its free licence.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
const ABSENT: ServerError = ServerError::Absent {
    program: Program::Redis,
    words: "there is no Redis: neither redis-server nor valkey-server is installed; either install one \
            (apt-get install redis-server, or apt-get install valkey-server), or set REDIS_URL=redis://host:port",
};

/// The host's program.
pub(super) fn program(host: &Host) -> Result<PathBuf, ServerError> {
    PROGRAMS.iter().find_map(|name| host.program(name)).ok_or(ABSENT)
}

/// What the user wrote into `REDIS_URL`.
pub(super) fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() == "redis" && url.has_host() {
        Ok(url.into())
    } else {
        Err("it does not have the form redis://host:port".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use contract::environment::REDIS_URL;

    use super::*;
    use crate::error::{Error, Family};
    use crate::servers::named;
    use crate::servers::redis::Redis;

    fn named_as(url: &str) -> Result<Option<String>, Error> {
        Ok(named(&Redis, &Host::default().with(REDIS_URL, url))?)
    }

    #[test]
    fn what_the_user_names_is_taken() {
        for url in [
            "redis://127.0.0.1:6379",
            "redis://:secret@redis.example/2",
            " redis://h:1 ",
        ] {
            let url: Url = url.trim().parse().unwrap();
            assert_eq!(named_as(url.as_str()).unwrap(), Some(url.into()));
        }
        for nothing in ["", " "] {
            assert_eq!(named_as(nothing).unwrap(), None);
        }
    }

    #[test]
    fn without_a_program_every_way_is_named() {
        let error = Error::from(program(&Host::default()).unwrap_err());
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        assert!(
            ["redis-server", "valkey-server", "apt-get install", "REDIS_URL=redis://"]
                .iter()
                .all(|part| message.contains(part)),
            "{message}"
        );
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
            let error = named_as(url).unwrap_err();
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
        let host = Host::in_folders(vec![folder.path().to_owned()]);
        for name in ["valkey-server", "redis-server"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(program(&host).unwrap(), path);
        }
    }
}
