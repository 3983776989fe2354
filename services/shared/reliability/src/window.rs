//! An exact limit for each client of a service that has the clock of the system: a sliding log behind [`Instant`]s.

use std::time::{Duration, Instant};

use crate::rate::{Decision, PerClient, Quota, RateLimitSettings, SLIDING_LOG};

/// Admits up to `limit` requests of each client in any interval of length `window`. The caller says what time it is.
#[derive(Debug)]
pub struct SlidingWindow {
    clients: PerClient,
    /// The first time that it was asked.
    origin: Option<Instant>,
}

impl SlidingWindow {
    /// Remembers at most `clients_max` clients at once; when that many are in their window, a new one has to wait too.
    #[must_use]
    pub fn new(limit: usize, window: Duration, clients_max: usize) -> Self {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let settings = RateLimitSettings {
            kind: SLIDING_LOG,
            quota: Quota::new(limit, window),
        };
        Self {
            clients: PerClient::new(settings, clients_max),
            origin: None,
        }
    }

    /// Admits a request of `client` at `now`, which must not run backwards.
    ///
    /// # Errors
    /// How long from `now` until a request may be admitted.
    pub fn admit(&mut self, client: &str, now: Instant) -> Result<(), Duration> {
        let origin = *self.origin.get_or_insert(now);
        match self.clients.admit(client, now.duration_since(origin)) {
            Decision::Admitted { .. } => Ok(()),
            Decision::Refused { retry_after } => Err(retry_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_for_each_client_and_the_wait_is_enough() {
        let window = Duration::from_secs(10);
        let mut limiter = SlidingWindow::new(2, window, 2);
        let start = Instant::now();
        assert_eq!(limiter.admit("a", start), Ok(()));
        assert_eq!(limiter.admit("a", start + window / 4), Ok(()));
        assert_eq!(limiter.admit("a", start + window / 2), Err(window / 2));
        assert_eq!(limiter.admit("b", start + window / 2), Ok(()));
        assert_eq!(limiter.admit("a", start + window), Ok(()));
    }
}
