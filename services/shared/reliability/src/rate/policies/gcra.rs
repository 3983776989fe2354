//! Generic cell rate algorithm.
//!
//! The idea: if requests came evenly, each would come an interval after the one before. Remember when the next one is due in
//! theory. A request that comes later than that is fine, and one that comes earlier too, as long as it is not more than a
//! tolerance too early: τ = (burst − 1) · interval. With τ = burst · interval, one request would be free (governor#249).
//!
//! It promises the same as a token bucket: the burst at once, and a window's limit besides.
//!
//! It keeps one number, the time that is due in theory, and never has to refill. In Redis: a string that expires by itself.
//! The interval is rounded up to a whole microsecond, so it is exact where the limit divides the window, and never admits
//! too much.
//!
//! It harms as a token bucket does. And its one number is harder to explain to a client than tokens are.
//!
//! Source: ITU-T Recommendation I.371, 1993, for ATM networks; for web services B. Leach, *Rate limiting, cells, and GCRA*,
//! 2015.

use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// As the registry has it.
pub(super) const KIND: RateLimitKind = RateLimitKind {
    name: "gcra",
    summary: "the same as a token bucket, with one number to keep",
    build: Build {
        most: |quota| u64::from(quota.burst) + u64::from(quota.limit) - 1,
        fresh: |quota| Box::new(Gcra::new(quota)),
        script: include_str!("gcra.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct Gcra {
    interval_us: u64,
    tolerance_us: u64,
    /// When the next request is due in theory.
    due_us: u64,
}

impl Gcra {
    fn new(quota: Quota) -> Self {
        let interval_us = quota.window_us().div_ceil(u64::from(quota.limit)).max(1);
        Self {
            interval_us,
            tolerance_us: interval_us.saturating_mul(u64::from(quota.burst - 1)),
            due_us: 0,
        }
    }
}

impl RateLimit for Gcra {
    fn admit(&mut self, now: Duration) -> Decision {
        let now_us = micros(now);
        let early_us = self.due_us.saturating_sub(now_us);
        let Some(spare_us) = self.tolerance_us.checked_sub(early_us) else {
            return Decision::refused(early_us - self.tolerance_us);
        };
        self.due_us = self.due_us.max(now_us) + self.interval_us;
        Decision::Admitted {
            remaining: u32::try_from(spare_us / self.interval_us).unwrap_or(u32::MAX),
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.due_us <= micros(now)
    }
}

/// Since any earlier request, there was the burst and one for each whole interval.
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    let interval = quota.window.as_micros().div_ceil(u128::from(quota.limit));
    admitted.iter().enumerate().all(|(index, start)| {
        let with_this = (admitted.len() - index + 1) as u128;
        with_this * interval <= u128::from(quota.burst) * interval + (now - *start).as_micros()
    })
}
