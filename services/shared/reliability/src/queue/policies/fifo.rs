//! First in, first out.
//!
//! The idea: who came first is served first, and who finds the queue full is turned away.
//!
//! It promises fairness, and a wait of at most the queue's length divided by the rate of service.
//!
//! It harms under a lasting overload. The queue is always full, so everybody waits that longest wait. If callers wait for
//! less than that, each is served just after it left: the server is busy, and does nothing for anybody.
//!
//! Source: folklore. Google, *Site Reliability Engineering*, 2016, chapter 22, "Queue Management", says how short it should
//! be.

use std::time::Duration;

use super::super::backlog::Backlog;
use super::super::discipline::{Discipline, DisciplineKind, Waiter};

/// As the registry has it. Written as `fifo length=100`.
pub(super) const KIND: DisciplineKind = DisciplineKind {
    name: "fifo",
    summary: "who came first is served first",
    build: |_, length| Ok(Box::new(Fifo(Backlog::new(length)))),
};

#[derive(Debug)]
struct Fifo(Backlog);

impl Discipline for Fifo {
    fn push(&mut self, id: u64, now: Duration) -> Option<Waiter> {
        self.0.push(Waiter { id, since: now })
    }

    fn pop(&mut self, _: Duration, _: &mut Vec<Waiter>) -> Option<Waiter> {
        self.0.oldest()
    }

    fn remove(&mut self, id: u64) -> bool {
        self.0.remove(id)
    }

    fn len(&self) -> usize {
        self.0.waiters.len()
    }
}
