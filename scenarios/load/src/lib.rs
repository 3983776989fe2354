//! The load generator of the laboratory: HTTP/1.1 requests at stated times, and honest figures of what came back.
//!
//! A [`LoadPlan`] is a set of [`Stream`]s. [`start`] runs it in a thread of its own; [`Running::samples`] gives what
//! happened every 100 ms, [`Running::join`] the sum. What is measured, and how:
//!
//! * an open loop starts requests when its seeded schedule says, whether or not earlier ones came back;
//! * latency counts from the *intended* start (`response`), and apart from that from the actual send (`service`), so
//!   that the difference, known as coordinated omission, can be shown;
//! * the generator judges itself: the lateness of every send is recorded, and what was asked for and not sent stays
//!   visible as `scheduled > sent`; when it stood still is told by itself;
//! * a failed request is a result: counted by class, with a latency of its own.
//!
//! [`search::Search`] finds the highest rate that a system serves within a latency objective.

#![forbid(unsafe_code)]

mod alarm;
mod engine;
mod histogram;
mod http;
mod mailbox;
mod plan;
mod pool;
mod recorder;
mod running;
mod sample;
pub mod schedule;
pub mod search;
mod totals;

pub use histogram::Histogram;
pub use mailbox::Samples;
pub use plan::{Arrivals, BadRequest, LoadPlan, Pace, Request, Stage, StartError, Stream, Window};
pub use pool::Pool;
pub use running::{Running, start};
pub use sample::{ClassSample, InstanceSample, Sample, Slice, Standstill, error_class};
pub use totals::{ClassTotals, Totals};
