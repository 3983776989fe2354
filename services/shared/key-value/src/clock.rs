//! Time: what passes, for expiry, and what a calendar shows, for clients that ask or that name a moment of it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Further apart than this, the two clocks say that the calendar was set.
const CALENDAR_SET: Duration = Duration::from_millis(2);

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
        let start_of_calendar = Cell::new(Duration::ZERO);
        Self::new(move || {
            let passed = start.elapsed();
            let calendar = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let started = calendar.saturating_sub(passed);
            // In whole milliseconds, and kept until somebody sets the calendar: a deadline that was named by the calendar is
            // then told as it was named, and not a millisecond off.
            if started.abs_diff(start_of_calendar.get()) > CALENDAR_SET {
                start_of_calendar.set(Duration::from_millis(
                    u64::try_from(started.as_millis()).unwrap_or(u64::MAX),
                ));
            }
            Now {
                passed_ms: i64::try_from(passed.as_millis()).unwrap_or(i64::MAX),
                calendar: start_of_calendar.get() + passed,
            }
        })
    }

    pub(crate) fn new(now: impl Fn() -> Now + 'static) -> Self {
        Self(Rc::new(now))
    }

    pub(crate) fn now(&self) -> Now {
        (self.0)()
    }
}
