//! The invariants: one a file, and a line in the registry.
//!
//! Each judges all operations of the history it is given.

mod at_most_once;
mod conservation;
mod invariant;
pub mod linearizable;
mod monotone_tokens;
mod mutual_exclusion;
mod parameter;
mod race;
mod rate;
mod read_your_writes;
mod registry;
mod uniqueness;

#[cfg(test)]
pub(crate) mod fixture;

pub use invariant::{Held, Invariant, Known};
pub use parameter::{Numbers, Parameter};
pub use registry::{AnyInvariant, REGISTRY};
