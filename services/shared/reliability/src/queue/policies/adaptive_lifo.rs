//! Adaptive last in, first out.
//!
//! The idea: under an overload not everybody can be served in time, so serve those who still can: the newest. As long as the
//! queue empties now and then it is first in, first out; once it has not been empty for `interval`, the newest is next, and
//! when it is full the oldest is turned away.
//!
//! It promises that with any overload some are served almost at once, where first in, first out serves nobody in time.
//!
//! It harms those who came early: some wait until they give up, while others who came later are served. Where the order
//! matters, as with messages of one customer, it is wrong.
//!
//! Source: B. Maurer, "Fail at Scale", ACM Queue 13 (2015), where it is used together with CoDel.

use std::time::Duration;

use super::super::backlog::Backlog;
use super::super::discipline::{Discipline, DisciplineKind, Waiter};

/// As the registry has it. Written as `lifo length=100 interval=100ms`.
pub(super) const KIND: DisciplineKind = DisciplineKind {
    name: "lifo",
    summary: "while a backlog lasts, the newest is served first",
    build: |words, length| {
        let interval = words.take("interval", Duration::from_millis(100))?;
        Ok(Box::new(AdaptiveLifo {
            backlog: Backlog::new(length),
            interval,
        }))
    },
};

#[derive(Debug)]
struct AdaptiveLifo {
    backlog: Backlog,
    interval: Duration,
}

impl Discipline for AdaptiveLifo {
    /// Turned away is who would be served last: the newest in a burst, the oldest under an overload.
    fn push(&mut self, id: u64, now: Duration) -> Option<Waiter> {
        let newest = Waiter { id, since: now };
        if self.backlog.is_full() && self.backlog.is_standing(now, self.interval) {
            return self.backlog.replace_oldest(newest);
        }
        self.backlog.push(newest)
    }

    fn pop(&mut self, now: Duration, _: &mut Vec<Waiter>) -> Option<Waiter> {
        if self.backlog.is_standing(now, self.interval) {
            self.backlog.newest()
        } else {
            self.backlog.oldest()
        }
    }

    fn remove(&mut self, id: u64) -> bool {
        self.backlog.remove(id)
    }

    fn len(&self) -> usize {
        self.backlog.waiters.len()
    }
}
