//! What the balancer may do beyond passing requests on. Most of it is off unless it is asked for.
//!
//! The names begin with `BALANCER_`, so that whoever starts a service with a balancer in front can tell them from the service's own.

use std::path::PathBuf;
use std::time::Duration;

use chassis::{Environment, Limits, SettingsError};
use http::{HeaderMap, HeaderName, Uri};

use crate::health::HealthRules;

/// Longest wait for a connection to an instance, in milliseconds. Default 10000. An address that nobody has any more, as that of a
/// container that is gone, does not refuse: it is silent.
pub const CONNECT_TIMEOUT_MS: &str = "BALANCER_CONNECT_TIMEOUT_MS";
/// Longest time for which a client's connection is kept without a request, in milliseconds. Default 120000.
pub const IDLE_TIMEOUT_MS: &str = "BALANCER_IDLE_TIMEOUT_MS";
/// Longest time from the first byte of a request's head to its last, in milliseconds. Default 30000.
pub const HEAD_TIMEOUT_MS: &str = "BALANCER_HEAD_TIMEOUT_MS";
/// Longest time in which a client sends nothing of its request's body, or takes nothing of the answer, in milliseconds. Default
/// 60000.
pub const STALL_TIMEOUT_MS: &str = "BALANCER_STALL_TIMEOUT_MS";
/// Failures in a row (no whole answer, or a 5xx status) that eject an instance. Default 0: never.
pub const PASSIVE_FAILURES: &str = "BALANCER_PASSIVE_FAILURES";
/// For how long an instance is ejected, in milliseconds. Default 30000.
pub const EJECT_MS: &str = "BALANCER_EJECT_MS";
/// Percent of the instances that may be ejected at once; one always may. Default 50.
pub const EJECT_MAX_PERCENT: &str = "BALANCER_EJECT_MAX_PERCENT";
/// When fewer percent of the instances than this are well, but some are, all are used. Default 0: never.
pub const PANIC_PERCENT: &str = "BALANCER_PANIC_PERCENT";
/// What is done when nobody is well: fail `open` (all are used, as if all were well) or `closed` (requests are refused with 503, as by a
/// Kubernetes Service without ready endpoints). Default `open`.
pub const NOBODY_WELL: &str = "BALANCER_NOBODY_WELL";
/// How often each instance is probed, in milliseconds. Default 0: never.
pub const PROBE_EVERY_MS: &str = "BALANCER_PROBE_EVERY_MS";
/// Longest wait for a probe's answer, in milliseconds. Default 1000.
pub const PROBE_TIMEOUT_MS: &str = "BALANCER_PROBE_TIMEOUT_MS";
/// Path that is probed; 2xx is well. Default `/ready`.
pub const PROBE_PATH: &str = "BALANCER_PROBE_PATH";
/// Probes in a row that it takes to change an instance's state. Default 2.
pub const PROBES_IN_ROW: &str = "BALANCER_PROBES_IN_ROW";
/// How long an instance that came or came back gets less than its share, in milliseconds. Default 0: not at all.
pub const SLOW_START_MS: &str = "BALANCER_SLOW_START_MS";
/// Other instances that are tried when one does not answer and the request may be sent again. Default 0.
pub const RETRIES: &str = "BALANCER_RETRIES";
/// Name of a cookie that keeps a client at its instance. Default: none.
pub const STICKY_COOKIE: &str = "BALANCER_STICKY_COOKIE";
/// What policies by key hash: `address` (of the client), `path` (with the query) or `header:NAME`. Default `address`.
pub const HASH_ON: &str = "BALANCER_HASH_ON";
/// File with one `name=http://host:port` a line (with ` weight=3` behind it, say), read again whenever it changes. Default: none.
pub const UPSTREAMS_FILE: &str = "BALANCER_UPSTREAMS_FILE";

const MS_MAX: u64 = 3_600_000;

/// What policies by key hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOn {
    /// The client's address.
    Address,
    /// Path and query.
    Path,
    /// The value of a header; a request without it has no key.
    Header(HeaderName),
}

impl HashOn {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "address" => Some(Self::Address),
            "path" => Some(Self::Path),
            _ => Some(Self::Header(text.strip_prefix("header:")?.parse().ok()?)),
        }
    }

    /// The key of a request from a client whose address has the hash `address`.
    pub fn key(&self, address: u64, uri: &Uri, headers: &HeaderMap) -> Option<u64> {
        match self {
            Self::Address => Some(address),
            Self::Path => Some(hash::text(uri.path_and_query().map_or("/", |path| path.as_str()))),
            Self::Header(name) => headers.get(name)?.to_str().ok().map(hash::text),
        }
    }
}

/// How instances are probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    /// How often.
    pub every: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Path and query.
    pub path: Uri,
}

/// All of it, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How long clients are waited for.
    pub client_limits: Limits,
    /// Who is in rotation.
    pub health: HealthRules,
    /// Active probes, if any.
    pub probes: Option<Probes>,
    /// Other instances that are tried.
    pub retries: u32,
    /// Name of the cookie of sticky sessions.
    pub sticky_cookie: Option<String>,
    /// What policies by key hash.
    pub hash_on: HashOn,
    /// File with the list of instances.
    pub upstreams_file: Option<PathBuf>,
}

