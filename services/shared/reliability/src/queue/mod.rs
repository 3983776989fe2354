//! Queue disciplines: who is served next, and who is turned away, when more wait than can be served.
//!
//! A queue smooths bursts. Under a lasting overload it only makes everybody wait: it is full, and who is served has waited
//! longest and perhaps left already. All disciplines here have a bounded length, and keep the laws of `tests/queue.rs`: who
//! comes in leaves once, served, shed or removed. To add one, write its file in `policies/` and name it in [`REGISTRY`].
//!
//! A [`Discipline`] holds numbers. What waits under a number is for its user to know, as [`Bulkhead`] does.
//!
//! [`Bulkhead`]: crate::bulkhead::Bulkhead

mod backlog;
mod discipline;
mod policies;
mod settings;

pub use discipline::{Discipline, DisciplineKind, Waiter};
pub use policies::REGISTRY;
pub use settings::queue;
