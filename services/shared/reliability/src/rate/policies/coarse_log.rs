//! Coarse log.
//!
//! The idea: a sliding log whose times are rounded up to a tenth of the window. Then a count for each tenth will do, instead
//! of a time for each request.
//!
//! It promises the limit in *every* window, as the log does: a request counts until its whole tenth is older than a window.
//!
//! It keeps a count for each tenth of the last window in which a request was admitted: eleven at most, however high the limit
//! is. In Redis: a hash with a field for each.
//!
//! It harms clients that are at their limit: a place comes back up to a tenth of a window later than by the log, and all
//! places of a tenth come back together.
//!
//! Source: Figma's *An alternative approach to rate limiting*, 2017, keeps counts for parts of a window in a hash of Redis.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// Parts of a window.
const PARTS: u64 = 10;

/// As the registry has it.
pub(super) const KIND: RateLimitKind = RateLimitKind {
    name: "coarse_log",
    summary: "so many in any window, for the memory of eleven counts; places come back up to a tenth of a window late",
    build: Build {
        most: |quota| u64::from(quota.limit),
        fresh: |quota| {
            Box::new(CoarseLog {
                quota,
                part_us: quota.window_us().div_ceil(PARTS),
                admitted: VecDeque::new(),
            })
        },
        script: include_str!("coarse_log.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct CoarseLog {
    quota: Quota,
    /// Length of a part.
    part_us: u64,
    /// The numbers of the parts that count, oldest first, each with how many were admitted in it.
    admitted: VecDeque<(u64, u32)>,
}

/// The number of the first part at which requests of this one no longer count: the whole part is older than a window.
const fn end_of(part: u64) -> u64 {
    part + PARTS + 1
}

impl RateLimit for CoarseLog {
    fn admit(&mut self, now: Duration) -> Decision {
        let now_us = micros(now);
        let newest = self.admitted.back().map_or(0, |(part, _)| *part);
        let part = newest.max(now_us / self.part_us);
        while self.admitted.front().is_some_and(|(first, _)| end_of(*first) <= part) {
            self.admitted.pop_front();
        }
        let count: u32 = self.admitted.iter().map(|(_, count)| count).sum();
        match self.admitted.front() {
            Some((first, _)) if count == self.quota.limit => {
                return Decision::refused(end_of(*first) * self.part_us - now_us);
            }
            _ => {}
        }
        match self.admitted.back_mut() {
            Some((last, count)) if *last == part => *count += 1,
            _ => self.admitted.push_back((part, 1)),
        }
        Decision::Admitted {
            remaining: self.quota.limit - count - 1,
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        let part = micros(now) / self.part_us;
        self.admitted.back().is_none_or(|(last, _)| end_of(*last) <= part)
    }
}

/// Of this tenth of a window and the ten before it, there are fewer than the limit.
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    let tenth = quota.window.as_micros().div_ceil(10);
    let counts = |at: &&Duration| now.as_micros() / tenth - at.as_micros() / tenth <= 10;
    admitted.iter().filter(counts).count() < quota.limit as usize
}
