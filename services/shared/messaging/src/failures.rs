//! What becomes of messages that cannot be handled.

use std::time::Duration;

/// Pause before a message that blocks its partition is tried again.
const BLOCK_PAUSE: Duration = Duration::from_millis(100);

/// What becomes of a message that was not handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failures {
    /// It is tried again in its place until it goes well. Everything behind it in its partition waits.
    Block,
    /// It is moved out of the way: put off in one retry topic after the other, and in the end laid down as a dead letter.
    /// With no delays it is a dead letter at once. What can never go well is one at once in any case.
    Move {
        /// How long it is put off each time; as many tries as delays follow the first one.
        delays: Vec<Duration>,
    },
}

impl Failures {
    /// Moves failed messages through `retries` retry topics: the first delay is `first`, and each one twice as long as
    /// the one before.
    #[must_use]
    pub fn backoff(first: Duration, retries: u32) -> Self {
        Self::Move {
            delays: (0..retries).map(|retry| first * 2_u32.saturating_pow(retry)).collect(),
        }
    }

    /// How often a message is tried again elsewhere.
    #[must_use]
    pub fn retries(&self) -> usize {
        match self {
            Self::Block => 0,
            Self::Move { delays } => delays.len(),
        }
    }

    pub(crate) const fn gives_up(&self) -> bool {
        matches!(self, Self::Move { .. })
    }

    /// Pause before a message is tried again in its place.
    pub(crate) const fn pause(&self) -> Duration {
        BLOCK_PAUSE
    }
}
