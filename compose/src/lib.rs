//! What a system is and where it runs.
//!
//! [`topology`] describes a system as data: which services, how many instances, what stands in front of them.
//! [`backend`] runs such a description somewhere: as child processes or as containers, behind one trait that other places
//! can implement. [`servers`] describes the servers of others that a system may have, each in one place.
//! Nothing here knows about load, scenarios or terminals.

pub mod backend;
mod capability;
mod error;
pub mod export;
pub mod health;
pub mod host;
pub mod http;
mod machine;
mod path_text;
mod place;
pub mod private;
pub mod servers;
mod stamp;
mod takeover;
pub mod topology;
mod wiring;

pub use backend::{
    Backend, BackendRegistry, EventSink, Instance, InstanceEvent, InstanceEventKind, InstanceState, InstanceStats,
    Leftover, LogChunk, PlatformId, Progress, ProgressSink, Records, Role, System, SystemRecord, UpOptions,
    docker::DockerBackend, leftovers, process::ProcessBackend, process::dismiss_keeper, process::end_unrecorded,
    process::keep, records, settle,
};
pub use capability::Capability;
pub use contract::{LinkConditions, Passage};
pub use error::{Error, Family};
pub use host::Host;
pub use machine::Machine;
pub use stamp::ProcessStamp;
pub use topology::{BalancerKind, BalancerSpec, Limits, LinkSpec, Membership, ServiceSpec, SpecError, SystemSpec};
pub use wiring::Environment;
