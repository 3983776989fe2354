//! What came out of a simulation.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Figures of the requests that came after the warm-up. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimFigures {
    /// The policy's name.
    pub policy: String,
    /// How many servers there were.
    pub servers: u32,
    /// The offered load.
    pub load: f64,
    /// Requests counted.
    pub requests: u64,
    /// Of these, the ones that were answered, in time and without a failure.
    pub ok: u64,
    /// Answered after the client had given up.
    pub late: u64,
    /// Answered with a failure by a broken server.
    pub failed: u64,
    /// Refused by a server whose queue was full.
    pub refused: u64,
    /// `ok` as a share of `requests`.
    pub success: f64,
    /// Mean response time of everything that a server worked on, late or not; `None` when there was nothing.
    pub mean_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99.9th percentile.
    pub p99_9_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// Mean number of requests on all servers together, over time.
    pub in_system_mean: f64,
    /// Most requests that any one server held at once.
    pub fullest: u64,
    /// Requests of the server that got most, over the mean of all.
    pub busiest_over_mean: f64,
    /// Share of requests that the slow servers got.
    pub slow_share: f64,
    /// Share of requests that the broken servers got.
    pub failing_share: f64,
    /// Simulated time, seconds.
    pub simulated_s: f64,
}

/// The percentile in milliseconds of a histogram of nanoseconds.
pub(crate) fn quantile_ms(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64 / 1e6)
}
