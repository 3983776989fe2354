//! What a balancer remembers of an endpoint's answers.

use std::time::Duration;

use crate::{Endpoint, Ewma};

/// How fast answers are forgotten, where nothing else is said: Finagle's default for its `PeakEwma`.
pub const SIGNAL_DECAY: Duration = Duration::from_secs(10);

/// Mean latency, peak latency and share of failures of one endpoint, each forgetting by time (see [`Ewma`]).
///
/// The peak jumps to a latency above it at once and comes down slowly, for a slow answer is news and a fast one is the rule.
/// Source: M. Kmiecik, M. Prokopov, B. Barcott and others, Finagle `PeakEwma`; Linkerd, "Beyond Round Robin: Load Balancing for
/// Latency" (2016).
#[derive(Debug, Clone)]
pub struct Signals {
    decay_s: f64,
    latency: Ewma,
    peak_s: f64,
    failures: f64,
    last: Option<Duration>,
}

impl Signals {
    /// No answers yet, and a memory that fades by a factor of e every `decay`.
    #[must_use]
    pub fn new(decay: Duration) -> Self {
        Self {
            decay_s: decay.as_secs_f64().max(f64::MIN_POSITIVE),
            latency: Ewma::new(decay),
            peak_s: 0.0,
            failures: 0.0,
            last: None,
        }
    }

    /// Takes an answer that came at `now`, and whether it was a failure. A `now` before the last one counts as no time passed.
    pub fn observe(&mut self, now: Duration, latency: Duration, failed: bool) {
        let sample_s = latency.as_secs_f64();
        let failure = f64::from(u8::from(failed));
        match self.last {
            None => (self.peak_s, self.failures) = (sample_s, failure),
            Some(last) => {
                let weight = 1.0 - (-now.saturating_sub(last).as_secs_f64() / self.decay_s).exp();
                self.failures += weight * (failure - self.failures);
                self.peak_s = sample_s.max(self.peak_s + weight * (sample_s - self.peak_s));
            }
        }
        self.latency.observe(now, latency);
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
    }

    /// Writes what is known to where a policy reads it.
    pub fn write_to(&self, endpoint: &mut Endpoint) {
        endpoint.latency_ewma = self.latency.value();
        endpoint.latency_peak = Duration::from_secs_f64(self.peak_s);
        endpoint.failure_share = self.failures as f32;
        endpoint.observed = self.last.unwrap_or_default();
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self::new(SIGNAL_DECAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn seen(signals: &Signals) -> Endpoint {
        let mut endpoint = Endpoint::IDLE;
        signals.write_to(&mut endpoint);
        endpoint
    }

    #[test]
    fn a_slow_answer_is_believed_at_once_and_a_fast_one_slowly() {
        let mut signals = Signals::new(100 * MS);
        signals.observe(MS, 10 * MS, false);
        signals.observe(2 * MS, 500 * MS, false);
        assert_eq!(seen(&signals).latency_peak, 500 * MS);
        assert!(seen(&signals).latency_ewma < 20 * MS);
        signals.observe(102 * MS, 10 * MS, false);
        let expected_s = 0.010 + 0.490 * (-1.0_f64).exp();
        assert!((seen(&signals).latency_peak.as_secs_f64() - expected_s).abs() < 1e-6);
    }

    #[test]
    fn the_share_of_failures_stays_between_none_and_all() {
        let mut signals = Signals::new(10 * MS);
        for n in 0..100 {
            signals.observe(n * MS, MS, n % 2 == 0);
            assert!((0.0..=1.0).contains(&seen(&signals).failure_share));
        }
        let half = seen(&signals).failure_share;
        assert!((half - 0.5).abs() < 0.05, "{half}");
    }

    #[test]
    fn nothing_seen_is_nothing_known() {
        assert_eq!(seen(&Signals::default()), Endpoint::IDLE);
    }
}
