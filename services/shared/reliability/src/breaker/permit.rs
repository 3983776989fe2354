//! A breaker that callers share, and the permits that it gives.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::machine::{Machine, Rejected};
use super::settings::BreakerSettings;
use super::transition::{BreakerState, Transition};

type Observer = Box<dyn Fn(&Transition) + Send + Sync>;

struct Shared {
    machine: Mutex<Machine>,
    observer: Observer,
}

impl Shared {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a change. Not under the lock, so that an observer may ask the breaker something.
    fn tell(&self, changed: Option<Transition>) {
        if let Some(transition) = changed {
            (self.observer)(&transition);
        }
    }
}

/// A circuit breaker. Clones are the same breaker.
///
/// Every time is measured from one origin that the caller chooses, and the caller says what time it is.
#[derive(Clone)]
pub struct Breaker(Arc<Shared>);

impl Breaker {
    /// A closed one that tells nobody of its changes.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self::observed(settings, |_| {})
    }

    /// A closed one, with an observer that is told of every change of state.
    #[must_use]
    pub fn observed(settings: BreakerSettings, observer: impl Fn(&Transition) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            machine: Mutex::new(Machine::new(settings)),
            observer: Box::new(observer),
        }))
    }

    /// Asks for a call at `now`.
    ///
    /// # Errors
    /// When the call may not be made.
    pub fn acquire(&self, now: Duration) -> Result<Permit, Rejected> {
        let (permitted, changed) = self.0.machine().acquire(now);
        self.0.tell(changed);
        permitted.map(|generation| Permit {
            breaker: Some(self.0.clone()),
            generation,
        })
    }

    /// Opens it by hand. An open one stays open until the same time as before.
    pub fn trip(&self, now: Duration) {
        let changed = self.0.machine().trip(now);
        self.0.tell(changed);
    }

    /// The present state. It is open until somebody asks for a call after its time, even if that time is over.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.0.machine().state()
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaker").field(&self.state()).finish()
    }
}

/// The right to make one call. Dropped without a result, as when the caller is cancelled, it goes back.
#[must_use = "a permit that is dropped goes back"]
pub struct Permit {
    /// `None` once a result was recorded.
    breaker: Option<Arc<Shared>>,
    generation: u64,
}

impl Permit {
    /// The call succeeded at `now`.
    pub fn succeeded(self, now: Duration, took: Duration) {
        self.record(now, false, took);
    }

    /// The call failed at `now`.
    pub fn failed(self, now: Duration, took: Duration) {
        self.record(now, true, took);
    }

    fn record(mut self, now: Duration, failed: bool, took: Duration) {
        if let Some(breaker) = self.breaker.take() {
            let changed = breaker.machine().record(self.generation, now, failed, took);
            breaker.tell(changed);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(breaker) = &self.breaker {
            breaker.machine().release(self.generation);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
