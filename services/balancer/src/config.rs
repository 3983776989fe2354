//! What the balancer is told through its environment, raw text first, checked values after.

use std::collections::HashSet;
use std::time::Duration;

use balance::{PolicyKind, REGISTRY};
use chassis::{Environment, SettingsError};
use contract::{Secret, UpstreamEntry, UpstreamEntryError};
use http::Uri;
use http::uri::{Authority, Scheme};

use crate::options::{CONNECT_TIMEOUT_MS, Options};

/// Instances to spread over: `name=http://host:port`, or `name=http://host:port weight=3`, separated by commas. Default: none,
/// until a list is put.
pub const UPSTREAMS: &str = "UPSTREAMS";
/// Name of the policy that picks the instance. Default `round_robin`.
pub const POLICY: &str = "POLICY";
/// Longest wait for the head of an instance's answer, in milliseconds from the pick, so that sending the request body counts too, and
/// then for each piece of the answer; 0 is no limit. Default 60000.
pub const UPSTREAM_RESPONSE_TIMEOUT_MS: &str = "UPSTREAM_RESPONSE_TIMEOUT_MS";

const POLICY_DEFAULT: &str = "round_robin";
const CONNECT_TIMEOUT_MS_DEFAULT: u64 = 10_000;
const RESPONSE_TIMEOUT_MS_DEFAULT: u64 = 60_000;
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// One instance as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// Name that metrics and lists show, unique among the upstreams.
    pub name: String,
    /// Where it listens, as `host:port`.
    pub authority: Authority,
    /// Share relative to the others, for policies that look at it; at least 1.
    pub weight: u32,
    /// Whether it may be picked; `false` takes it out of rotation while what is in flight there ends.
    pub healthy: bool,
}

impl UpstreamConfig {
    /// Checks a name and a URL `http://host:port`; weight 1, healthy.
    ///
    /// # Errors
    /// When the name is empty or the URL is not plain `http://host:port`.
    pub fn new(name: &str, url: &str) -> Result<Self, UpstreamError> {
        let refuse = |why| UpstreamError::Url {
            name: name.to_owned(),
            url: Secret::address(url),
            why,
        };
        if name.is_empty() {
            return Err(refuse("the name is empty"));
        }
        let uri: Uri = url.parse().map_err(|_| refuse("it is not a URL"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(refuse("the scheme is not http"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refuse("it has a path; only host and port are used"));
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
            .ok_or_else(|| refuse("it has no plain host"))?;
        if authority.port_u16().is_none_or(|port| port == 0) {
            return Err(refuse("it has no port from 1 to 65535"));
        }
        Ok(Self {
            name: name.to_owned(),
            authority: authority.clone(),
            weight: 1,
            healthy: true,
        })
    }
}

/// Everything the balancer needs to know before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Instances to spread over, with unique names.
    pub upstreams: Vec<UpstreamConfig>,
    /// How the instance is picked.
    pub policy: PolicyKind,
    /// Longest wait for a connection to an instance.
    pub connect_timeout: Duration,
    /// Longest wait for the head of an answer, and for each piece of its body; `None` waits for ever.
    pub response_timeout: Option<Duration>,
    /// What it does beyond passing requests on.
    pub options: Options,
}

impl Config {
    /// Reads the variables named in this module.
    ///
    /// # Errors
    /// When a variable is set to something that it may not be.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let milliseconds = |variable, default_ms: u64, least_ms: u64| {
            let allowed = format!("a number of milliseconds from {least_ms} to {TIMEOUT_MS_MAX}");
            environment
                .parse(variable, default_ms, &allowed, |timeout_ms| {
                    (least_ms..=TIMEOUT_MS_MAX).contains(timeout_ms)
                })
                .map(Duration::from_millis)
        };
        let response_timeout = milliseconds(UPSTREAM_RESPONSE_TIMEOUT_MS, RESPONSE_TIMEOUT_MS_DEFAULT, 0)?;
        let upstreams = parse_upstreams(environment.get(UPSTREAMS).unwrap_or_default());
        let policy = environment.get(POLICY).unwrap_or(POLICY_DEFAULT);
        Ok(Self {
            upstreams: upstreams.map_err(|error| {
                let allowed = format!("name=http://host:port, with commas between several: {error}");
                environment.refuse(UPSTREAMS, &allowed)
            })?,
            policy: policy.parse().map_err(|_| {
                let names: Vec<_> = REGISTRY.iter().map(PolicyKind::name).collect();
                environment.refuse(POLICY, &format!("one of {}", names.join(", ")))
            })?,
            connect_timeout: milliseconds(CONNECT_TIMEOUT_MS, CONNECT_TIMEOUT_MS_DEFAULT, 1)?,
            response_timeout: Some(response_timeout).filter(|timeout| !timeout.is_zero()),
            options: Options::read(environment)?,
        })
    }
}

/// An instance that cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// An entry without `=`.
    #[error("the entry {entry:?} has no name before a \"=\"")]
    Entry {
        /// The entry; a password in it is not shown.
        entry: Secret,
    },
    /// Something behind an address that is no weight.
    #[error("the entry {entry:?} has {extra:?} after its address; only weight=N is allowed there")]
    Extra {
        /// The entry; a password in it is not shown.
        entry: Secret,
        /// What stands there.
        extra: String,
    },
    /// An address that the balancer cannot send to.
    #[error("upstream {name:?} has the address {url:?}, but {why}; write http://host:port")]
    Url {
        /// Name of the upstream.
        name: String,
        /// The address; a password in it is not shown.
        url: Secret,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two upstreams of one name.
    #[error("two upstreams are named {name:?}; give each its own name, for metrics are kept by name")]
    Duplicate {
        /// The name that came twice.
        name: String,
    },
    /// A weight of zero.
    #[error("upstream {name:?} has weight 0; use 1 or more, or \"healthy\": false to take it out of rotation")]
    Weight {
        /// Name of the upstream.
        name: String,
    },
}

