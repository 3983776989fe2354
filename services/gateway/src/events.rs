//! Telling the analytics what happened.

use std::sync::Arc;

use chassis::{CallError, Callee, Reply};
use contract::NewEvent;
use tokio::sync::Semaphore;

/// Events that may be under way to the analytics at once; further ones are not sent.
const EVENTS_IN_FLIGHT_MAX: usize = 32;

/// Tells the analytics what happened, when it can be told: no request waits for it or fails with it.
#[derive(Clone)]
pub(crate) struct Events {
    analytics: Callee,
    places: Arc<Semaphore>,
}

impl Events {
    pub(crate) fn new(analytics: Callee) -> Self {
        Self {
            analytics,
            places: Arc::new(Semaphore::new(EVENTS_IN_FLIGHT_MAX)),
        }
    }

    pub(crate) fn tell(&self, kind: &'static str) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::debug!(kind, "the analytics are too slow for this event");
            return;
        };
        let analytics = self.analytics.clone();
        tokio::spawn(async move {
            let told: Result<Reply, CallError> = analytics.post("/events", &NewEvent { kind: kind.to_owned() }).await;
            if let Err(error) = told {
                tracing::debug!(kind, %error, "an event was not told");
            }
            drop(place);
        });
    }
}
