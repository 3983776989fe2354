//! A bulkhead for tasks: they wait for a place, and give it back by dropping it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::places::{Ended, Entered, Places, Turn};
use crate::limit::Outcome;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// All places are taken, and so is the queue.
    #[error("all places are taken, and no more may wait for one")]
    Full,
    /// It waited for too long.
    #[error("no place became free in time")]
    TimedOut,
    /// Others were preferred.
    #[error("it was turned away for others, as too many wait")]
    Shed,
}

/// What somebody who waits hears.
type Answer = Result<Permit, Refused>;

struct Inner {
    places: Places,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
}

struct Shared {
    inner: Mutex<Inner>,
    wait: Duration,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(self: &Arc<Self>, in_flight: u32, began: Duration) -> Permit {
        Permit {
            bulkhead: self.clone(),
            began,
            in_flight,
            outcome: None,
        }
    }

    fn leave(self: &Arc<Self>, ended: Option<Ended>) {
        let mut inner = self.inner();
        // Under the lock, so that time does not run backwards for the places.
        let now = (self.clock)();
        let Turn { placed, shed } = inner.places.leave(now, ended);
        let placed = placed
            .into_iter()
            .map(|(id, in_flight)| (id, Ok(self.permit(in_flight, now))));
        let answers: Vec<(u64, Answer)> = placed
            .chain(shed.into_iter().map(|id| (id, Err(Refused::Shed))))
            .collect();
        let heard: Vec<_> = answers
            .into_iter()
            .map(|(id, answer)| (inner.waiting.remove(&id), answer))
            .collect();
        drop(inner);
        for (listener, answer) in heard {
            // Who left just now does not hear it. Then its permit is dropped here, and the next one gets the place.
            if let Some(listener) = listener {
                let _ = listener.send(answer);
            }
        }
    }
}

/// Places that tasks share. Clones are the same bulkhead.
#[derive(Clone)]
pub struct Bulkhead(Arc<Shared>);

impl Bulkhead {
    /// A bulkhead with these places, for each of which a task waits for `wait` at most. The clock says how much time has
    /// passed since some origin.
    #[must_use]
    pub fn new(places: Places, wait: Duration, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let inner = Mutex::new(Inner {
            places,
            waiting: HashMap::new(),
        });
        Self(Arc::new(Shared {
            inner,
            wait,
            clock: Box::new(clock),
        }))
    }

    /// Waits for a place. To be called within a runtime; the future may be dropped at any time. Who has a deadline asks it
    /// again now: time has passed in the queue.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn enter(&self) -> Result<Permit, Refused> {
        let (waiter, heard) = {
            let mut inner = self.0.inner();
            let now = (self.0.clock)();
            let (entered, shed) = inner.places.enter(now);
            let id = match entered {
                Entered::Placed { in_flight } => return Ok(self.0.permit(in_flight, now)),
                Entered::Full => return Err(Refused::Full),
                Entered::Waits(id) => id,
            };
            let (sender, receiver) = oneshot::channel();
            inner.waiting.insert(id, sender);
            if let Some(listener) = shed.and_then(|shed| inner.waiting.remove(&shed)) {
                let _ = listener.send(Err(Refused::Shed));
            }
            (Waiter { bulkhead: &self.0, id }, receiver)
        };
        let answer = tokio::time::timeout(self.0.wait, heard).await;
        drop(waiter);
        match answer {
            Ok(heard) => heard.unwrap_or(Err(Refused::Shed)),
            Err(_) => Err(Refused::TimedOut),
        }
    }

    /// Places that there are at the moment.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.0.inner().places.limit()
    }

    /// Places that are taken.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.0.inner().places.in_flight()
    }

    /// Tasks that wait for a place.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.inner().places.waiting()
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bulkhead").field(&self.0.inner().places).finish()
    }
}

/// A task in the queue, which it leaves when this is dropped.
struct Waiter<'b> {
    bulkhead: &'b Arc<Shared>,
    id: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut inner = self.bulkhead.inner();
        inner.waiting.remove(&self.id);
        inner.places.give_up(self.id);
    }
}

/// A place. Keep it for as long as the work goes on: dropped, it is free. Dropped without an outcome, as when the work is
/// cancelled, it tells the limit nothing.
#[must_use = "a permit that is dropped gives its place back"]
pub struct Permit {
    bulkhead: Arc<Shared>,
    began: Duration,
    in_flight: u32,
    outcome: Option<Outcome>,
}

impl Permit {
    /// The work ended.
    pub fn ended(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// Does some work in this place, to its end. A caller that may leave before hands this to a task of its own: then the
    /// place stays taken for as long as the work goes on.
    pub async fn hold<T>(self, work: impl Future<Output = T>) -> T {
        let result = work.await;
        self.ended(Outcome::Done);
        result
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Self { began, in_flight, .. } = *self;
        let ended = self.outcome.map(|outcome| Ended {
            began,
            in_flight,
            outcome,
        });
        self.bulkhead.leave(ended);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("began", &self.began)
            .finish_non_exhaustive()
    }
}
