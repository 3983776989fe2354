//! The time that the policies are told: how long this process has run.

use std::time::{Duration, Instant};

/// Counts from when it was made. Copies count from the same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }
}
