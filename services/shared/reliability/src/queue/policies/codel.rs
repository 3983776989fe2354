//! Controlled delay.
//!
//! The idea: look at how long requests waited, not at how many wait. A queue that empties within `interval` is a burst, and
//! a burst may wait for that long. A queue that has not been empty for that long is an overload: then who waited for longer
//! than `target` is turned away, at once and without work, until the queue is short again.
//!
//! It promises that whoever is served waited for `interval` at most, and under a lasting overload for `target`.
//!
//! It harms when `target` is below what a healthy server needs for a place to become free: with two places and 20 ms of work
//! nobody waits for less than some 10 ms, and 5 ms would turn most of them away.
//!
//! Source: K. Nichols, V. Jacobson, "Controlling Queue Delay", ACM Queue 10 (2012). Theirs drops packets ever faster, as TCP
//! slows down in answer to each. Callers of a server do not, so this is the form of B. Maurer, "Fail at Scale", ACM Queue 13
//! (2015).

use std::time::Duration;

use super::super::backlog::Backlog;
use super::super::discipline::{Discipline, DisciplineKind, Waiter};
use crate::config::SettingsError;

/// As the registry has it. Written as `codel length=100 target=5ms interval=100ms`.
pub(super) const KIND: DisciplineKind = DisciplineKind {
    name: "codel",
    summary: "while a backlog lasts, requests that waited long are turned away",
    build: |words, length| {
        let target = words.take("target", Duration::from_millis(5))?;
        let interval = words.take("interval", Duration::from_millis(100))?;
        if target > interval {
            return Err(SettingsError::Contradiction(
                "target is longer than interval, so an overload could wait longest",
            ));
        }
        Ok(Box::new(Codel {
            backlog: Backlog::new(length),
            target,
            interval,
        }))
    },
};

#[derive(Debug)]
struct Codel {
    backlog: Backlog,
    target: Duration,
    interval: Duration,
}

impl Discipline for Codel {
    fn push(&mut self, id: u64, now: Duration) -> Option<Waiter> {
        self.backlog.push(Waiter { id, since: now })
    }

    fn pop(&mut self, now: Duration, shed: &mut Vec<Waiter>) -> Option<Waiter> {
        let wait_max = if self.backlog.is_standing(now, self.interval) {
            self.target
        } else {
            self.interval
        };
        while let Some(oldest) = self.backlog.oldest() {
            if now.saturating_sub(oldest.since) <= wait_max {
                return Some(oldest);
            }
            shed.push(oldest);
        }
        None
    }

    fn remove(&mut self, id: u64) -> bool {
        self.backlog.remove(id)
    }

    fn len(&self) -> usize {
        self.backlog.waiters.len()
    }
}
