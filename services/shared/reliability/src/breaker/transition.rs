//! What a breaker tells of itself.

use std::fmt;
use std::ops::{AddAssign, SubAssign};
use std::time::Duration;

/// The three states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are rejected.
    Open,
    /// A few calls pass, and decide.
    HalfOpen,
}

/// Calls and how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// All that ended.
    pub all: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were slow, whether they failed or not.
    pub slow: u64,
}

/// Why the state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Too many of these calls failed.
    Failures(Calls),
    /// Too many of these calls were slow.
    SlowCalls(Calls),
    /// It was open for as long as it should be.
    TimeOver,
    /// These probes were well.
    Recovered(Calls),
    /// Somebody opened it by hand.
    Tripped,
}

/// A change of state, for a log line, a metric, or a mark in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Counts the changes of a breaker, from 1. Observers on several threads can tell from it which came first.
    pub number: u64,
    /// When.
    pub at: Duration,
    /// The state before.
    pub from: BreakerState,
    /// The state from now on.
    pub to: BreakerState,
    /// Why.
    pub cause: Cause,
}

impl AddAssign for Calls {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.failed += other.failed;
        self.slow += other.slow;
    }
}

impl SubAssign for Calls {
    fn sub_assign(&mut self, other: Self) {
        self.all -= other.all;
        self.failed -= other.failed;
        self.slow -= other.slow;
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half open",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures(calls) => write!(f, "{} of {} calls failed", calls.failed, calls.all),
            Self::SlowCalls(calls) => write!(f, "{} of {} calls were slow", calls.slow, calls.all),
            Self::TimeOver => f.write_str("it is time for a probe"),
            Self::Recovered(calls) => write!(f, "{} probes were well enough", calls.all),
            Self::Tripped => f.write_str("opened by hand"),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", self.from, self.to, self.cause)
    }
}
