//! An exact limit: at most so many in *every* interval of a given length.
//!
//! The sliding log keeps the instants that it admitted. A token bucket would keep two numbers only, but lets almost
//! twice the limit through in some intervals: a full bucket, and all that refills meanwhile.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Admits up to `limit` requests of each client in any interval of length `window`. The caller says what time it is.
#[derive(Debug)]
pub struct SlidingWindow {
    limit: usize,
    window: Duration,
    clients_max: usize,
    admitted: HashMap<String, VecDeque<Instant>>,
}

impl SlidingWindow {
    /// Remembers at most `clients_max` clients at once; when that many are in their window, a new one has to wait too.
    #[must_use]
    pub fn new(limit: usize, window: Duration, clients_max: usize) -> Self {
        Self {
            limit,
            window,
            clients_max,
            admitted: HashMap::new(),
        }
    }

    /// Admits a request of `client` at `now`, which must not run backwards.
    ///
    /// # Errors
    /// How long from `now` until a request may be admitted.
    pub fn admit(&mut self, client: &str, now: Instant) -> Result<(), Duration> {
        if !self.admitted.contains_key(client) && self.admitted.len() >= self.clients_max {
            self.forget_idle(now);
            if self.admitted.len() >= self.clients_max {
                return Err(self.window);
            }
        }
        let (limit, window) = (self.limit, self.window);
        let times = self.admitted.entry(client.to_owned()).or_default();
        while times.front().is_some_and(|first| now.duration_since(*first) >= window) {
            times.pop_front();
        }
        if times.len() < limit {
            times.push_back(now);
            return Ok(());
        }
        let oldest_leaves = times
            .front()
            .map_or(window, |first| window.saturating_sub(now.duration_since(*first)));
        Err(oldest_leaves)
    }

    fn forget_idle(&mut self, now: Instant) {
        let window = self.window;
        self.admitted
            .retain(|_, times| times.back().is_some_and(|last| now.duration_since(*last) < window));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    proptest! {
        #[test]
        fn no_interval_holds_more_than_the_limit_and_the_promise_is_kept(
            gaps_ms in prop::collection::vec(0..4_000_u64, 1..100), limit in 1..6_usize
        ) {
            let mut limiter = SlidingWindow::new(limit, WINDOW, 1);
            let mut now = Instant::now();
            let mut admitted: Vec<Instant> = Vec::new();
            for gap_ms in gaps_ms {
                now += Duration::from_millis(gap_ms);
                let before = admitted.iter().filter(|time| now.duration_since(**time) < WINDOW).count();
                match limiter.admit("a", now) {
                    Ok(()) => {
                        prop_assert!(before < limit);
                        admitted.push(now);
                    }
                    Err(wait) => {
                        prop_assert_eq!(before, limit);
                        now += wait;
                        prop_assert_eq!(limiter.admit("a", now), Ok(()));
                        admitted.push(now);
                    }
                }
            }
        }
    }

    #[test]
    fn clients_do_not_share_a_limit_and_their_number_is_bounded() {
        let mut limiter = SlidingWindow::new(1, WINDOW, 2);
        let start = Instant::now();
        assert_eq!(limiter.admit("a", start), Ok(()));
        assert_eq!(limiter.admit("b", start), Ok(()));
        assert!(limiter.admit("a", start).is_err());
        assert_eq!(limiter.admit("c", start), Err(WINDOW));
        assert_eq!(limiter.admit("c", start + WINDOW), Ok(()), "idle clients are forgotten");
        assert_eq!(limiter.admitted.len(), 1);
    }
}
