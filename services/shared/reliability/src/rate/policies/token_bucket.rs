//! Token bucket.
//!
//! The idea: a bucket holds as many tokens as may come at once, and refills evenly, the limit's number in a window. A request
//! takes a token, and is refused where there is none.
//!
//! It promises the rate in the long run, and never more at once than the bucket holds. In a window it admits a full bucket
//! and what refills meanwhile: with a bucket as large as the limit twice the limit less one.
//!
//! It keeps two numbers: the level, and when it was last looked at. In Redis: a hash of these. Levels are whole numbers, in
//! parts of a token that one microsecond refills, so nothing is lost by rounding.
//!
//! It harms where a limit must hold in every window. A smaller `burst` brings it nearer to that, but then a client that was
//! idle may not use what it saved.
//!
//! Source: J. Turner, "New Directions in Communications", IEEE Communications Magazine 24 (1986), as a leaky bucket that
//! meters.

use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// As the registry has it.
pub(super) const KIND: RateLimitKind = RateLimitKind {
    name: "token_bucket",
    summary: "a bucket that refills evenly; a full bucket and a refill in some windows",
    build: Build {
        most: |quota| u64::from(quota.burst) + u64::from(quota.limit) - 1,
        fresh: |quota| {
            Box::new(TokenBucket {
                quota,
                level: capacity(&quota),
                seen_us: 0,
            })
        },
        script: include_str!("token_bucket.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct TokenBucket {
    quota: Quota,
    /// A microsecond adds the limit's number of parts, so a token has as many parts as the window has microseconds.
    level: u128,
    seen_us: u64,
}

fn capacity(quota: &Quota) -> u128 {
    u128::from(quota.burst) * u128::from(quota.window_us())
}

impl TokenBucket {
    fn level(&self, now_us: u64) -> u128 {
        let refilled = u128::from(now_us.saturating_sub(self.seen_us)) * u128::from(self.quota.limit);
        (self.level + refilled).min(capacity(&self.quota))
    }
}

impl RateLimit for TokenBucket {
    fn admit(&mut self, now: Duration) -> Decision {
        let now_us = micros(now);
        self.level = self.level(now_us);
        self.seen_us = self.seen_us.max(now_us);
        let token = u128::from(self.quota.window_us());
        if self.level >= token {
            self.level -= token;
            return Decision::Admitted {
                remaining: u32::try_from(self.level / token).unwrap_or(u32::MAX),
            };
        }
        let wait_us = (token - self.level).div_ceil(u128::from(self.quota.limit));
        Decision::refused(u64::try_from(wait_us).unwrap_or(u64::MAX))
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.level(micros(now)) == capacity(&self.quota)
    }
}

/// Since any earlier request, there was the burst and what refilled since then.
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    let window = quota.window.as_micros();
    admitted.iter().enumerate().all(|(index, start)| {
        let with_this = (admitted.len() - index + 1) as u128;
        let refilled = (now - *start).as_micros() * u128::from(quota.limit);
        with_this * window <= u128::from(quota.burst) * window + refilled
    })
}
