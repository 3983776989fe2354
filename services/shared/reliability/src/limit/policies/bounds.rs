//! The bounds of a limit that moves.

use crate::config::{SettingsError, Words};

/// Between these a limit moves, and at `start` it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    min: f64,
    max: f64,
    pub(super) start: f64,
}

impl Bounds {
    /// Reads `min=1 max=200 start=20`.
    pub(super) fn take(words: &mut Words<'_>) -> Result<Self, SettingsError> {
        let (min, max) = (words.count("min", 1)?, words.count("max", 200)?);
        if min > max {
            return Err(SettingsError::Contradiction("min is above max"));
        }
        let is_between = |start: &u32| (min..=max).contains(start);
        let start = words.take_if("start", 20.clamp(min, max), is_between, "it must be from min to max")?;
        Ok(Self {
            min: min.into(),
            max: max.into(),
            start: start.into(),
        })
    }

    pub(super) fn hold(&self, limit: f64) -> f64 {
        limit.clamp(self.min, self.max)
    }
}
