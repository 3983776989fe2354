//! The figures of one distribution of latencies.

use load::Histogram;
use serde::Serialize;

/// Milliseconds; all none where nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p99_9: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl Latencies {
    /// The figures of a histogram.
    pub fn of(latencies: &Histogram) -> Self {
        Self {
            mean: latencies.mean_ms(),
            p50: latencies.quantile_ms(0.5),
            p90: latencies.quantile_ms(0.9),
            p99: latencies.quantile_ms(0.99),
            p99_9: latencies.quantile_ms(0.999),
            min: latencies.min_ms(),
            max: latencies.max_ms(),
        }
    }

    /// Those that tables show, in this order: mean, p50, p90, p99, p99.9, max.
    pub fn row(&self) -> [Option<f64>; 6] {
        [self.mean, self.p50, self.p90, self.p99, self.p99_9, self.max]
    }

    /// A figure by the name that expressions give it; none where there is no such figure.
    pub(super) fn get(&self, name: &str) -> Option<Option<f64>> {
        Some(match name {
            "mean" => self.mean,
            "p50" => self.p50,
            "p90" => self.p90,
            "p99" => self.p99,
            "p99_9" => self.p99_9,
            "min" => self.min,
            "max" => self.max,
            _ => return None,
        })
    }
}
