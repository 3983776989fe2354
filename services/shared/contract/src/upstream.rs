//! The instances of a balancer, as it is told of them and as it tells of them.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The header of a request that names instances which its sender would rather not have, with commas between several.
pub const AVOID_HEADER: &str = "x-avoid-instances";
/// The header of a balancer's own answers that names the instance which did not answer, or [`NO_UPSTREAM`].
pub const UPSTREAM_HEADER: &str = "x-upstream";
/// No instance was asked.
pub const NO_UPSTREAM: &str = "none";

/// An instance as `PUT /_balancer/upstreams` takes it.
///
/// As text, in the list that a balancer is started with: `NAME=URL`, with ` weight=N` behind it where that is not 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamEntry {
    /// Its name, unique in its list.
    pub name: String,
    /// Where it listens: `http://host:port`.
    pub url: String,
    /// Its share relative to the others, for policies that look at it.
    #[serde(default = "one")]
    pub weight: u32,
    /// Whether it gets new requests. One that does not is still listed, so that its requests in flight are seen.
    #[serde(default = "yes")]
    pub healthy: bool,
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

/// What separates an address from its weight, in text.
const WEIGHT: &str = "weight=";

impl fmt::Display for UpstreamEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.name, self.url)?;
        match self.weight {
            1 => Ok(()),
            weight => write!(formatter, " {WEIGHT}{weight}"),
        }
    }
}

impl FromStr for UpstreamEntry {
    type Err = UpstreamEntryError;

    fn from_str(text: &str) -> Result<Self, UpstreamEntryError> {
        let (name, rest) = text.split_once('=').ok_or(UpstreamEntryError::NoName)?;
        let rest = rest.trim();
        let (url, extra) = rest.split_once(' ').unwrap_or((rest, ""));
        let weight = match extra.trim() {
            "" => Some(1),
            extra => extra.strip_prefix(WEIGHT).and_then(|weight| weight.parse().ok()),
        };
        Ok(Self {
            name: name.trim().to_owned(),
            url: url.to_owned(),
            weight: weight.ok_or_else(|| UpstreamEntryError::Extra(extra.to_owned()))?,
            healthy: true,
        })
    }
}

/// Why a text lists no instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamEntryError {
    /// There is no `=` behind a name.
    NoName,
    /// Something that is no weight stands behind the address.
    Extra(String),
}

impl fmt::Display for UpstreamEntryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => write!(formatter, "it has no name before a \"=\""),
            Self::Extra(extra) => write!(
                formatter,
                "it has {extra:?} after its address; only {WEIGHT}N is allowed there"
            ),
        }
    }
}

impl Error for UpstreamEntryError {}

/// An instance as `GET /_balancer/upstreams` shows it. A balancer may leave out what is optional here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Requests picked for it whose answer has not ended.
    pub in_flight: u32,
    /// Where it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its share relative to the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Whether the list has it in rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
    /// What comes of the list and its health: `in`, `warming`, `ejected`, `down` or `draining`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Requests picked for it since it was first listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Requests that it did not answer wholly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// How often it was taken out for its failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejections: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["a=http://b:1", "c=http://d:2 weight=20"] {
            assert_eq!(text.parse::<UpstreamEntry>().unwrap().to_string(), text);
        }
        let entry: UpstreamEntry = " a = http://b:1  weight=3".parse().unwrap();
        assert_eq!(
            (entry.name.as_str(), entry.url.as_str(), entry.weight),
            ("a", "http://b:1", 3)
        );
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        assert_eq!("http://b:1".parse::<UpstreamEntry>(), Err(UpstreamEntryError::NoName));
        for extra in ["heavy", "weight=", "weight=-1", "weight=1 2"] {
            let refused = format!("a=http://b:1 {extra}").parse::<UpstreamEntry>();
            assert_eq!(refused, Err(UpstreamEntryError::Extra(extra.to_owned())));
        }
    }

    #[test]
    fn a_balancer_that_tells_only_what_is_needed_is_understood() {
        let status: UpstreamStatus = crate::json::from_str(r#"{"name": "a", "in_flight": 3, "mood": "good"}"#).unwrap();
        assert_eq!(
            (status.name.as_str(), status.in_flight, status.requests),
            ("a", 3, None)
        );
        assert_eq!(serde_json::to_string(&status).unwrap(), r#"{"name":"a","in_flight":3}"#);
    }
}
