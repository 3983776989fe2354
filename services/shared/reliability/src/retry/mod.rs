//! Retries: trying again, and not too often.
//!
//! The idea: many failures are over soon, so try again after a pause. The pause grows from try to try and is drawn at
//! random, so that callers who failed together do not come back together. A budget bounds how much load retries add.
//!
//! It promises: only idempotent requests are tried again, never past their deadline, and of all requests to a dependency no
//! more than a share is retries ([`RetryBudget`]).
//!
//! It harms a dependency that is overloaded: three tries of each request are three times the load, just when it can bear the
//! least. Jitter does not help there, it only spreads the load. The budget does. And one layer should retry: five layers
//! with three tries each are 243 tries.
//!
//! Source: M. Brooker, *Exponential Backoff And Jitter*, 2015, and *Fixing retries with token buckets and circuit breakers*,
//! 2022; Google, *Site Reliability Engineering*, 2016, chapters 21 and 22.

mod backoff;
mod budget;
mod policy;

pub use backoff::{Attempted, Backoff, retry};
pub use budget::{BudgetSettings, RetryBudget};
pub use policy::{Call, GiveUp, RetryPolicy, RetrySettings};
