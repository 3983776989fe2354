//! Throttling by the client.
//!
//! The idea: a server that rejects a request still has to read it, and under overload that alone can keep it busy. So a
//! client that sees many of its requests rejected stops sending some of them. It counts what it asked for and what the
//! server accepted, and drops a request itself with probability max(0, (requests − K · accepts) / (requests + 1)).
//!
//! It promises: while the server accepts more than one in K, the client drops nothing. When it accepts nothing, the client
//! soon sends next to nothing. In between the server sees about K times what it accepts, which tells the client when it
//! recovers. With K = 2 it spends about as much on rejecting as on serving.
//!
//! It harms clients that ask rarely: they know little, and what they know is old. A K near 1 recovers slowly, as it sends
//! hardly more than what was accepted before. And it must see *rejections* only. If each
//! failed answer counts as not accepted, a request that always fails throttles those that would be well.
//!
//! Source: Google, *Site Reliability Engineering*, 2016, chapter 21, "Client-Side Throttling", with K = 2 and two minutes.

use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::config::{SettingsError, Words};
use crate::rolling::Rolling;

const SLICES: u32 = 60;

/// Written as `k=2 window=2m`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleSettings {
    /// How many times what it accepts the server should see, at least 1. A smaller one drops more.
    pub k: f64,
    /// How far back requests count.
    pub window: Duration,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            k: 2.0,
            window: Duration::from_secs(120),
        }
    }
}

impl FromStr for ThrottleSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let default = Self::default();
        let mut words = Words::of(text)?;
        let settings = Self {
            k: words.take_if(
                "k",
                default.k,
                |k| *k >= 1.0,
                "below 1 it would drop what the server accepts",
            )?,
            window: words.time("window", default.window)?,
        };
        words.end()?;
        Ok(settings)
    }
}

/// What one client knows of one server.
#[derive(Debug, Clone)]
pub struct Throttle {
    k: f64,
    requests: Rolling<u64>,
    accepts: Rolling<u64>,
}

impl Throttle {
    /// One that knows nothing, and drops nothing.
    #[must_use]
    pub fn new(settings: ThrottleSettings) -> Self {
        let rolling = || Rolling::new(settings.window, SLICES);
        Self {
            k: settings.k,
            requests: rolling(),
            accepts: rolling(),
        }
    }

    /// A request is wanted at `now`: may it be sent? It counts from here on, sent or not, and not only once it is answered:
    /// otherwise a server that does not answer at all would not be throttled.
    #[must_use]
    pub fn admit(&mut self, now: Duration, random: &mut impl Rng) -> bool {
        let rejected = random.random::<f64>() < self.rejection(now);
        self.requests.add(now, 1);
        !rejected
    }

    /// The server accepted a request, however it ended then.
    pub fn accepted(&mut self, now: Duration) {
        self.accepts.add(now, 1);
    }

    /// The probability with which the next request is dropped.
    #[must_use]
    pub fn rejection(&mut self, now: Duration) -> f64 {
        let (requests, accepts) = (self.requests.sum(now) as f64, self.accepts.sum(now) as f64);
        ((requests - self.k * accepts) / (requests + 1.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// Of a thousand requests a second, how many are sent to a server that accepts so many, and answers at once.
    fn sent(k: f64, capacity: u32) -> u32 {
        let window = Duration::from_secs(120);
        let mut throttle = Throttle::new(ThrottleSettings { k, window });
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let mut sent_late = 0;
        for second in 0..600 {
            let now = Duration::from_secs(second);
            let mut accepted = 0;
            for request in 1..=1_000 {
                let sent = throttle.admit(now, &mut random);
                if sent && accepted * 1_000 < capacity * request {
                    throttle.accepted(now);
                    accepted += 1;
                }
                sent_late += u32::from(sent && second >= 300);
            }
        }
        sent_late / 300
    }

    #[test]
    fn the_server_sees_k_times_what_it_accepts() {
        assert_eq!(sent(2.0, 1_000), 1_000);
        for (k, capacity) in [(2.0, 500), (2.0, 100), (2.0, 300), (1.1, 300), (4.0, 50)] {
            let (sent, expected) = (sent(k, capacity), (k * f64::from(capacity)) as u32);
            assert!(
                sent.abs_diff(expected) <= expected / 20 + 2,
                "{sent}, and not {expected}"
            );
        }
        assert!(sent(2.0, 0) <= 1, "a dead one is probed from time to time");
    }

    #[test]
    fn requests_count_when_they_start() {
        let mut throttle = Throttle::new(ThrottleSettings::default());
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let sent = (0..1_000)
            .filter(|_| throttle.admit(Duration::ZERO, &mut random))
            .count();
        assert!(sent < 20, "nothing was answered yet, and {sent} were sent");
        assert_eq!(
            throttle.rejection(Duration::from_secs(120)),
            0.0,
            "two minutes later all is forgotten"
        );
    }

    proptest! {
        #[test]
        fn the_probability_is_that_of_the_formula(
            steps in prop::collection::vec((0..20_u64, 0..20_u32, 0..20_u32), 1..50), k in 1.0..4.0_f64
        ) {
            let mut throttle = Throttle::new(ThrottleSettings { k, window: Duration::from_secs(60) });
            let mut random = Pcg64Mcg::seed_from_u64(1);
            let (mut now_s, mut all) = (0, Vec::new());
            for (gap_s, requests, accepts) in steps {
                now_s += gap_s;
                let now = Duration::from_secs(now_s);
                (0..requests).for_each(|_| _ = throttle.admit(now, &mut random));
                (0..accepts).for_each(|_| throttle.accepted(now));
                all.push((now_s, f64::from(requests), f64::from(accepts)));
                let recent = all.iter().filter(|(at, ..)| at + 60 > now_s);
                let (requests, accepts) = recent.fold((0.0, 0.0), |sum, (_, r, a)| (sum.0 + r, sum.1 + a));
                let expected = f64::max(0.0, (requests - k * accepts) / (requests + 1.0));
                prop_assert!((throttle.rejection(now) - expected).abs() < 1e-12);
                prop_assert!(throttle.rejection(now) < 1.0, "something is always let through");
            }
        }
    }
}
