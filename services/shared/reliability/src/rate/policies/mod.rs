//! One file a policy. Each says the idea, what it promises, what it keeps, when it harms, and where it comes from.
//!
//! To add one, write its file, and beside it the script that does the same in Redis, and name it twice here: among the
//! modules, and in [`REGISTRY`].

mod coarse_log;
mod fixed_window;
mod gcra;
mod sliding_counter;
mod sliding_log;
mod token_bucket;

use super::kind::RateLimitKind;

pub use sliding_log::KIND as SLIDING_LOG;

/// Every policy there is, in the order in which lists show them. `tests.rs` runs over it.
pub static REGISTRY: &[RateLimitKind] = &[
    fixed_window::KIND,
    sliding_counter::KIND,
    sliding_log::KIND,
    coarse_log::KIND,
    token_bucket::KIND,
    gcra::KIND,
];