impl Options {
    /// Reads the variables named in this module.
    ///
    /// # Errors
    /// When a variable is set to something that it may not be.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let percent = |name, default: u32| {
            environment.parse(name, default, "a number of percent from 0 to 100", |percent| {
                *percent <= 100
            })
        };
        let few = |name, default: u32, least: u32| {
            let allowed = format!("a number from {least} to 1000");
            environment.parse(name, default, &allowed, |count| (least..=1_000).contains(count))
        };
        let every = environment.milliseconds(PROBE_EVERY_MS, 0, 0, MS_MAX)?;
        let path = environment.get(PROBE_PATH).unwrap_or("/ready");
        let path: Uri = path
            .parse()
            .ok()
            .filter(|uri: &Uri| path.starts_with('/') && uri.authority().is_none())
            .ok_or_else(|| environment.refuse(PROBE_PATH, "a path such as /ready"))?;
        let hash_on = HashOn::parse(environment.get(HASH_ON).unwrap_or("address"))
            .ok_or_else(|| environment.refuse(HASH_ON, "address, path or header:NAME"))?;
        let sticky_cookie = environment.get(STICKY_COOKIE).map(str::to_owned);
        if sticky_cookie.as_ref().is_some_and(|name| !is_cookie_name(name)) {
            return Err(environment.refuse(STICKY_COOKIE, "a cookie name of letters, digits, \"-\" and \"_\""));
        }
        let timeout = environment.milliseconds(PROBE_TIMEOUT_MS, 1_000, 1, MS_MAX)?;
        let limit = |name, usual: Duration| environment.milliseconds(name, usual.as_millis() as u64, 1, MS_MAX);
        Ok(Self {
            client_limits: Limits {
                idle: limit(IDLE_TIMEOUT_MS, Limits::USUAL.idle)?,
                head: limit(HEAD_TIMEOUT_MS, Limits::USUAL.head)?,
                stall: limit(STALL_TIMEOUT_MS, Limits::USUAL.stall)?,
            },
            health: HealthRules {
                passive_failures: few(PASSIVE_FAILURES, 0, 0)?,
                eject: environment.milliseconds(EJECT_MS, 30_000, 1, MS_MAX)?,
                eject_max_percent: percent(EJECT_MAX_PERCENT, 50)?,
                panic_percent: percent(PANIC_PERCENT, 0)?,
                fails_open: environment.choice(NOBODY_WELL, &[("open", true), ("closed", false)])?,
                probes_in_row: few(PROBES_IN_ROW, 2, 1)?,
                slow_start: environment.milliseconds(SLOW_START_MS, 0, 0, MS_MAX)?,
            },
            probes: (!every.is_zero()).then_some(Probes { every, timeout, path }),
            retries: few(RETRIES, 0, 0)?,
            sticky_cookie,
            hash_on,
            upstreams_file: environment.get(UPSTREAMS_FILE).map(PathBuf::from),
        })
    }
}

fn is_cookie_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_all_off() {
        let options = Options::read(&Environment::default()).unwrap();
        assert_eq!(
            (options.health.passive_failures, options.probes, options.retries),
            (0, None, 0)
        );
        assert_eq!((options.sticky_cookie, options.hash_on), (None, HashOn::Address));
        assert_eq!(
            (options.health.slow_start, options.upstreams_file),
            (Duration::ZERO, None)
        );
    }

    #[test]
    fn variables_are_read_as_they_are_declared() {
        let variables = [
            IDLE_TIMEOUT_MS,
            HEAD_TIMEOUT_MS,
            STALL_TIMEOUT_MS,
            PASSIVE_FAILURES,
            EJECT_MS,
            EJECT_MAX_PERCENT,
            PANIC_PERCENT,
            NOBODY_WELL,
            PROBE_EVERY_MS,
            PROBE_TIMEOUT_MS,
            PROBE_PATH,
            PROBES_IN_ROW,
            SLOW_START_MS,
            RETRIES,
            STICKY_COOKIE,
            HASH_ON,
        ];
        chassis::testing::assert_read_as_declared(&variables, |variable, value| {
            Options::read(&[(variable, value)].into_iter().collect()).is_ok()
        });
    }

    #[test]
    fn each_mistake_is_quoted() {
        for (variable, value) in [
            (IDLE_TIMEOUT_MS, "0"),
            (HEAD_TIMEOUT_MS, "30s"),
            (STALL_TIMEOUT_MS, "3600001"),
            (PASSIVE_FAILURES, "-1"),
            (EJECT_MS, "0"),
            (EJECT_MAX_PERCENT, "101"),
            (PANIC_PERCENT, "half"),
            (NOBODY_WELL, "all"),
            (PROBE_EVERY_MS, "1s"),
            (PROBE_PATH, "ready"),
            (PROBES_IN_ROW, "0"),
            (RETRIES, "1001"),
            (STICKY_COOKIE, "a=b"),
            (HASH_ON, "cookie"),
            (HASH_ON, "header:a b"),
        ] {
            let message = Options::read(&[(variable, value)].into_iter().collect())
                .unwrap_err()
                .to_string();
            assert!(message.starts_with(&format!("{variable} is {value:?}")), "{message}");
        }
    }

    #[test]
    fn each_way_to_hash_has_its_key() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "/a?b".parse().unwrap();
        let key = |text: &str, headers: &HeaderMap| HashOn::parse(text).unwrap().key(7, &uri, headers);
        assert_eq!(key("address", &headers), Some(7));
        assert_eq!(key("path", &headers), Some(hash::text("/a?b")));
        assert_eq!(key("header:x-user", &headers), None);
        headers.insert("x-user", "ann".parse().unwrap());
        assert_eq!(key("header:x-user", &headers), Some(hash::text("ann")));
    }
}
