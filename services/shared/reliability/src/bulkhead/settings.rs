//! A bulkhead as a team writes it.

use std::str::FromStr;
use std::time::Duration;

use super::places::Places;
use crate::config::{SettingsError, Words};
use crate::limit::limit;
use crate::queue::queue;

/// Written as `max=10 length=10 wait=1s`: a constant number of places, and a first-in-first-out queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkheadSettings {
    /// Places.
    pub max: u32,
    /// How many may wait for one; 0 is nobody.
    pub length: u32,
    /// How long each of them may wait.
    pub wait: Duration,
}

impl FromStr for BulkheadSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = Words::of(text)?;
        let settings = Self {
            max: words.count("max", 10)?,
            length: words.take("length", 10)?,
            wait: words.take("wait", Duration::from_secs(1))?,
        };
        words.end()?;
        Ok(settings)
    }
}

impl BulkheadSettings {
    /// Its places, all free.
    ///
    /// # Errors
    /// Where there is no place at all.
    pub fn places(&self) -> Result<Places, SettingsError> {
        let limit = limit(&format!("static max={}", self.max))?;
        Ok(Places::new(limit, queue(&format!("fifo length={}", self.length))?))
    }
}
