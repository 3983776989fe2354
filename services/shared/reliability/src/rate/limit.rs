//! What a limit of a rate is, and what it answers.

use std::fmt::Debug;
use std::time::Duration;

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests in a window; at least 1.
    pub limit: u32,
    /// Length of the window, in whole microseconds, and at least so many as `limit` says.
    pub window: Duration,
    /// Requests at once, for policies that refill bit by bit; at least 1. The others do not look at it.
    pub burst: u32,
}

impl Quota {
    /// So many in a window, and all of them at once if need be.
    #[must_use]
    pub const fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            burst: limit,
        }
    }

    /// The window in microseconds.
    pub(super) fn window_us(&self) -> u64 {
        micros(self.window)
    }

    /// How many of these times lie in the window of the clock with this number.
    #[cfg(test)]
    pub(super) fn count_in_window(&self, times: &[Duration], number: u128) -> u128 {
        let inside = |at: &&Duration| at.as_micros() / self.window.as_micros() == number;
        times.iter().filter(inside).count() as u128
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may go on.
    Admitted {
        /// Requests that would be admitted at the same instant.
        remaining: u32,
    },
    /// It may not.
    Refused {
        /// The shortest wait after which one is admitted, if no other is admitted meanwhile.
        retry_after: Duration,
    },
}

impl Decision {
    /// Whether the request may go on.
    #[must_use]
    pub const fn is_admitted(self) -> bool {
        matches!(self, Self::Admitted { .. })
    }

    /// A refusal with a wait in microseconds.
    pub(super) const fn refused(retry_after_us: u64) -> Self {
        Self::Refused {
            retry_after: Duration::from_micros(retry_after_us),
        }
    }
}

/// Decides which requests of one client are admitted.
pub trait RateLimit: Send + Debug {
    /// A request comes at `now`, which must not run backwards.
    fn admit(&mut self, now: Duration) -> Decision;

    /// Whether from `now` on it decides as one does that nobody ever asked, so that it need not be kept.
    fn is_fresh(&self, now: Duration) -> bool;
}

/// A time in whole microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
