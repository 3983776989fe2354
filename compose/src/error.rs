//! What can go wrong while a system runs, in the three families that exit codes are made of.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::servers::error::ServerError;
use crate::topology::SpecError;

/// Whose fault an error is, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// What was asked for makes no sense; ask differently.
    Usage,
    /// The machine does not let it happen: a program is missing, a port is taken, something is not ready in time.
    Environment,
    /// Neither: a defect, or something outside that behaved as it should not.
    Unexpected,
}

/// Why an operation on a backend or a system failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The description is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// No named system is called so.
    #[error("there is no system called `{name}`; there are: {}", known.join(", "))]
    UnknownSystem {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// No backend is called so.
    #[error("there is no backend called `{name}`; there are: {}", known.join(", "))]
    UnknownBackend {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A record names a backend that this lab does not have.
    #[error(
        "system `{run_id}` runs on the backend `{name}`, which this lab does not have (it has: {}); \
         the lab that started it can bring it down",
        known.join(", ")
    )]
    ForeignBackend {
        /// The system's run id.
        run_id: String,
        /// The backend, as the record has it.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A backend cannot even be set up.
    #[error("the {name} backend cannot be used: {source}")]
    BackendUnusable {
        /// The backend's name.
        name: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The system has no such service.
    #[error("the system has no service called `{name}`; it has: {}", known.join(", "))]
    UnknownProgram {
        /// The name as given.
        name: String,
        /// The aliases there are.
        known: Vec<String>,
    },
    /// The system has no such instance.
    #[error("the system has no instance called `{name}`; it has: {}", known.join(", "))]
    UnknownInstance {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The system has no link there.
    #[error(
        "the system has no link `{name}`{}",
        if known.is_empty() { " and no other".to_owned() } else { format!("; it has: {}", known.join(", ")) }
    )]
    UnknownLink {
        /// The link as given, `FROM->TO`.
        name: String,
        /// The links there are.
        known: Vec<String>,
    },
    /// The link does not take what it was told.
    #[error("{link} refuses its conditions: {reason}")]
    ConditionsRefused {
        /// The link's name among the instances.
        link: String,
        /// What it said.
        reason: String,
    },
    /// The instance does not run.
    #[error("cannot {action} {instance}: it does not run ({state}); `lab restart {instance}` starts it again")]
    NotRunning {
        /// The instance.
        instance: String,
        /// What was to be done.
        action: &'static str,
        /// The state it is in.
        state: String,
    },
    /// The instance belongs to somebody else, so the lab does nothing to it.
    #[error(
        "{instance} is not the lab's: this system uses the one at {url} ({variable}); \
         bring it up without {variable} to give it one of its own"
    )]
    External {
        /// The instance.
        instance: String,
        /// The variable in which the user named it.
        variable: &'static str,
        /// The address that is used in its place.
        url: String,
    },
    /// The backend cannot do this.
    #[error("the {backend} backend has no `{capability}`")]
    Unsupported {
        /// The backend's name.
        backend: &'static str,
        /// What it lacks.
        capability: Capability,
    },
    /// The service has no balancer, so there is no policy to change.
    #[error("`{service}` has no balancer in front of it, so it has no policy to change")]
    NoBalancer {
        /// The service's alias.
        service: String,
    },
    /// The balancer does not accept what it was told.
    #[error("the balancer of `{service}` refuses policy `{policy}`: {reason}")]
    PolicyRefused {
        /// The service's alias.
        service: String,
        /// The policy as given.
        policy: String,
        /// What the balancer said.
        reason: String,
    },
    /// The id cannot name a record.
    #[error(
        "`{run_id}` cannot be a run's id: use 1 to 100 letters, digits, `-`, `_` and `.`, starting with a letter or digit"
    )]
    BadRunId {
        /// The id as given.
        run_id: String,
    },
    /// A system with this id is already recorded.
    #[error("a system with the id `{run_id}` is already there ({}); bring it down first", record.display())]
    RunIdTaken {
        /// The id.
        run_id: String,
        /// The record that is in the way.
        record: PathBuf,
    },
    /// The system belongs to a lab that is running it right now.
    #[error("system `{run_id}` belongs to a run in progress (process {lab_pid}); only that run can {action} it")]
    OwnedByRun {
        /// The system's run id.
        run_id: String,
        /// The process that owns it.
        lab_pid: u32,
        /// What was to be done.
        action: &'static str,
    },

    /// A server of others cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The program that carries the services, or one that is a service by itself, cannot be started.
    #[error("cannot start {instance}: {} cannot be run: {source}", program.display())]
    Program {
        /// The instance.
        instance: String,
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The port that an instance has to listen on is in use.
    #[error("cannot start {instance}: port {port} on 127.0.0.1 is taken by another program")]
    PortTaken {
        /// The instance.
        instance: String,
        /// The port.
        port: u16,
    },
    /// The address that a server is to listen on cannot be had.
    #[error("cannot start {instance}: it cannot listen on {address}: {source}")]
    Listen {
        /// The instance.
        instance: String,
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// An instance ended before it was ready.
    #[error("{instance} {state} before it was ready; the end of its log ({}):\n{tail}", log.display())]
    ExitedAtStart {
        /// The instance.
        instance: String,
        /// How it ended.
        state: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// Instances were not ready in time.
    #[error("not ready after {timeout_ms} ms: {}", waiting.join("; "))]
    NotReady {
        /// The bound, in milliseconds.
        timeout_ms: u64,
        /// Each instance that is not ready, and why.
        waiting: Vec<String>,
    },
    /// Nothing of the system runs any more.
    #[error("no instance of system `{run_id}` is running; `lab clean` removes what is left of it")]
    Gone {
        /// The system's run id.
        run_id: String,
    },
    /// What only one backend knows to happen, in its words.
    #[error("{cause}")]
    Backend {
        /// What happened.
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// Whose fault it is.
        family: Family,
        /// Whether what carries the systems does not answer, so that later may be better.
        is_out_of_reach: bool,
    },
    /// A file or folder cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was to be done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A balancer's administration interface did not do as told.
    #[error("the balancer of `{service}` could not be told {what}: {reason}")]
    Balancer {
        /// The service's alias.
        service: String,
        /// What it was to be told.
        what: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// A link's control interface did not do as told.
    #[error("{link} could not be told its conditions: {reason}")]
    Link {
        /// The link's name among the instances.
        link: String,
        /// What went wrong.
        reason: String,
    },
    /// A record is not what this version writes.
    #[error("cannot read the record {}: {reason}", path.display())]
    BadRecord {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// The family that the error belongs to.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Backend { family, .. } => *family,
            Self::Spec(_)
            | Self::UnknownSystem { .. }
            | Self::UnknownBackend { .. }
            | Self::UnknownProgram { .. }
            | Self::UnknownInstance { .. }
            | Self::UnknownLink { .. }
            | Self::ConditionsRefused { .. }
            | Self::NotRunning { .. }
            | Self::External { .. }
            | Self::NoBalancer { .. }
            | Self::Unsupported { .. }
            | Self::PolicyRefused { .. }
            | Self::Server(ServerError::Cannot { .. })
            | Self::BadRunId { .. }
            | Self::RunIdTaken { .. }
            | Self::OwnedByRun { .. } => Family::Usage,
            Self::ForeignBackend { .. }
            | Self::BackendUnusable { .. }
            | Self::Server(ServerError::Absent { .. } | ServerError::Unusable { .. })
            | Self::Program { .. }
            | Self::Listen { .. }
            | Self::PortTaken { .. }
            | Self::ExitedAtStart { .. }
            | Self::NotReady { .. }
            | Self::Gone { .. }
            | Self::File { .. } => Family::Environment,
            Self::Server(ServerError::Refuses { .. })
            | Self::Balancer { .. }
            | Self::Link { .. }
            | Self::BadRecord { .. } => Family::Unexpected,
        }
    }

    /// Whether what carries the systems does not answer, so that later may be better.
    #[must_use]
    pub const fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::Backend {
                is_out_of_reach: true,
                ..
            }
        )
    }

    /// Makes an [`Error::File`] of an input or output error; for `map_err`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
