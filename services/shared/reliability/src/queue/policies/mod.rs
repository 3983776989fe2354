//! One file a discipline. Each says the idea, what it promises, when it harms, and where it comes from.
//!
//! To add one, write its file and name it twice here: among the modules, and in [`REGISTRY`].

mod adaptive_lifo;
mod codel;
mod fifo;

use super::discipline::DisciplineKind;

/// Every discipline there is, in the order in which lists show them. `tests/queue.rs` runs over it.
pub static REGISTRY: &[DisciplineKind] = &[fifo::KIND, adaptive_lifo::KIND, codel::KIND];
