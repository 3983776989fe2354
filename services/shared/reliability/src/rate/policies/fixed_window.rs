//! Fixed window.
//!
//! The idea: cut time into windows, count the requests of the present one, and refuse when the limit is reached.
//!
//! It promises the limit in each of its own windows. Over the edge between two it admits twice the limit in an instant: all
//! of one window at its end, and all of the next at its start.
//!
//! It keeps two numbers: which window it counts, and how many. In Redis: a counter whose key holds the number of the window.
//!
//! It harms what the limit should protect, at the edge. And all clients that were refused come back together when the next
//! window starts, since it tells them all the same instant.
//!
//! Source: it is folklore; the edge is shown in Cloudflare's *How we built rate limiting capable of scaling to millions of
//! domains*, 2017.

use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// As the registry has it.
pub(super) const KIND: RateLimitKind = RateLimitKind {
    name: "fixed_window",
    summary: "so many in each window of the clock; twice as many over the edge of two",
    build: Build {
        most: |quota| 2 * u64::from(quota.limit),
        fresh: |quota| {
            Box::new(FixedWindow {
                quota,
                window: 0,
                count: 0,
            })
        },
        script: include_str!("fixed_window.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct FixedWindow {
    quota: Quota,
    /// Number of the window that is counted.
    window: u64,
    count: u32,
}

impl RateLimit for FixedWindow {
    fn admit(&mut self, now: Duration) -> Decision {
        let (now_us, window_us) = (micros(now), self.quota.window_us());
        let window = now_us / window_us;
        if window > self.window {
            (self.window, self.count) = (window, 0);
        }
        if self.count < self.quota.limit {
            self.count += 1;
            return Decision::Admitted {
                remaining: self.quota.limit - self.count,
            };
        }
        Decision::refused((self.window + 1) * window_us - now_us)
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.count == 0 || micros(now) / self.quota.window_us() > self.window
    }
}

/// The window of the clock has room.
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    quota.count_in_window(admitted, now.as_micros() / quota.window.as_micros()) < u128::from(quota.limit)
}
