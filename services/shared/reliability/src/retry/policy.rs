//! Whether to try again, and after which pause.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::Rng;

use super::backoff::Backoff;
use super::budget::{BudgetSettings, RetryBudget};
use crate::config::{SettingsError, Words};
use crate::deadline::Deadline;

/// Written as `attempts=3 base=50ms max=1s budget=20% window=10s reserve_per_s=10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySettings {
    /// How often to try, and the pauses.
    pub backoff: Backoff,
    /// What all retries share.
    pub budget: BudgetSettings,
}

impl FromStr for RetrySettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = Words::of(text)?;
        let backoff = Backoff {
            attempts_max: words.count("attempts", 3)?,
            base: words.take("base", Duration::from_millis(50))?,
            max: words.take("max", Duration::from_secs(1))?,
        };
        let budget = BudgetSettings::take(&mut words, BudgetSettings::default())?;
        words.end()?;
        if backoff.max < backoff.base {
            return Err(SettingsError::Contradiction(
                "max is shorter than base, so no pause would ever be base",
            ));
        }
        Ok(Self { backoff, budget })
    }
}

/// What must be known of a call to try it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Whether doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// When nobody waits for it any more.
    pub deadline: Option<Deadline>,
}

/// Why there is no other try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// The first try may have done it, and a second one would do it again.
    NotIdempotent,
    /// It was tried often enough.
    Attempts,
    /// Nobody would wait for it after the pause.
    Deadline,
    /// Too much of the load is retries.
    Budget,
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotIdempotent => "it must not be done twice",
            Self::Attempts => "it was tried often enough",
            Self::Deadline => "nobody would wait for another try",
            Self::Budget => "the budget for retries is used up",
        })
    }
}

/// Decides about retries of all calls to one dependency.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    backoff: Backoff,
    budget: RetryBudget,
}

impl RetryPolicy {
    /// One with a new budget.
    #[must_use]
    pub fn new(settings: &RetrySettings) -> Self {
        Self {
            backoff: settings.backoff.clone(),
            budget: RetryBudget::new(settings.budget),
        }
    }

    /// A call is made, for the first time.
    pub fn call(&mut self, now: Duration) {
        self.budget.pay_in(now);
    }

    /// The `failed`th try (from 1) failed at `now`, in a way that may be over soon. Says how long to pause before the next.
    ///
    /// # Errors
    /// Why there is no next one. Only a retry that will be made takes from the budget.
    pub fn failed(
        &mut self,
        call: &Call,
        failed: u32,
        now: Duration,
        random: &mut impl Rng,
    ) -> Result<Duration, GiveUp> {
        if !call.idempotent {
            return Err(GiveUp::NotIdempotent);
        }
        if failed >= self.backoff.attempts_max {
            return Err(GiveUp::Attempts);
        }
        let pause = self.backoff.pause(failed, random);
        if call.deadline.is_some_and(|deadline| !deadline.allows(now + pause)) {
            return Err(GiveUp::Deadline);
        }
        if self.budget.take_out(now) {
            Ok(pause)
        } else {
            Err(GiveUp::Budget)
        }
    }

    /// Retries that the budget has left at `now`.
    #[must_use]
    pub fn budget_left(&mut self, now: Duration) -> f64 {
        self.budget.left(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const ANY: Call = Call {
        idempotent: true,
        deadline: None,
    };

    fn policy(settings: &str) -> (RetryPolicy, Pcg64Mcg) {
        (RetryPolicy::new(&settings.parse().unwrap()), Pcg64Mcg::seed_from_u64(3))
    }

    #[test]
    fn each_reason_to_give_up_is_told_and_costs_nothing() {
        let (mut policy, mut random) = policy("attempts=3 base=10ms max=10ms budget=100% reserve_per_s=0");
        policy.call(Duration::ZERO);
        let mut failed = |call: &Call, failed| policy.failed(call, failed, Duration::ZERO, &mut random);
        assert_eq!(
            failed(
                &Call {
                    idempotent: false,
                    ..ANY
                },
                1
            ),
            Err(GiveUp::NotIdempotent)
        );
        assert_eq!(failed(&ANY, 3), Err(GiveUp::Attempts));
        let over = Call {
            deadline: Some(Deadline::at(Duration::ZERO)),
            ..ANY
        };
        assert_eq!(failed(&over, 1), Err(GiveUp::Deadline));
        assert!(
            failed(&ANY, 1).unwrap() <= 10 * MS,
            "the one that was paid for is still there"
        );
        assert_eq!(failed(&ANY, 1), Err(GiveUp::Budget));
    }

    /// When everything fails, three tries each would be three times the load.
    #[test]
    fn an_outage_adds_no_more_than_the_budget() {
        let (mut policy, mut random) = policy("attempts=3 budget=10% reserve_per_s=0");
        let (requests, mut tries) = (6_000, 0);
        for number in 0..requests {
            let now = MS * number * 10;
            policy.call(now);
            tries += 1
                + (1..)
                    .take_while(|failed| policy.failed(&ANY, *failed, now, &mut random).is_ok())
                    .count();
        }
        let amplification = tries as f64 / f64::from(requests);
        assert!((1.09..=1.10).contains(&amplification), "{amplification}");
    }

    proptest! {
        #[test]
        fn no_try_is_begun_past_the_deadline(left_ms in 0..500_u64, seed: u64, failed in 1..10_u32) {
            let (mut policy, _) = policy("attempts=99 base=50ms max=1s");
            let deadline = Deadline::at(MS * u32::try_from(left_ms).unwrap());
            let call = Call { deadline: Some(deadline), ..ANY };
            match policy.failed(&call, failed, Duration::ZERO, &mut Pcg64Mcg::seed_from_u64(seed)) {
                Ok(pause) => prop_assert!(deadline.allows(pause)),
                Err(why) => prop_assert_eq!(why, GiveUp::Deadline),
            }
        }
    }
}
