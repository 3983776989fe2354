//! A mean of recent latencies that forgets at a steady pace.

use std::time::Duration;

/// Exponentially weighted moving average over irregular samples.
///
/// A sample that comes `dt` after the one before it counts `1 - exp(-dt / decay)`, so that the memory is measured in time and not
/// in samples: a busy endpoint and a quiet one forget equally fast. Source: A. Eckner, "Algorithms for Unevenly Spaced Time
/// Series: Moving Averages and Other Rolling Operators" (2019); Finagle's `PeakEwma` uses the
/// same weight.
///
/// The caller passes the time since any fixed origin; there is no clock inside.
#[derive(Debug, Clone)]
pub struct Ewma {
    decay: Duration,
    last: Option<Duration>,
    mean_s: f64,
}

impl Ewma {
    /// An average without samples whose memory fades by a factor of e every `decay` (must be above zero to remember anything).
    #[must_use]
    pub const fn new(decay: Duration) -> Self {
        Self {
            decay,
            last: None,
            mean_s: 0.0,
        }
    }

    /// Takes a latency that was observed at `now`. A `now` before the last one counts as no time passed.
    pub fn observe(&mut self, now: Duration, latency: Duration) {
        let sample_s = latency.as_secs_f64();
        match self.last {
            None => self.mean_s = sample_s,
            Some(last) => {
                let elapsed_s = now.saturating_sub(last).as_secs_f64();
                // A sample at the very instant of the one before it weighs nothing; the next later one weighs for the whole gap.
                let weight = 1.0 - (-elapsed_s / self.decay.as_secs_f64().max(f64::MIN_POSITIVE)).exp();
                self.mean_s += weight * (sample_s - self.mean_s);
            }
        }
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
    }

    /// The mean, zero before the first sample.
    #[must_use]
    pub fn value(&self) -> Duration {
        Duration::from_secs_f64(self.mean_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn starts_at_the_first_sample() {
        let mut ewma = Ewma::new(10 * MS);
        assert_eq!(ewma.value(), Duration::ZERO);
        ewma.observe(5 * MS, 7 * MS);
        assert_eq!(ewma.value(), 7 * MS);
    }

    #[test]
    fn one_decay_later_a_step_is_covered_to_one_minus_one_over_e() {
        let mut ewma = Ewma::new(10 * MS);
        ewma.observe(Duration::ZERO, Duration::ZERO);
        ewma.observe(10 * MS, 100 * MS);
        let expected_s = 0.1 * (1.0 - (-1.0_f64).exp());
        assert!((ewma.value().as_secs_f64() - expected_s).abs() < 1e-6);
    }

    #[test]
    fn forgets_by_time_and_not_by_samples() {
        let (mut one, mut many) = (Ewma::new(10 * MS), Ewma::new(10 * MS));
        one.observe(Duration::ZERO, 100 * MS);
        many.observe(Duration::ZERO, 100 * MS);
        one.observe(20 * MS, MS);
        for step in 1..=20 {
            many.observe(step * MS, MS);
        }
        assert!((one.value().as_secs_f64() - many.value().as_secs_f64()).abs() < 1e-6);
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing() {
        let mut ewma = Ewma::new(10 * MS);
        ewma.observe(10 * MS, 5 * MS);
        ewma.observe(Duration::ZERO, 500 * MS);
        assert_eq!(ewma.value(), 5 * MS);
    }

    #[test]
    fn a_decay_of_zero_keeps_the_last_sample() {
        let mut ewma = Ewma::new(Duration::ZERO);
        ewma.observe(Duration::ZERO, 5 * MS);
        ewma.observe(MS, 9 * MS);
        assert_eq!(ewma.value(), 9 * MS);
    }
}
