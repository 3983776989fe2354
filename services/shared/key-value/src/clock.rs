//! Time: what passes, for expiry, and what a calendar shows, for clients that ask or that name a moment of it.

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Now {
    /// Milliseconds since the server started. They pass evenly, whatever is done to the machine's calendar.
    pub(crate) passed_ms: i64,
    /// Since 1970.
    pub(crate) calendar: Duration,
}

impl Now {
    /// Milliseconds since 1970.
    pub(crate) fn calendar_ms(&self) -> i64 {
        i64::try_from(self.calendar.as_millis()).unwrap_or(i64::MAX)
    }
}

/// What tells the time; a test brings its own.
#[derive(Clone)]
pub(crate) struct Clock(Rc<dyn Fn() -> Now>);

impl Clock {
    /// The clocks of the machine.
    pub(crate) fn of_machine() -> Self {
        let start = Instant::now();
        Self::new(move || Now {
            passed_ms: i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX),
            calendar: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        })
    }

    pub(crate) fn new(now: impl Fn() -> Now + 'static) -> Self {
        Self(Rc::new(now))
    }

    pub(crate) fn now(&self) -> Now {
        (self.0)()
    }
}
