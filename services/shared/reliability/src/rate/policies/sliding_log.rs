//! Sliding window log.
//!
//! The idea: remember when each request was admitted, and refuse while the limit's number of them are younger than a window.
//!
//! It promises the limit in *every* window, wherever it begins. It is the only one here that does.
//!
//! It keeps a time for each request that it admitted within a window. In Redis: a sorted set with a unique member for each
//! request (two in the same microsecond are two), trimmed before it is counted.
//!
//! It harms memory where the limit is high: 10,000 an hour are 10,000 times for each client.
//!
//! Source: it is folklore; Figma's *An alternative approach to rate limiting*, 2017, weighs its memory against counters.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::kind::{Build, RateLimitKind};
use super::super::limit::{Decision, Quota, RateLimit, micros};

/// The exact one, as the registry has it.
pub const KIND: RateLimitKind = RateLimitKind {
    name: "sliding_log",
    summary: "so many in any window, exactly, for the memory of all their times",
    build: Build {
        most: |quota| u64::from(quota.limit),
        fresh: |quota| {
            Box::new(SlidingLog {
                quota,
                admitted_us: VecDeque::new(),
            })
        },
        script: include_str!("sliding_log.lua"),
        #[cfg(test)]
        specification,
    },
};

#[derive(Debug)]
struct SlidingLog {
    quota: Quota,
    /// When those of the last window were admitted, oldest first.
    admitted_us: VecDeque<u64>,
}

impl RateLimit for SlidingLog {
    fn admit(&mut self, now: Duration) -> Decision {
        let (now_us, window_us) = (micros(now), self.quota.window_us());
        while self
            .admitted_us
            .front()
            .is_some_and(|first| now_us >= first + window_us)
        {
            self.admitted_us.pop_front();
        }
        let room = self.quota.limit as usize - self.admitted_us.len();
        match self.admitted_us.front() {
            Some(first) if room == 0 => Decision::refused(first + window_us - now_us),
            _ => {
                self.admitted_us.push_back(now_us);
                Decision::Admitted {
                    remaining: room as u32 - 1,
                }
            }
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.admitted_us
            .back()
            .is_none_or(|last| micros(now) >= last + self.quota.window_us())
    }
}

/// Of the last window's length, there are fewer than the limit.
#[cfg(test)]
fn specification(quota: &Quota, admitted: &[Duration], now: Duration) -> bool {
    admitted.iter().filter(|at| now - **at < quota.window).count() < quota.limit as usize
}
