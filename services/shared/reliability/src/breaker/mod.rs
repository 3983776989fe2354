//! Circuit breaker.
//!
//! The idea: stop calling a dependency that fails. While the breaker is *closed*, calls pass and their results are counted.
//! When the share of failures, or of slow calls, reaches its threshold, the breaker *opens* and rejects every call for a
//! while: callers fail at once instead of waiting for a timeout, and the dependency gets room to recover. Then it is *half
//! open*: it lets a few calls through as probes, and their results close or open it again.
//!
//! It promises: at most the number of probes is under way when half open, and a probe that is dropped without a result
//! gives its permit back, so the breaker never gets stuck. A result counts only in the state in which its call began.
//!
//! It harms where a dependency fails in part. A breaker for three instances, of which one is dead, sees a third of the calls
//! fail; with a threshold of 30 % it cuts off two healthy ones too. Keep one breaker for each instance, or better for each
//! thing that fails alone.
//!
//! Source: M. Nygard, *Release It!*, 2nd edition, 2018, chapter 5; windows and thresholds as in resilience4j 2.3, with which
//! `tests/resilience4j.rs` compares it state by state. M. Brooker, *Will circuit breakers solve my problems?*, 2022, says
//! when they do not.

mod machine;
mod outcomes;
mod permit;
mod settings;
mod transition;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub use machine::Rejected;
pub use permit::{Breaker, Permit};
pub use settings::{BreakerSettings, CallWindow};
pub use transition::{BreakerState, Calls, Cause, Transition};
