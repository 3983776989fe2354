//! Limits of a rate: at most so many requests in a window of time.
//!
//! A [`RateLimit`] counts for one client, and [`PerClient`] keeps one for each. All policies keep the three promises that
//! `tests.rs` holds each registered one to, beside the specification in its file:
//!
//! - Between any two instants that are less than a window apart, it admits no more than [`RateLimitKind::most`]. For some
//!   policies that is the limit, for others nearly twice as much.
//! - Who waits for as long as it says is admitted, if nobody else of that client came meanwhile.
//! - So many as it says remain are admitted at once.
//!
//! A refused request does not count. To add a policy, write its file in `policies/` and its script beside it, and name it in
//! [`REGISTRY`].
//!
//! # In Redis
//!
//! Several instances that share a limit keep its state in one place. Each policy's file says what it keeps for a client: a
//! few whole numbers, or a set of times. A decision follows from these, the [`Quota`] and the time alone, in whole
//! microseconds, which is what Redis' `TIME` gives. So each has a form as one script ([`RateLimitKind::script`]), which answers
//! a [`Decision`]. [`RateLimit::is_fresh`] says when the key may expire.

mod kind;
mod limit;
mod per_client;
mod policies;
mod settings;
#[cfg(test)]
mod tests;

pub use kind::RateLimitKind;
pub use limit::{Decision, Quota, RateLimit};
pub use per_client::PerClient;
pub use policies::{REGISTRY, SLIDING_LOG};
pub use settings::RateLimitSettings;
