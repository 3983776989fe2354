//! Decides the checks of a run from its measured values, and how sure that is.

pub(crate) mod bootstrap;
mod decide;
mod own;
mod words;

pub(crate) use decide::of_scenario;
pub use decide::{decide, so_far};
