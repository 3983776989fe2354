//! What a limit of concurrency is, and what it is told.

use std::fmt::Debug;
use std::time::Duration;

use crate::config::{Kind, SettingsError, Words};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was worked on to its end, well or not.
    Done,
    /// It was rejected by whoever was asked, or took longer than its timeout.
    Overloaded,
}

/// A request that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When it began.
    pub began: Duration,
    /// When it ended.
    pub ended: Duration,
    /// Requests under way when it began, itself included.
    pub in_flight: u32,
    /// How it ended.
    pub outcome: Outcome,
}

impl Sample {
    /// How long it took.
    #[must_use]
    pub const fn latency(&self) -> Duration {
        self.ended.saturating_sub(self.began)
    }
}

/// Says how many requests may be under way.
pub trait ConcurrencyLimit: Send + Debug {
    /// So many, and at least 1.
    fn limit(&self) -> u32;

    /// A request ended.
    fn observe(&mut self, sample: &Sample);
}

/// A policy that can be built from the settings behind its name.
pub type LimitKind = Kind<fn(&mut Words<'_>) -> Result<Box<dyn ConcurrencyLimit>, SettingsError>>;
