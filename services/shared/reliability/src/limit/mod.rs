//! Limits of concurrency: how many requests may be under way at once.
//!
//! By Little's law, the requests under way are the rate times the latency. A server that is full gets no faster by taking
//! more of them: they only wait inside it. A limit lets them wait outside, where they can be turned away.
//!
//! A [`ConcurrencyLimit`] is told of each request that ended, and says how many there may be; [`Bulkhead`] holds requests to
//! it. All policies keep the laws of `tests/limit.rs`: they stay between their bounds, whatever they are told. To add one,
//! write its file in `policies/` and name it in [`REGISTRY`].
//!
//! What is told matters. A rejection is fast and says nothing about latency, so it is reported as [`Outcome::Overloaded`] and
//! its time is not looked at. So is a timeout: its time says how long somebody waited, not how long the work takes, and a
//! constant one would look like a healthy server (concurrency-limits#137). A request that its caller cancelled is not
//! reported at all (concurrency-limits#146).
//!
//! [`Bulkhead`]: crate::bulkhead::Bulkhead

mod observe;
mod policies;
mod settings;

pub use observe::{ConcurrencyLimit, LimitKind, Outcome, Sample};
pub use policies::REGISTRY;
pub use settings::limit;
