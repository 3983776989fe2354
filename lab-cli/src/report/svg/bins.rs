//! Latencies in bins that are equally wide on a logarithmic axis.

use load::Histogram;

/// Bins of a decade: narrow enough to show two modes, wide enough to be calm.
const PER_DECADE: f64 = 12.0;

/// Shares of a distribution by bin.
pub(super) struct Bins {
    low_ms: f64,
    /// Share of all latencies in each bin, 0 to 1.
    pub(super) shares: Vec<f64>,
}

impl Bins {
    /// The distribution between two latencies (milliseconds) that hold all of it.
    pub(super) fn of(latencies: &Histogram, low_ms: f64, high_ms: f64) -> Self {
        let number = ((high_ms / low_ms).log10() * PER_DECADE).ceil().clamp(1.0, 200.0) as usize;
        let mut shares = vec![0.0; number];
        let total = latencies.count() as f64;
        for (value_us, count) in latencies.iter() {
            let at = ((value_us as f64 / 1000.0 / low_ms).log10() * PER_DECADE).max(0.0) as usize;
            shares[at.min(number - 1)] += count as f64 / total;
        }
        Self { low_ms, shares }
    }

    /// Where a bin begins, milliseconds; the end of the last one is the start of the one after it.
    pub(super) fn begin_ms(&self, bin: usize) -> f64 {
        self.low_ms * 10_f64.powf(bin as f64 / PER_DECADE)
    }

    /// The largest share.
    pub(super) fn highest(&self) -> f64 {
        self.shares.iter().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_latency_is_in_one_bin() {
        let mut latencies = Histogram::new();
        for us in [100, 1_000, 10_000, 99_999] {
            latencies.record(Duration::from_micros(us));
        }
        let bins = Bins::of(&latencies, 0.1, 100.0);
        assert!((bins.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((bins.shares.len(), bins.shares[0], bins.shares[35]), (36, 0.25, 0.25));
        assert!((bins.begin_ms(12) - 1.0).abs() < 1e-9);
    }
}
