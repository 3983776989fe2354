//! One file a policy. Each says the idea, what it promises, when it harms, and where it comes from.
//!
//! To add one, write its file and name it twice here: among the modules, and in [`REGISTRY`].

mod aimd;
mod bounds;
mod constant;
mod gradient;

use super::observe::LimitKind;

/// Every policy there is, in the order in which lists show them. `tests/limit.rs` runs over it.
pub static REGISTRY: &[LimitKind] = &[constant::KIND, aimd::KIND, gradient::KIND];
