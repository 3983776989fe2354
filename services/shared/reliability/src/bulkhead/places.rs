//! Who has a place, who waits for one, and who gets the next. No lock, no clock, no task: those are in `face.rs`.

use std::time::Duration;

use crate::limit::{ConcurrencyLimit, Outcome, Sample};
use crate::queue::Discipline;

/// What becomes of somebody who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It has a place.
    Placed {
        /// Requests under way, this one included.
        in_flight: u32,
    },
    /// It waits under this number, until a [`Turn`] names it or it gives up.
    Waits(u64),
    /// There is no room, not even to wait.
    Full,
}

/// What became of those who waited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// They have a place now; with each, how many requests are under way with it.
    pub placed: Vec<(u64, u32)>,
    /// They were turned away.
    pub shed: Vec<u64>,
}

/// What a limit learns from a request that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// When it got its place.
    pub began: Duration,
    /// Requests that were under way then, itself included.
    pub in_flight: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// A number of places, and a queue before them. Times must not run backwards.
#[derive(Debug)]
pub struct Places {
    limit: Box<dyn ConcurrencyLimit>,
    queue: Box<dyn Discipline>,
    in_flight: u32,
    next: u64,
}

impl Places {
    /// All are free.
    #[must_use]
    pub fn new(limit: Box<dyn ConcurrencyLimit>, queue: Box<dyn Discipline>) -> Self {
        Self {
            limit,
            queue,
            in_flight: 0,
            next: 0,
        }
    }

    /// Places that are taken.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Places that there are at the moment.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.limit()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Somebody comes at `now`. To let it wait, somebody else may be turned away. It overtakes nobody: while somebody waits, no
    /// place is free.
    pub fn enter(&mut self, now: Duration) -> (Entered, Option<u64>) {
        if self.in_flight < self.limit.limit() {
            self.in_flight += 1;
            return (
                Entered::Placed {
                    in_flight: self.in_flight,
                },
                None,
            );
        }
        let id = self.next;
        self.next += 1;
        match self.queue.push(id, now) {
            Some(shed) if shed.id == id => (Entered::Full, None),
            shed => (Entered::Waits(id), shed.map(|shed| shed.id)),
        }
    }

    /// A place is given back at `now`. `None` for work that its caller cancelled: it tells nothing about the server.
    pub fn leave(&mut self, now: Duration, ended: Option<Ended>) -> Turn {
        self.in_flight -= 1;
        if let Some(Ended {
            began,
            in_flight,
            outcome,
        }) = ended
        {
            self.limit.observe(&Sample {
                began,
                ended: now,
                in_flight,
                outcome,
            });
        }
        let mut turn = Turn::default();
        let mut shed = Vec::new();
        while self.in_flight < self.limit.limit()
            && let Some(next) = self.queue.pop(now, &mut shed)
        {
            self.in_flight += 1;
            turn.placed.push((next.id, self.in_flight));
        }
        turn.shed.extend(shed.into_iter().map(|shed| shed.id));
        turn
    }

    /// Somebody does not want to wait any longer. False when it does not wait any more: then it has a place, and must give
    /// that back, or was turned away.
    pub fn give_up(&mut self, id: u64) -> bool {
        self.queue.remove(id)
    }
}
