//! The figures of one class of requests in one window, over all rounds.

use load::{Histogram, Slice};
use serde_json::{Map, Value, json};

use super::Resample;
use crate::event::SLICES_PER_S;
use crate::plan::WindowSpec;
use crate::state::{ClassState, RoundState};

/// Latencies, shares and rates of the requests that were meant to start in the window; a window without a name is
/// the whole load.
pub(super) fn figures(
    arm: usize,
    rounds: &[(usize, &RoundState, &ClassState)],
    window: &WindowSpec,
    resample: &Resample,
) -> Map<String, Value> {
    let mut sum = Slice::default();
    let (mut slices, mut drawn) = (0_u64, 0_u64);
    for (round, _, class) in rounds {
        for ((index, name), slice) in &class.slices {
            if window.name.is_empty() || *name == window.name {
                let weight = resample.weight(arm, *round, name, *index);
                slices += 1;
                drawn += weight;
                for _ in 0..weight {
                    sum.merge(slice);
                }
            }
        }
    }
    // A draw may hold more or fewer slices than were measured; a rate must not mistake that for traffic.
    let seconds = length_s(rounds, window) * drawn as f64 / slices.max(1) as f64;
    let failed: u64 = sum.errors.values().sum();
    let answered = sum.ok + failed;
    let mut map = latency_figures(&sum.response);
    map.insert(
        "n".to_owned(),
        if slices > 0 {
            (answered as f64).into()
        } else {
            Value::Null
        },
    );
    map.insert("service".to_owned(), Value::Object(latency_figures(&sum.service)));
    map.insert("lateness".to_owned(), Value::Object(latency_figures(&sum.lateness)));
    map.insert("rate_per_s".to_owned(), share(sum.ok, seconds));
    map.insert("arrivals_per_s".to_owned(), share(answered, seconds));
    map.insert("error_share".to_owned(), share(failed, answered as f64));
    map.insert("slow_share".to_owned(), share(sum.slow, answered as f64));
    map.insert(
        "in_flight_mean".to_owned(),
        in_flight_mean(arm, rounds, window, resample).into(),
    );
    map
}

/// A part of a whole; nothing of nothing is not measured.
fn share(part: u64, whole: f64) -> Value {
    if whole > 0.0 {
        json!(part as f64 / whole)
    } else {
        Value::Null
    }
}

pub(super) fn latency_figures(latencies: &Histogram) -> Map<String, Value> {
    let figures = [
        ("mean", latencies.mean_ms()),
        ("p50", latencies.quantile_ms(0.5)),
        ("p90", latencies.quantile_ms(0.9)),
        ("p99", latencies.quantile_ms(0.99)),
        ("p99_9", latencies.quantile_ms(0.999)),
        ("min", latencies.min_ms()),
        ("max", latencies.max_ms()),
    ];
    figures
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

/// Seconds of the window that were really driven, over all rounds.
fn length_s(rounds: &[(usize, &RoundState, &ClassState)], window: &WindowSpec) -> f64 {
    rounds
        .iter()
        .map(|(_, round, _)| (window.to_s.min(round.load_s) - window.from_s).max(0.0))
        .sum()
}

/// Mean number of requests under way, from the generator's own count over time.
fn in_flight_mean(
    arm: usize,
    rounds: &[(usize, &RoundState, &ClassState)],
    window: &WindowSpec,
    resample: &Resample,
) -> Option<f64> {
    let mut integral = 0.0;
    let mut covered_s = 0.0;
    for (round, _, class) in rounds {
        let mut before = 0.0;
        for (at_s, request_seconds) in &class.in_flight_over_time {
            if before >= window.from_s && *at_s <= window.to_s {
                let slice = (f64::midpoint(before, *at_s) * f64::from(SLICES_PER_S)) as u32;
                let weight = resample.weight(arm, *round, &window.name, slice) as f64;
                integral += request_seconds * weight;
                covered_s += (at_s - before) * weight;
            }
            before = *at_s;
        }
    }
    (covered_s > 0.0).then(|| integral / covered_s)
}
