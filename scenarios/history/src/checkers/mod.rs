//! The checkers: one law each.
//!
//! Every checker judges all operations of the history it is given; to judge one class, give it
//! [`History::of_class`](crate::History::of_class).

mod at_most_once;
mod conservation;
pub mod linearizable;
mod monotone_tokens;
mod mutual_exclusion;
mod race;
mod uniqueness;

#[cfg(test)]
pub(crate) mod fixture;

pub use at_most_once::at_most_once;
pub use conservation::{Stock, conservation};
pub use linearizable::linearizable;
pub use monotone_tokens::monotone_tokens;
pub use mutual_exclusion::mutual_exclusion;
pub use uniqueness::uniqueness;