impl TryFrom<&UpstreamEntry> for UpstreamConfig {
    type Error = UpstreamError;

    fn try_from(entry: &UpstreamEntry) -> Result<Self, UpstreamError> {
        Ok(Self {
            weight: entry.weight,
            healthy: entry.healthy,
            ..Self::new(&entry.name, &entry.url)?
        })
    }
}

/// The list, unless a name comes twice in it or a weight is zero.
///
/// # Errors
/// Names the first entry that is at fault.
pub fn checked(upstreams: Vec<UpstreamConfig>) -> Result<Vec<UpstreamConfig>, UpstreamError> {
    let mut names = HashSet::new();
    for upstream in &upstreams {
        let name = upstream.name.clone();
        if upstream.weight == 0 {
            return Err(UpstreamError::Weight { name });
        }
        if !names.insert(&upstream.name) {
            return Err(UpstreamError::Duplicate { name });
        }
    }
    Ok(upstreams)
}

/// Reads a list of [`UpstreamEntry`] with commas between them.
///
/// # Errors
/// Names the first entry that is at fault.
pub fn parse_upstreams(text: &str) -> Result<Vec<UpstreamConfig>, UpstreamError> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let upstreams = entries.map(|entry| {
        let listed: UpstreamEntry = entry.parse().map_err(|error| {
            let entry = Secret::address(entry);
            match error {
                UpstreamEntryError::NoName => UpstreamError::Entry { entry },
                UpstreamEntryError::Extra(extra) => UpstreamError::Extra { entry, extra },
            }
        })?;
        UpstreamConfig::try_from(&listed)
    });
    checked(upstreams.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, SettingsError> {
        Config::read(&variables.iter().copied().collect())
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let config = read(&[]).unwrap();
        assert!(config.upstreams.is_empty());
        assert_eq!(config.policy.name(), "round_robin");
        assert_eq!(config.connect_timeout, Duration::from_secs(10));
        assert_eq!(config.response_timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn reads_upstreams_in_order_with_spaces_and_a_last_comma() {
        let config = read(&[(UPSTREAMS, "a=http://127.0.0.1:81, b = http://[::1]:82/ ,")]).unwrap();
        let read: Vec<_> = config
            .upstreams
            .iter()
            .map(|upstream| (upstream.name.as_str(), upstream.authority.as_str()))
            .collect();
        assert_eq!(read, [("a", "127.0.0.1:81"), ("b", "[::1]:82")]);
    }

    #[test]
    fn a_weight_may_stand_behind_an_address() {
        let config = read(&[(
            UPSTREAMS,
            "a=http://h:81, b=http://h:82  weight=20 ,c=http://h:83 weight=1",
        )])
        .unwrap();
        let weights: Vec<u32> = config.upstreams.iter().map(|upstream| upstream.weight).collect();
        assert_eq!(weights, [1, 20, 1]);
    }

    #[test]
    fn each_mistake_is_told_apart_and_quoted() {
        for (variable, value, part) in [
            (UPSTREAMS, "http://127.0.0.1:81", "has no name"),
            (UPSTREAMS, "a=https://127.0.0.1:81", "scheme is not http"),
            (UPSTREAMS, "a=127.0.0.1:81", "scheme is not http"),
            (UPSTREAMS, "a=http://127.0.0.1", "no port"),
            (UPSTREAMS, "a=http://127.0.0.1:0", "no port"),
            (UPSTREAMS, "a=http://127.0.0.1:81/x", "has a path"),
            (UPSTREAMS, "a=http://u:s3cret@127.0.0.1:81", "no plain host"),
            (UPSTREAMS, "http://u:s3cret@127.0.0.1:81", "has no name"),
            (UPSTREAMS, "=http://127.0.0.1:81", "name is empty"),
            (UPSTREAMS, "a=http://127.0.0.1:81 weight=x", "only weight=N"),
            (UPSTREAMS, "a=http://127.0.0.1:81 backup", "only weight=N"),
            (UPSTREAMS, "a=http://127.0.0.1:81 weight=0", "weight 0"),
            (UPSTREAMS, "a=http://h:1,a=http://h:2", "two upstreams are named \"a\""),
            (
                POLICY,
                "fastest",
                "round_robin, least_connections, random, weighted_round_robin",
            ),
            (CONNECT_TIMEOUT_MS, "1s", "from 1 to 3600000"),
            (CONNECT_TIMEOUT_MS, "0", "from 1 to 3600000"),
            (UPSTREAM_RESPONSE_TIMEOUT_MS, "-1", "from 0 to 3600000"),
        ] {
            let message = read(&[(variable, value)]).unwrap_err().to_string();
            let shown = Secret::of_variable(variable, value);
            assert!(message.starts_with(&format!("{variable} is {shown:?}")), "{message}");
            assert!(message.contains(part) && !message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn a_response_timeout_of_zero_is_no_limit() {
        let config = read(&[(UPSTREAM_RESPONSE_TIMEOUT_MS, "0")]).unwrap();
        assert_eq!(config.response_timeout, None);
    }
}
