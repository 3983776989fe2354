//! Slots for work, which those who find none free queue for.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, SemaphorePermit};

/// A limited number of slots, for which callers queue.
#[derive(Debug)]
pub(crate) struct Slots {
    permits: Semaphore,
    /// When each slot that is free, and was ever used, became free.
    freed: Mutex<VecDeque<Instant>>,
}

/// A slot that is taken until this is dropped.
pub(crate) struct Slot<'a> {
    _permit: SemaphorePermit<'a>,
    slots: &'a Slots,
    /// When it became free for its taker.
    pub(crate) start: Instant,
}

impl Slots {
    /// So many slots, all free.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            permits: Semaphore::new(limit),
            freed: Mutex::default(),
        }
    }

    /// How many are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Waits for a slot since `arrival`. The semaphore is fair, so this is first come first served.
    pub(crate) async fn take(&self, arrival: Instant) -> Slot<'_> {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let freed = self.freed().pop_front().unwrap_or(arrival);
        // For a request that queued, work begins when the slot became free, not when the event loop got round to it:
        // otherwise every hand-over would take a little capacity away.
        Slot {
            _permit: permit,
            slots: self,
            start: freed.max(arrival),
        }
    }

    fn freed(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        // Before the permit goes back, which happens after this.
        self.slots.freed().push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_limit_work_at_once_and_the_queue_keeps_its_order() {
        let slots = Arc::new(Slots::new(1));
        let first = slots.take(Instant::now()).await;
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..3 {
            let (slots, done) = (Arc::clone(&slots), done.clone());
            tokio::spawn(async move {
                let arrival = Instant::now();
                let slot = slots.take(arrival).await;
                assert!(slot.start > arrival, "work begins when the slot was freed");
                done.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        assert!(order.try_recv().is_err(), "the slot is taken");
        drop((first, done));
        let mut seen = Vec::new();
        while let Some(number) = order.recv().await {
            seen.push(number);
        }
        assert_eq!(seen, [0, 1, 2]);
    }
}
