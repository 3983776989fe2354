//! The way of samples from the generator to whoever reads them: bounded, never blocking the generator, losing nothing.
//!
//! A channel would have to block, drop or grow when its reader lags. Samples add up, so there is a fourth way: when the
//! mailbox is full, the newest sample in it is extended by the next.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::sample::Sample;

/// Samples kept apart for a reader that lags; 3.2 s at the customary ten a second.
const KEPT_MAX: usize = 32;

#[derive(Default)]
struct State {
    kept: VecDeque<Sample>,
    writer_gone: bool,
    reader_gone: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    notify: Notify,
}

impl Shared {
    /// A panic on the other side leaves a state that is still whole: each change is a single push, pop or merge.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.arrived.notify_all();
        self.notify.notify_one();
    }
}

/// A pair of ends.
pub(crate) fn mailbox() -> (Writer, Samples) {
    let shared = Arc::new(Shared::default());
    (
        Writer {
            shared: Arc::clone(&shared),
        },
        Samples { shared },
    )
}

/// The generator's end; dropping it ends the reader's stream after what was kept.
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    /// Puts a sample in, or extends the newest kept one by it.
    pub(crate) fn put(&self, sample: Sample) {
        {
            let mut state = self.shared.lock();
            if state.reader_gone {
                return;
            }
            if state.kept.len() < KEPT_MAX {
                state.kept.push_back(sample);
            } else if let Some(newest) = state.kept.back_mut() {
                newest.merge(sample);
            }
        }
        self.shared.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().writer_gone = true;
        self.shared.wake();
    }
}

/// The reader's end. A reader that lags finds longer samples, never fewer results.
pub struct Samples {
    shared: Arc<Shared>,
}

impl Samples {
    /// The next sample; `None` when the generator has ended and all were read. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Sample> {
        loop {
            if let Some(next) = self.next() {
                return next;
            }
            self.shared.notify.notified().await;
        }
    }

    /// As [`recv`](Self::recv), for a thread without a runtime.
    pub fn blocking_recv(&mut self) -> Option<Sample> {
        let mut state = self.shared.lock();
        loop {
            if let Some(sample) = state.kept.pop_front() {
                return Some(sample);
            }
            if state.writer_gone {
                return None;
            }
            state = self.shared.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next sample if one is there now.
    pub fn try_recv(&mut self) -> Option<Sample> {
        self.shared.lock().kept.pop_front()
    }

    /// `Some(Some)` a sample, `Some(None)` the end, `None` nothing yet.
    fn next(&self) -> Option<Option<Sample>> {
        let mut state = self.shared.lock();
        match state.kept.pop_front() {
            Some(sample) => Some(Some(sample)),
            None => state.writer_gone.then_some(None),
        }
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.reader_gone = true;
        state.kept.clear();
    }
}
