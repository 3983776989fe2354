//! A budget for retries: so many for each request, whatever happens.
//!
//! Every request pays a share of a token in, and a retry takes a whole token out. With 20 %, five requests pay for one
//! retry, so retries add a fifth to the load at most, even when every request fails. A reserve lets rare callers retry.
//! Tokens are lost when they are older than the window: what was saved in a good hour does not feed a storm.
//!
//! It promises: of the slices of a window that ends with a retry, retries ≤ share · requests + reserve.
//!
//! It harms where the reserve is out of proportion: Finagle's 10 a second are 17 % of 60 requests a second.
//!
//! Source: Finagle, `RetryBudget` (20 % and 10 a second, over 10 s). A share of the requests that are *under way*, as
//! Envoy has it, shrinks just when failures come fast.

use std::time::Duration;

use crate::config::{SettingsError, Share, Words};
use crate::rolling::Rolling;

const SLICES: u32 = 10;
/// A token, in the unit of [`Share::millionths`].
const TOKEN: i64 = 1_000_000;

/// Written as `budget=20% window=10s reserve_per_s=10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetSettings {
    /// What each request pays in, as a share of a retry.
    pub budget: Share,
    /// How long that lasts.
    pub window: Duration,
    /// Retries a second that need no request to pay for them.
    pub reserve_per_s: u32,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            budget: Share::percent(20),
            window: Duration::from_secs(10),
            reserve_per_s: 10,
        }
    }
}

impl BudgetSettings {
    /// Takes its words out of a longer line.
    pub(crate) fn take(words: &mut Words<'_>, default: Self) -> Result<Self, SettingsError> {
        Ok(Self {
            budget: words.take("budget", default.budget)?,
            window: words.time("window", default.window)?,
            reserve_per_s: words.take("reserve_per_s", default.reserve_per_s)?,
        })
    }
}

/// The budget that all callers of a dependency share.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    share: i64,
    reserve: i64,
    /// What was paid in less what was taken out.
    balance: Rolling<i64>,
}

impl RetryBudget {
    /// One into which nobody has paid yet.
    #[must_use]
    pub fn new(settings: BudgetSettings) -> Self {
        let reserve = u128::from(settings.reserve_per_s) * settings.window.as_micros();
        Self {
            share: settings.budget.millionths().into(),
            reserve: i64::try_from(reserve).unwrap_or(i64::MAX / 2),
            balance: Rolling::new(settings.window, SLICES),
        }
    }

    /// A request is made, for the first time.
    pub fn pay_in(&mut self, now: Duration) {
        self.balance.add(now, self.share);
    }

    /// Takes a retry out, if there is one. To be asked before the pause: one that is still pausing counts, or all that pause
    /// would come at once.
    #[must_use]
    pub fn take_out(&mut self, now: Duration) -> bool {
        let is_there = self.balance.sum(now) + self.reserve >= TOKEN;
        if is_there {
            self.balance.add(now, -TOKEN);
        }
        is_there
    }

    /// Retries that could be taken out at `now`, in whole ones and parts of one.
    #[must_use]
    pub fn left(&mut self, now: Duration) -> f64 {
        let left = self.balance.sum(now).saturating_add(self.reserve);
        left.max(0) as f64 / TOKEN as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(percent: u32, reserve_per_s: u32) -> RetryBudget {
        let budget = Share::percent(percent);
        RetryBudget::new(BudgetSettings {
            budget,
            window: Duration::from_secs(10),
            reserve_per_s,
        })
    }

    proptest! {
        #[test]
        fn retries_are_a_share_of_requests_and_the_reserve_in_every_window(
            steps in prop::collection::vec((0..2_000_u64, any::<bool>(), 0..5_u32), 1..200),
            percent in 0..=100_u32, reserve_per_s in 0..3_u32,
        ) {
            let mut budget = budget(percent, reserve_per_s);
            let (mut now_ms, mut requests, mut retries) = (0, Vec::new(), Vec::new());
            for (gap_ms, many, count) in steps {
                // Often nothing passes, as in a storm.
                now_ms += if many { 0 } else { gap_ms };
                let now = Duration::from_millis(now_ms);
                let slice = now_ms / 1_000;
                let recent = |times: &[u64]| times.iter().filter(|at| **at + 10 > slice).count() as u64;
                if many {
                    budget.pay_in(now);
                    requests.push(slice);
                }
                for _ in 0..count {
                    let before = recent(&retries);
                    let room = u64::from(percent) * recent(&requests) + 100 * u64::from(reserve_per_s) * 10;
                    let is_left = budget.left(now) >= 1.0;
                    prop_assert_eq!(is_left, 100 * (before + 1) <= room, "what is said to be left is there");
                    prop_assert_eq!(budget.take_out(now), 100 * (before + 1) <= room, "as many as are paid for, and all of them");
                    if 100 * (before + 1) <= room {
                        retries.push(slice);
                    }
                }
            }
            // And over the whole time, with one reserve for each window begun.
            let reserves = u64::from(reserve_per_s) * 10 * (now_ms / 10_000 + 1);
            prop_assert!(100 * retries.len() as u64 <= u64::from(percent) * requests.len() as u64 + 100 * reserves);
        }
    }

    /// tower#857: a percentage was truncated to whole hundredths of a request.
    #[test]
    fn a_percentage_is_exact() {
        for (percent, requests) in [(20, 5_u32), (29, 100), (1, 100), (3, 100), (100, 1)] {
            let mut budget = budget(percent, 0);
            let paid_for = percent * requests / 100;
            (0..requests).for_each(|_| budget.pay_in(Duration::ZERO));
            let taken = (0..1_000).filter(|_| budget.take_out(Duration::ZERO)).count();
            assert_eq!(taken, paid_for as usize, "{percent} % of {requests}");
        }
    }

    /// Envoy's share of the requests under way: when failures come fast, few are under way, and nothing is left to retry.
    #[test]
    fn it_does_not_depend_on_how_fast_failures_come() {
        let mut budget = budget(20, 0);
        let mut retries = 0;
        for number in 0..1_000 {
            // One at a time, each over at once.
            let now = Duration::from_millis(number);
            budget.pay_in(now);
            retries += u32::from(budget.take_out(now));
        }
        assert_eq!(retries, 200);
    }

    #[test]
    fn what_was_saved_does_not_feed_a_storm() {
        let mut budget = budget(20, 0);
        (0..1_000_000).for_each(|_| budget.pay_in(Duration::ZERO));
        assert!(!budget.take_out(Duration::from_secs(10)));
    }
}
