//! Those who wait, in the order in which they came, and for how long there has been anybody.

use std::collections::VecDeque;
use std::time::Duration;

use super::discipline::Waiter;

#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) waiters: VecDeque<Waiter>,
    length_max: usize,
    /// Since when it was never empty. A burst is over soon; a backlog that stays is an overload.
    busy_since: Option<Duration>,
}

impl Backlog {
    pub(super) fn new(length_max: usize) -> Self {
        Self {
            waiters: VecDeque::new(),
            length_max,
            busy_since: None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiters.len() >= self.length_max
    }

    /// Whether it was never empty for longer than `interval`.
    pub(super) fn is_standing(&self, now: Duration, interval: Duration) -> bool {
        self.busy_since
            .is_some_and(|since| now.saturating_sub(since) > interval)
    }

    /// Adds the newest, for whom there must be room; without room it comes back.
    pub(super) fn push(&mut self, waiter: Waiter) -> Option<Waiter> {
        if self.is_full() {
            return Some(waiter);
        }
        self.busy_since.get_or_insert(waiter.since);
        self.waiters.push_back(waiter);
        None
    }

    /// Adds the newest in place of the oldest. The backlog stands as long as before.
    pub(super) fn replace_oldest(&mut self, newest: Waiter) -> Option<Waiter> {
        let oldest = self.waiters.pop_front();
        self.waiters.push_back(newest);
        oldest
    }

    pub(super) fn oldest(&mut self) -> Option<Waiter> {
        let oldest = self.waiters.pop_front();
        self.forget_if_empty();
        oldest
    }

    pub(super) fn newest(&mut self) -> Option<Waiter> {
        let newest = self.waiters.pop_back();
        self.forget_if_empty();
        newest
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let at = self.waiters.iter().position(|waiter| waiter.id == id);
        let removed = at.and_then(|at| self.waiters.remove(at)).is_some();
        self.forget_if_empty();
        removed
    }

    fn forget_if_empty(&mut self) {
        if self.waiters.is_empty() {
            self.busy_since = None;
        }
    }
}
