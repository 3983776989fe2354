//! Telling the analytics what happened.

use std::sync::Arc;

use contract::NewEvent;
use tokio::sync::Semaphore;

use crate::call::Caller;

/// Events that may be under way to the analytics at once; further ones are not sent.
const EVENTS_IN_FLIGHT_MAX: usize = 32;

/// Tells the analytics what happened, when it can be told: no request waits for it or fails with it.
#[derive(Clone)]
pub(crate) struct Events {
    analytics: Caller,
    places: Arc<Semaphore>,
}

impl Events {
    pub(crate) fn new(analytics: Caller) -> Self {
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
            let event = NewEvent { kind: kind.to_owned() };
            if let Err(error) = analytics.post("/events", &event).await {
                tracing::debug!(kind, %error, "an event was not told");
            }
            drop(place);
        });
    }
}
