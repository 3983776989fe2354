//! What keeps a service usable when another one is not, or when more is asked of it than it can do.
//!
//! One policy a file or folder, whose head says the idea, what it promises, when it harms, and where it comes from. A policy
//! knows no socket and no clock: whoever uses it says what time it is, as a [`Duration`](std::time::Duration) since an
//! origin that it chooses. So a service and a simulator under virtual time run the same code. Settings are read from a line as
//! a team writes them, such as `window=10s failures=50% min=20 open=5s probes=3`.

pub mod breaker;
pub mod bulkhead;
mod config;
pub mod deadline;
pub mod hedge;
pub mod limit;
pub mod queue;
pub mod rate;
pub mod retry;
mod rolling;
pub mod throttle;

pub use config::{Kind, SettingsError, Share};
pub use retry::{Attempted, Backoff, retry};
