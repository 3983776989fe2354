//! Where everybody who watches puts what disturbed the measurement, until the engine tells of it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::disturbance::Disturbance;

/// What was noticed and not yet told.
pub(super) struct Noticed {
    began: Instant,
    found: Mutex<Vec<Disturbance>>,
}

impl Noticed {
    /// Nothing yet, in a run that began then.
    pub(super) fn since(began: Instant) -> Self {
        Self {
            began,
            found: Mutex::default(),
        }
    }

    /// A moment on the run's own clock, milliseconds.
    pub(super) fn ms_at(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn put(&self, disturbance: Disturbance) {
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(disturbance);
    }

    pub(super) fn take(&self) -> Vec<Disturbance> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
