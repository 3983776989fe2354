//! Keeps the mean of many waits exact although every single wait ends late.

use std::time::Duration;

/// Lateness that is taken for a coarse timer. More than this is a stall of the process or of the machine: it happened,
/// and is not made up for.
const LATENESS_MAX: Duration = Duration::from_millis(5);

/// Lateness that later waits have still to make good.
///
/// The law: whatever the waits and however late they end (by up to 5 ms each), the time spent so far exceeds the time
/// drawn so far by exactly what is [`owed`](Self::owed).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Debt {
    owed: Duration,
}

impl Debt {
    /// How long to wait when `drawn` was drawn.
    pub fn shorten(&mut self, drawn: Duration) -> Duration {
        let repaid = self.owed.min(drawn);
        self.owed -= repaid;
        drawn - repaid
    }

    /// Notes that a wait meant to be `planned` long took `elapsed`.
    pub fn record(&mut self, planned: Duration, elapsed: Duration) {
        self.owed += elapsed.saturating_sub(planned).min(LATENESS_MAX);
    }

    /// What is still to be made good.
    #[must_use]
    pub fn owed(&self) -> Duration {
        self.owed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn time_spent_is_time_drawn_plus_what_is_owed(
            waits in prop::collection::vec((0..20_000_u64, 0..=5_000_u64), 0..200)
        ) {
            let mut debt = Debt::default();
            let (mut drawn_total, mut spent_total) = (Duration::ZERO, Duration::ZERO);
            for (drawn_us, lateness_us) in waits {
                let drawn = Duration::from_micros(drawn_us);
                let planned = debt.shorten(drawn);
                prop_assert!(planned <= drawn);
                let elapsed = planned + Duration::from_micros(lateness_us);
                debt.record(planned, elapsed);
                drawn_total += drawn;
                spent_total += elapsed;
                prop_assert_eq!(spent_total, drawn_total + debt.owed());
            }
        }

        #[test]
        fn a_timer_of_one_millisecond_keeps_any_mean(mean_us in 50..20_000_u64) {
            let mut debt = Debt::default();
            let mut spent = Duration::ZERO;
            for _ in 0..1_000 {
                let planned = debt.shorten(Duration::from_micros(mean_us));
                // Rounds up to the next millisecond, and no wait is no wait.
                let elapsed = Duration::from_millis(u64::try_from(planned.as_micros().div_ceil(1_000)).unwrap());
                debt.record(planned, elapsed);
                spent += elapsed;
            }
            let expected = Duration::from_micros(mean_us * 1_000);
            prop_assert!(spent >= expected && spent <= expected + Duration::from_millis(1), "{spent:?} {expected:?}");
        }
    }

    #[test]
    fn a_stall_is_not_made_up_for() {
        let mut debt = Debt::default();
        debt.record(Duration::from_millis(10), Duration::from_millis(1_400));
        assert_eq!(debt.owed(), LATENESS_MAX);
    }
}
