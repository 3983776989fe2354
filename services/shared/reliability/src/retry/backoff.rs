//! Exponential backoff with full jitter.
//!
//! Source: M. Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015. Drawing the pause from the whole
//! interval between zero and the bound spreads callers that failed together, which a fixed pause would keep together.

use std::future::Future;
use std::time::Duration;

use rand::{Rng, RngExt};

/// How often to try, and how long to pause in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// Tries in all, the first included; at least one is made.
    pub attempts_max: u32,
    /// Bound of the first pause; it doubles from pause to pause.
    pub base: Duration,
    /// Bound that no pause exceeds.
    pub max: Duration,
}

impl Backoff {
    /// The longest that the pause after the `failed`th try (from 1) may be.
    #[must_use]
    pub fn bound(&self, failed: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failed.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.max)
    }

    /// The pause after the `failed`th try: anything from zero to the bound.
    pub fn pause(&self, failed: u32, random: &mut impl Rng) -> Duration {
        self.bound(failed).mul_f64(random.random::<f64>())
    }
}

/// How something that was tried several times ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted<T> {
    /// How often it was tried.
    pub attempts: u32,
    /// How the last try ended.
    pub outcome: T,
}

/// Tries `operation` until it succeeds, fails in a way that another try will not mend, or was tried often enough.
///
/// The operation is told the number of the try, from 1. `random` draws the pauses.
pub async fn retry<T, E, F>(
    backoff: &Backoff,
    mut random: impl Rng,
    mut operation: impl FnMut(u32) -> F,
    is_transient: impl Fn(&E) -> bool,
) -> Attempted<Result<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = 1;
    loop {
        let outcome = operation(attempts).await;
        let try_again = attempts < backoff.attempts_max && outcome.as_ref().is_err_and(&is_transient);
        if !try_again {
            return Attempted { attempts, outcome };
        }
        tokio::time::sleep(backoff.pause(attempts, &mut random)).await;
        attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    const QUICK: Backoff = Backoff {
        attempts_max: 4,
        base: Duration::from_micros(1),
        max: Duration::from_micros(4),
    };

    async fn run(succeeds_at: u32, transient: bool) -> Attempted<Result<u32, &'static str>> {
        let operation = |attempt| {
            std::future::ready(if attempt >= succeeds_at {
                Ok(attempt)
            } else {
                Err("down")
            })
        };
        retry(&QUICK, Pcg64Mcg::seed_from_u64(1), operation, |_| transient).await
    }

    #[tokio::test]
    async fn tries_until_it_succeeds_and_no_oftener_than_allowed() {
        assert_eq!(
            run(1, true).await,
            Attempted {
                attempts: 1,
                outcome: Ok(1)
            }
        );
        assert_eq!(
            run(3, true).await,
            Attempted {
                attempts: 3,
                outcome: Ok(3)
            }
        );
        assert_eq!(
            run(9, true).await,
            Attempted {
                attempts: 4,
                outcome: Err("down")
            }
        );
        assert_eq!(
            run(3, false).await,
            Attempted {
                attempts: 1,
                outcome: Err("down")
            }
        );
    }

    proptest! {
        #[test]
        fn pauses_stay_within_a_bound_that_doubles_up_to_the_maximum(
            base_ms in 1..1_000_u64, max_ms in 1..10_000_u64, failed in 1..100_u32, seed: u64
        ) {
            let backoff = Backoff {
                attempts_max: 100,
                base: Duration::from_millis(base_ms),
                max: Duration::from_millis(max_ms),
            };
            let bound = backoff.bound(failed);
            let expected_ms = u128::from(base_ms).saturating_mul(1_u128 << (failed - 1)).min(u128::from(max_ms));
            prop_assert_eq!(bound.as_millis(), expected_ms);
            prop_assert!(backoff.pause(failed, &mut Pcg64Mcg::seed_from_u64(seed)) <= bound);
        }
    }
}
