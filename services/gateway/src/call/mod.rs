//! The way to every service behind the gateway: a chain of policies around each call, from the outside in.
//!
//! | Policy | Question | File |
//! |---|---|---|
//! | deadline | Does anybody wait for the answer? | `caller.rs` |
//! | bulkhead, limit, pool | Is there a place for one more call? | `places.rs` |
//! | throttle | Does the service reject most of what it gets? | `caller.rs` |
//! | retry | It failed: once more? | `retrying.rs` |
//! | hedge | It is slow: a second one besides? | `hedging.rs` |
//! | circuit breaker | Did nearly all calls fail lately? | `breakers.rs` |
//! | timeout | How long may this try take? | `attempt.rs` |
//!
//! What costs nobody anything comes first. A place is for a call with all its tries, so that retries find one. A breaker sees every
//! single try, and may stop the retries. The same order is that of other libraries, such as .NET's standard pipeline (rate, total
//! timeout, retry, breaker, timeout of a try) and Resilience4j's decorators.
//!
//! A policy that is off is not there at all. All permits are guards: a call may be dropped at any await, and nothing stays taken.

mod attempt;
mod breakers;
mod caller;
mod chain;
mod context;
mod counts;
mod hedging;
mod journal;
mod lock;
mod outcome;
mod places;
mod pool;
mod report;
mod retrying;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use caller::Caller;
pub(crate) use chain::PolicyError;
pub(crate) use outcome::{Outcome, is_transient};
pub(crate) use pool::Pools;
pub(crate) use settings::{from_settings, refuse};
