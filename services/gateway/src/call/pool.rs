//! The pool of places that the calls to all services share.

use std::sync::Mutex;
use std::time::Duration;

use reliability::SettingsError;
use reliability::bulkhead::{Bulkhead, BulkheadSettings};

use super::lock::lock;
use crate::clock::Clock;

/// What the callers of all services share.
pub(crate) struct Pools {
    pub(crate) clock: Clock,
    /// The latest pool, and its settings. Who asks for the same settings gets the same pool.
    latest: Mutex<Option<(String, Bulkhead)>>,
}

impl Pools {
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::start(),
            latest: Mutex::default(),
        }
    }

    /// The pool of these settings.
    pub(crate) fn get(&self, line: &str) -> Result<Bulkhead, SettingsError> {
        let mut latest = lock(&self.latest);
        if let Some((_, pool)) = latest.as_ref().filter(|(of, _)| of == line) {
            return Ok(pool.clone());
        }
        let pool = bulkhead(line, self.clock)?;
        *latest = Some((line.to_owned(), pool.clone()));
        Ok(pool)
    }
}

/// A bulkhead as a team writes it.
pub(crate) fn bulkhead(line: &str, clock: Clock) -> Result<Bulkhead, SettingsError> {
    let settings: BulkheadSettings = line.parse()?;
    Ok(Bulkhead::new(settings.places()?, settings.wait, move || clock.now()))
}

/// A limit that may move, and behind a semicolon its queue, in which nobody waits for longer than `wait`.
pub(crate) fn limit(line: &str, wait: Duration, clock: Clock) -> Result<Bulkhead, SettingsError> {
    let (limit, queue) = line.split_once(';').unwrap_or((line, "fifo length=0"));
    let places =
        reliability::bulkhead::Places::new(reliability::limit::limit(limit)?, reliability::queue::queue(queue)?);
    Ok(Bulkhead::new(places, wait, move || clock.now()))
}
