//! The figures of one class of requests in one window: what is computed from a measurement, and from each draw of it.

use load::{Histogram, Slice};
use serde::Serialize;

use super::latencies::Latencies;

/// Latencies, shares and rates; none where nothing was measured, which is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    /// From the intended start to the good answer.
    #[serde(flatten)]
    pub response: Latencies,
    /// From the actual send to the good answer.
    pub service: Latencies,
    /// From the intended start to the actual send.
    pub lateness: Latencies,
    /// Median of the time from the intended start to the failure, of failed requests.
    pub failed_p50: Option<f64>,
    /// 99th percentile of it.
    pub failed_p99: Option<f64>,
    /// Requests that came to an end, well or not.
    pub n: Option<f64>,
    /// Good answers per second of load.
    pub rate_per_s: Option<f64>,
    /// Requests that came to an end, per second of load.
    pub arrivals_per_s: Option<f64>,
    /// Share of failed requests.
    pub error_share: Option<f64>,
    /// Share of slow requests.
    pub slow_share: Option<f64>,
    /// Mean number of requests under way.
    pub in_flight_mean: Option<f64>,
}

/// What the figures are computed from.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Requests answered well.
    pub(super) ok: u64,
    /// Requests that failed.
    pub(super) failed: u64,
    /// Requests that took too long.
    pub(super) slow: u64,
    /// Latencies from the intended start.
    pub(super) response: Histogram,
    /// Latencies from the actual send.
    pub(super) service: Histogram,
    /// Lateness of sending.
    pub(super) lateness: Histogram,
    /// From the intended start to the failure.
    pub(super) failure: Histogram,
    /// Seconds of load behind them.
    pub(super) load_s: f64,
    /// Whether anything was sent at all.
    pub(super) measured: bool,
    /// Mean number of requests under way, by the generator's own count.
    pub(super) in_flight_mean: Option<f64>,
}

impl Figures {
    pub(super) fn of(sums: &Sums) -> Self {
        let answered = sums.ok + sums.failed;
        let per_s = |count: u64| share(count, sums.load_s).filter(|_| sums.measured);
        Self {
            response: Latencies::of(&sums.response),
            service: Latencies::of(&sums.service),
            lateness: Latencies::of(&sums.lateness),
            failed_p50: sums.failure.quantile_ms(0.5),
            failed_p99: sums.failure.quantile_ms(0.99),
            n: sums.measured.then_some(answered as f64),
            rate_per_s: per_s(sums.ok),
            arrivals_per_s: per_s(answered),
            error_share: share(sums.failed, answered as f64),
            slow_share: share(sums.slow, answered as f64),
            in_flight_mean: sums.in_flight_mean,
        }
    }

    /// A figure by the path that expressions give it, below its class or window; none where there is no such figure.
    pub(super) fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<Option<f64>> {
        match path {
            [name] => match name.as_ref() {
                "failed_p50" => Some(self.failed_p50),
                "failed_p99" => Some(self.failed_p99),
                "n" => Some(self.n),
                "rate_per_s" => Some(self.rate_per_s),
                "arrivals_per_s" => Some(self.arrivals_per_s),
                "error_share" => Some(self.error_share),
                "slow_share" => Some(self.slow_share),
                "in_flight_mean" => Some(self.in_flight_mean),
                name => self.response.get(name),
            },
            [part, name] => match part.as_ref() {
                "service" => self.service.get(name.as_ref()),
                "lateness" => self.lateness.get(name.as_ref()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Sums {
    /// Those of slices that were added up.
    pub(super) fn of(total: &Slice, load_s: f64, measured: bool, in_flight_mean: Option<f64>) -> Self {
        Self {
            ok: total.ok,
            failed: total.errors.values().sum(),
            slow: total.slow,
            response: total.response.clone(),
            service: total.service.clone(),
            lateness: total.lateness.clone(),
            failure: total.failed.clone(),
            load_s,
            measured,
            in_flight_mean,
        }
    }
}

/// A part of a whole; nothing of nothing is not measured.
fn share(part: u64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part as f64 / whole)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_figure_of_the_serialised_form_is_found_by_its_path() {
        let mut some = Histogram::new();
        some.record(Duration::from_millis(3));
        let figures = Figures::of(&Sums {
            ok: 2,
            failed: 1,
            slow: 1,
            response: some.clone(),
            service: some.clone(),
            lateness: some.clone(),
            failure: some,
            load_s: 4.0,
            measured: true,
            in_flight_mean: Some(0.5),
        });
        let Value::Object(map) = serde_json::to_value(figures).unwrap() else {
            panic!("it is an object")
        };
        assert_eq!(map.len(), 17);
        for (name, value) in &map {
            match value {
                Value::Object(inner) => {
                    for (part, value) in inner {
                        assert_eq!(
                            figures.get(&[name.as_str(), part]),
                            Some(value.as_f64()),
                            "{name}.{part}"
                        );
                    }
                }
                value => assert_eq!(figures.get(&[name]), Some(value.as_f64()), "{name}"),
            }
        }
        assert_eq!((figures.get(&["p98"]), figures.get(&["service"])), (None, None));
    }

    #[test]
    fn nothing_sent_has_no_rate_and_nothing_failed_of_something_is_zero() {
        let nothing = Figures::of(&Sums {
            load_s: 6.0,
            ..Sums::default()
        });
        assert_eq!(nothing, Figures::default());
        let good = Figures::of(&Sums {
            ok: 3,
            load_s: 6.0,
            measured: true,
            ..Sums::default()
        });
        assert_eq!(
            (good.rate_per_s, good.error_share, good.n),
            (Some(0.5), Some(0.0), Some(3.0))
        );
    }
}
