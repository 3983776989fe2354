//! Histories of operations, and what they prove.
//!
//! A [`History`] is what clients saw, as Jepsen records it: when each [`Operation`] was invoked, when it came back and
//! how. [`invariants`] judge it: each looks for one kind of mistake and gives a [`Judgement`] whose [`Violation`]s name
//! the smallest set of operations that proves them. A [`Diagram`] shows such a proof as a space-time diagram.
//!
//! Nothing here reads a clock, a file or a socket: the same history gives the same judgement.

mod action;
mod diagram;
pub mod invariants;
mod judgement;
mod operation;
mod record;

pub use action::ActionKind;
pub use diagram::{Arrow, Diagram, Event, EventKind, Lane, Mark};
pub use judgement::{InvariantVerdict, Judgement, Violation};
pub use operation::{Completion, Operation, Step, StepKind};
pub use record::{History, HistoryError};
