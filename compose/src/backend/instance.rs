//! An instance as others see it, what it has used, and what happens to it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

/// What an instance is within its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// One of the copies that do the service's work.
    Instance,
    /// The balancer in front of the copies.
    Balancer,
    /// The proxy on the way to another service, which all copies use.
    Link,
}

/// The state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum InstanceState {
    /// It was started and does not answer yet.
    Starting,
    /// It answered that it is ready.
    Ready,
    /// It is frozen.
    Paused,
    /// It ended by itself, or was asked to. Both figures are unknown for a process that another program started.
    Exited {
        /// The exit code, when it ended by exiting.
        code: Option<i32>,
        /// The signal's number, when a signal ended it.
        signal: Option<i32>,
    },
    /// It was killed on purpose.
    Killed,
}

impl InstanceState {
    /// Whether there is a process: starting, ready or paused.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Ready | Self::Paused)
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => formatter.write_str("starting"),
            Self::Ready => formatter.write_str("ready"),
            Self::Paused => formatter.write_str("paused"),
            Self::Exited { code: Some(code), .. } => write!(formatter, "exited with status {code}"),
            Self::Exited {
                signal: Some(signal), ..
            } => write!(formatter, "ended by signal {signal}"),
            Self::Exited { .. } => formatter.write_str("exited"),
            Self::Killed => formatter.write_str("killed"),
        }
    }
}

/// One instance (or balancer) of a running system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name: `gateway-1`, `gateway-balancer`.
    pub name: String,
    /// The alias of its service: `gateway`.
    pub service: String,
    /// Whether it does the work or balances it.
    pub role: Role,
    /// Its state at the moment of asking.
    pub state: InstanceState,
    /// Its base address; `None` until it listens.
    pub url: Option<Url>,
    /// Its TCP port; `None` until it listens.
    pub port: Option<u16>,
    /// Its process id, where there is one.
    pub pid: Option<u32>,
    /// When its present process was started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// The file that holds its log, where the log is a local file.
    #[serde(with = "crate::path_text::optional")]
    pub log: Option<PathBuf>,
}

/// What one running instance has used since its process started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStats {
    /// The instance's name.
    pub instance: String,
    /// Processor time, user and system together, of all its threads. Linux counts it in steps of 10 ms.
    pub cpu_ms: Option<u64>,
    /// Resident memory.
    pub resident_bytes: Option<u64>,
}

/// A piece of an instance's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogChunk {
    /// The bytes; the last line may be incomplete.
    pub bytes: Vec<u8>,
    /// The offset to continue from.
    pub next: u64,
}

/// Something that happened to an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceEvent {
    /// The instance's name.
    pub instance: String,
    /// The alias of its service.
    pub service: String,
    /// What happened.
    pub kind: InstanceEventKind,
}

/// What can happen to an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum InstanceEventKind {
    /// Its process was started.
    Started {
        /// The process id.
        pid: u32,
    },
    /// It accepts connections.
    Listening {
        /// The TCP port.
        port: u16,
    },
    /// It answered that it is ready.
    Ready {
        /// From the start of its process to the answer.
        start_ms: f64,
    },
    /// It was frozen.
    Paused,
    /// It goes on.
    Resumed,
    /// It was killed on purpose.
    Killed,
    /// It was asked to end.
    Stopping,
    /// Its process ended.
    Exited {
        /// The exit code, when it ended by exiting.
        code: Option<i32>,
        /// The signal's number, when a signal ended it.
        signal: Option<i32>,
        /// Whether it was killed or asked to end; `false` means a crash.
        expected: bool,
    },
}
