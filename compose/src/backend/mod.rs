//! Where a system runs: one trait, a registry by name, and the types that every backend speaks.

mod core;
pub mod docker;
mod instance;
mod interface;
mod options;
pub mod process;
mod registry;

pub use core::leftover::{Leftover, leftovers};
pub use core::record::{InstanceRecord, PlatformId, Records, SystemRecord, records};
pub use core::settle::settle;
pub use instance::{Instance, InstanceEvent, InstanceEventKind, InstanceState, InstanceStats, LogChunk, Role};
pub use interface::{Backend, BoxFuture, System};
pub use options::{EventSink, Progress, ProgressSink, UpOptions};
pub use registry::BackendRegistry;
