//! What a system is and where it runs.
//!
//! [`topology`] describes a system as data: which services, how many instances, what stands in front of them.
//! [`backend`] runs such a description somewhere: as child processes or as containers, behind one trait that other places
//! can implement. [`servers`] describes the servers of others that a system may have, each in one place.
//! Nothing here knows about load, scenarios or terminals.

// The suite of conformance names this crate as tests outside of it do.
#[cfg(test)]
extern crate self as compose;

pub mod backend;
mod capability;
#[cfg(test)]
#[allow(
    dead_code,
    unused_imports,
    reason = "a backend for tests alone runs a part of the suite"
)]
#[path = "../tests/conformance/mod.rs"]
mod conformance;
mod error;
pub mod export;
pub mod health;
pub mod host;
pub mod http;
mod machine;
mod path_text;
mod place;
pub mod private;
mod processors;
mod scraped;
pub mod servers;
mod stamp;
mod takeover;
pub mod topology;
mod wiring;
mod yaml;

pub use backend::{
    Backend, BackendRegistry, DEFAULT_BACKEND, EventSink, Instance, InstanceEvent, InstanceEventKind, InstanceRecord,
    InstanceState, InstanceStats, Leftover, LogChunk, Progress, ProgressSink, Records, Registered, Requirement, Role,
    System, SystemRecord, UpOptions, backend_names, dismiss, docker::DockerBackend, process::ProcessBackend,
    process::is_recorded, process::keep, records, settle,
};
pub use capability::Capability;
pub use contract::{LinkConditions, Passage};
pub use error::{Error, Family};
pub use host::Host;
pub use machine::Machine;
pub use processors::ProcessorTime;
pub use stamp::ProcessStamp;
pub use topology::{BalancerKind, BalancerSpec, Limits, LinkSpec, Membership, ServiceSpec, SpecError, SystemSpec};
pub use wiring::Environment;
