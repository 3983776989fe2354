//! Sliding window counter.
//!
//! The idea: count in fixed windows, and take the count of the last window in proportion to the part of it that a window
//! ending now would still cover. That is exact if the requests of the last window came evenly.
//!
//! It promises the limit for traffic that is even, and no more than the limit over the edge of two windows at once. It does
//! not promise it in every window: after a burst at the end of a window it admits as the weight of that burst fades, and
//! within a window's length it can admit twice the limit less one.
//!
//! It keeps three numbers: which window it counts, how many there, and how many in the one before. In Redis: two counters.
//!
//! It harms a client whose burst came at the start of the last window: it is counted as if it had come evenly, and the
//! client waits for longer than a log would ask of it.
//!
//! Source: Cloudflare, *How we built rate limiting capable of scaling to millions of domains*, 2017: of 400 million requests
//! 0.003 % were decided wrongly.

use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// As the registry has it.
pub(super) const KIND: RateLimitKind = RateLimitKind {
    name: "sliding_counter",
    summary: "this window's count and a fading part of the last one's; nearly twice the limit after a burst",
    build: Build {
        most: |quota| 2 * u64::from(quota.limit) - 1,
        fresh: |quota| {
            Box::new(SlidingCounter {
                quota,
                window: 0,
                count: 0,
                before: 0,
            })
        },
        script: include_str!("sliding_counter.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct SlidingCounter {
    quota: Quota,
    /// Number of the window that is counted.
    window: u64,
    count: u32,
    /// The count of the window before.
    before: u32,
}

impl SlidingCounter {
    /// The counts of the present window and of the one before, at `now`.
    fn counts(&self, window: u64) -> (u32, u32) {
        match window.saturating_sub(self.window) {
            0 => (self.count, self.before),
            1 => (0, self.count),
            _ => (0, 0),
        }
    }
}

/// How many more fit when `before` fades for another `left_us` of `window_us`. The estimate is compared in whole numbers.
fn room(quota: &Quota, count: u32, before: u32, left_us: u64) -> u32 {
    let window_us = u128::from(quota.window_us());
    let used = u128::from(before) * u128::from(left_us) + u128::from(count) * window_us;
    let all = u128::from(quota.limit) * window_us;
    u32::try_from(all.saturating_sub(used) / window_us).unwrap_or(u32::MAX)
}

/// The most that may be left of a window for one more to fit, or `None` when not even its end makes room.
fn left_max(quota: &Quota, count: u32, before: u32) -> Option<u64> {
    let others = quota.limit.checked_sub(count)?.checked_sub(1)?;
    let window_us = quota.window_us();
    let left_us = (u128::from(others) * u128::from(window_us)).checked_div(u128::from(before));
    Some(left_us.map_or(window_us, |left_us| {
        u64::try_from(left_us).unwrap_or(u64::MAX).min(window_us)
    }))
}

impl RateLimit for SlidingCounter {
    fn admit(&mut self, now: Duration) -> Decision {
        let (now_us, window_us) = (micros(now), self.quota.window_us());
        let window = self.window.max(now_us / window_us);
        (self.count, self.before) = self.counts(window);
        self.window = window;
        let end_us = (window + 1) * window_us;
        let left_us = (end_us - now_us).min(window_us);
        let room = room(&self.quota, self.count, self.before, left_us);
        if room > 0 {
            self.count += 1;
            return Decision::Admitted { remaining: room - 1 };
        }
        // At the end of this window nothing is left of it, but there the next one begins, with this count to fade.
        let here = left_max(&self.quota, self.count, self.before).filter(|left_us| *left_us > 0);
        let at_us = match here {
            Some(left_us) => end_us - left_us,
            None => end_us + window_us - left_max(&self.quota, 0, self.count).unwrap_or(0),
        };
        Decision::refused(at_us - now_us)
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.counts(micros(now) / self.quota.window_us()) == (0, 0)
    }
}

/// before · (1 − passed) + count + 1 ≤ limit
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    let window = quota.window.as_micros();
    let (number, passed) = (now.as_micros() / window, now.as_micros() % window);
    let before = number
        .checked_sub(1)
        .map_or(0, |before| quota.count_in_window(admitted, before));
    let with_this = quota.count_in_window(admitted, number) + 1;
    before * (window - passed) + with_this * window <= u128::from(quota.limit) * window
}
