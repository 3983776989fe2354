//! Where a system runs: one trait, a registry by name, and the types that every backend speaks.

mod core;
pub mod docker;
mod instance;
mod interface;
mod leftover;
mod options;
pub mod process;
mod registry;
#[cfg(test)]
mod stand_in;

pub use core::files::{Records, records};
pub use core::record::{InstanceRecord, SystemRecord};
pub use core::settle::settle;
pub use instance::{Instance, InstanceEvent, InstanceEventKind, InstanceState, InstanceStats, LogChunk, Role};
pub use interface::{Backend, BoxFuture, Requirement, System};
pub use leftover::Leftover;
pub use options::{EventSink, Progress, ProgressSink, UpOptions};
pub use registry::{BackendRegistry, DEFAULT_BACKEND, Registered, backend_names};

/// Lets go of what backends keep beside this process, when everything that it had running has ended or is to stay. To be
/// called last; blocks for a moment.
pub fn dismiss() {
    process::dismiss_keeper();
}
