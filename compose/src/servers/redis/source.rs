//! Where a Redis is to be had.

use std::path::PathBuf;

use contract::Program;
use contract::environment::{REDIS_SERVER, REDIS_URL};
use contract::redact;
use url::Url;

use crate::host::Host;
use crate::servers::{Found, ServerError};
use crate::wiring::Environment;

/// The programs that will do, the first that is found is taken: Valkey is Redis under its free licence.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
const ABSENT: ServerError = ServerError::Absent {
    program: Program::Redis,
    words: "there is no Redis: neither redis-server nor valkey-server is installed; either install one \
            (apt-get install redis-server, or apt-get install valkey-server), or set REDIS_URL=redis://host:port, or \
            leave it to the lab, which has a small one built in (REDIS_SERVER=any)",
};

/// Which server a system, or the user, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A real one where there is one, else the built-in one.
    Any,
    BuiltIn,
    /// A real one.
    Program,
}

impl Kind {
    /// What an instance is told, else what the user says.
    pub(super) fn of(host: &Host, told: &Environment) -> Result<Self, ServerError> {
        let asked = told.get(REDIS_SERVER).map(String::as_str);
        match asked.or_else(|| host.variable(REDIS_SERVER)).unwrap_or_default() {
            "" | "any" => Ok(Self::Any),
            "built-in" => Ok(Self::BuiltIn),
            "program" => Ok(Self::Program),
            other => Err(ServerError::Unusable {
                which: format!("the Redis of {REDIS_SERVER}={other}"),
                reason: "it must be any, built-in or program".to_owned(),
            }),
        }
    }
}

/// Whether the built-in server stands in for a Redis of this machine.
pub(super) fn stands_in(host: &Host, told: &Environment) -> Result<bool, ServerError> {
    Ok(match Kind::of(host, told)? {
        Kind::Any => program(host).is_err(),
        Kind::BuiltIn => true,
        Kind::Program => false,
    })
}

/// What an instance is told so that it is this Redis again when it is started again.
pub(super) fn noted(found: &Found) -> Vec<(&'static str, String)> {
    match found {
        // Where it is, the record knows; this is for people.
        Found::Named(address) => vec![(REDIS_URL, redact(address))],
        Found::StandIn => vec![(REDIS_SERVER, "built-in".to_owned())],
        Found::Host(_) | Found::Image(_) => vec![(REDIS_SERVER, "program".to_owned())],
    }
}

/// Which one a system has, from what its instance is told.
pub(super) fn sentence(told: &Environment) -> String {
    if let Some(address) = told.get(REDIS_URL) {
        return format!("Redis is the one at {address} (REDIS_URL), which the lab did not start.");
    }
    match told.get(REDIS_SERVER).map(String::as_str) {
        Some("built-in") => {
            "Redis is the server that is built into the lab: all times are its own, it has no replication, no Pub/Sub and \
                             no streams, and it ends a script that runs for more than 5 seconds."
                .to_owned()
        }
        _ => "Redis is a real one, started for this system.".to_owned(),
    }
}

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
    fn the_built_in_one_stands_in_where_there_is_no_program_or_where_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (bare, equipped) = (Host::default(), with_program(folder.path()));
        let told = |kind: &str| Environment::from([(REDIS_SERVER.to_owned(), kind.to_owned())]);
        assert!(stands_in(&bare, &Environment::new()).unwrap());
        assert!(!stands_in(&equipped, &Environment::new()).unwrap());
        assert!(stands_in(&equipped, &told("built-in")).unwrap());
        assert!(!stands_in(&bare, &told("program")).unwrap());
        let by_user = equipped.with(REDIS_SERVER, "built-in");
        assert!(stands_in(&by_user, &Environment::new()).unwrap());
        assert!(!stands_in(&by_user, &told("program")).unwrap(), "what was noted counts");
        stands_in(&bare, &told("kafka")).unwrap_err();
    }

    #[test]
    fn a_system_says_which_redis_it_has() {
        for (found, part) in [
            (Found::StandIn, "built into the lab"),
            (Found::Host("/usr/bin/redis-server".into()), "a real one"),
            (Found::Image("redis:7"), "a real one"),
            (Found::Named("redis://:secret@h:1".to_owned()), "h:1"),
        ] {
            let told = noted(&found)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let sentence = sentence(&told);
            assert!(sentence.contains(part) && !sentence.contains("secret"), "{sentence}");
        }
    }

    fn with_program(folder: &std::path::Path) -> Host {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("redis-server");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Host::in_folders(vec![folder.to_owned()])
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
