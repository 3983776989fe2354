//! What one instance's metrics say: counters as they stand, and what was added to them between two readings.

use std::collections::BTreeMap;
use std::time::Duration;

use load::{Histogram, InstanceSample, Slice};

use super::prometheus::{self, Sample};

/// Histograms of request durations by their usual names, the first that is there is taken: the lab's own, OpenTelemetry's,
/// Spring's, and those of common client libraries.
const USUAL: [&str; 6] = [
    "http_request_duration_seconds",
    "http_server_request_duration_seconds",
    "http_server_requests_seconds",
    "http_server_duration_milliseconds",
    "http_request_duration_milliseconds",
    "prometheus_http_request_duration_seconds",
];
/// Labels that hold the status of an answer.
const STATUS: [&str; 4] = ["status", "code", "status_code", "http_response_status_code"];
/// Labels that hold the path.
const ROUTE: [&str; 4] = ["route", "path", "handler", "uri"];
/// Paths that are asked by whoever watches, not by users.
const OWN: [&str; 5] = ["/metrics", "/health", "/ready", "/-/healthy", "/-/ready"];

/// The counters of one instance as they stood at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Requests by status, by upper bound of their duration in microseconds, cumulative as Prometheus has them.
    buckets: BTreeMap<(String, u64), f64>,
    /// All requests by status.
    counts: BTreeMap<String, f64>,
    /// Requests under way.
    pub in_flight: Option<f64>,
    /// The longest lag of the event loop of late, seconds.
    pub lag_s: Option<f64>,
    /// Resident memory, bytes.
    pub resident_bytes: Option<f64>,
    /// Processor time used, seconds.
    pub cpu_s: Option<f64>,
}

impl Reading {
    /// Reads a text in Prometheus' format. With `metric`, that histogram is the one of request durations.
    ///
    /// # Errors
    /// When it has no such histogram: what there is instead.
    pub fn of(text: &str, metric: Option<&str>) -> Result<Self, String> {
        let all: Vec<Sample<'_>> = prometheus::samples(text).collect();
        let histograms = histograms(&all);
        let chosen = match metric {
            Some(metric) => histograms.iter().find(|name| **name == metric),
            None => USUAL
                .iter()
                .find_map(|usual| histograms.iter().find(|name| *name == usual)),
        };
        let Some(chosen) = chosen else {
            return Err(missing(metric, &histograms));
        };
        let mut reading = Self::default();
        let unit_us = if chosen.ends_with("_milliseconds") { 1e3 } else { 1e6 };
        for sample in all.iter().filter(|sample| !is_own(sample)) {
            match sample.name.strip_prefix(chosen) {
                Some("_bucket") => reading.add_bucket(sample, unit_us),
                Some("_count") => *reading.counts.entry(status(sample)).or_default() += sample.value,
                _ => {}
            }
        }
        let gauge = |name: &str| all.iter().find(|sample| sample.name == name).map(|sample| sample.value);
        // One of those under way is the question itself.
        reading.in_flight = gauge("http_requests_in_flight").map(|n| (n - 1.0).max(0.0));
        reading.lag_s = gauge("event_loop_lag_worst_seconds");
        reading.resident_bytes = gauge("process_resident_memory_bytes");
        reading.cpu_s = gauge("process_cpu_seconds_total");
        Ok(reading)
    }

    fn add_bucket(&mut self, sample: &Sample<'_>, unit_us: f64) {
        let bound = sample.labels.get("le").and_then(|le| match le.as_str() {
            "+Inf" => Some(u64::MAX),
            number => number.parse::<f64>().ok().map(|bound| (bound * unit_us) as u64),
        });
        if let Some(bound) = bound {
            *self.buckets.entry((status(sample), bound)).or_default() += sample.value;
        }
    }

    /// What was added since an earlier reading, as results of one slice of time. Counters that went back belong to an
    /// instance that began anew: then everything is new.
    pub fn since(&self, before: &Self, index: u32) -> Slice {
        let mut slice = Slice {
            index,
            ..Slice::default()
        };
        for (status, count) in &self.counts {
            let added = added(*count, before.counts.get(status).copied().unwrap_or(0.0));
            slice.scheduled += added;
            slice.sent += added;
            if is_failure(status) {
                *slice.errors.entry(format!("http_{status}")).or_default() += added;
            } else {
                slice.ok += added;
            }
        }
        slice.errors.retain(|_, count| *count > 0);
        let mut below: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for ((status, bound_us), count) in &self.buckets {
            let key = (status.clone(), *bound_us);
            let cumulative = added(*count, before.buckets.get(&key).copied().unwrap_or(0.0));
            let (lower_us, counted) = below.get(status.as_str()).copied().unwrap_or((0, 0));
            let here = cumulative.saturating_sub(counted);
            let into = if is_failure(status) {
                &mut slice.failed
            } else {
                &mut slice.response
            };
            record(into, (lower_us, *bound_us), here);
            below.insert(status, (*bound_us, cumulative.max(counted)));
        }
        slice
    }
}

/// What an instance answered in a slice.
pub fn answered(instance: &str, slice: &Slice) -> InstanceSample {
    InstanceSample {
        window: String::new(),
        instance: instance.to_owned(),
        requests: slice.sent,
        response: slice.response.clone(),
    }
}

/// Requests of a bucket count as its geometric middle: nobody knows more of them.
fn record(into: &mut Histogram, (lower_us, upper_us): (u64, u64), count: u64) {
    let lower = (lower_us.max(1)) as f64;
    let upper = if upper_us == u64::MAX {
        lower * 2.0
    } else {
        upper_us as f64
    };
    let middle_us = if lower_us == 0 {
        upper / 2.0
    } else {
        (lower * upper).sqrt()
    };
    into.record_many(Duration::from_micros(middle_us as u64), count);
}

fn added(now: f64, before: f64) -> u64 {
    let added = if now >= before { now - before } else { now };
    added.max(0.0) as u64
}

fn status(sample: &Sample<'_>) -> String {
    let found = STATUS.iter().find_map(|label| sample.labels.get(label));
    found.cloned().unwrap_or_default()
}

fn is_failure(status: &str) -> bool {
    status.starts_with('4') || status.starts_with('5')
}

fn is_own(sample: &Sample<'_>) -> bool {
    let route = ROUTE.iter().find_map(|label| sample.labels.get(label));
    route.is_some_and(|route| OWN.contains(&route.as_str()) || route == "none")
}

fn histograms<'a>(all: &[Sample<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = all
        .iter()
        .filter_map(|sample| sample.name.strip_suffix("_bucket"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn missing(metric: Option<&str>, histograms: &[&str]) -> String {
    let there = match histograms {
        [] => "it has no histogram at all".to_owned(),
        some => format!("its histograms are {}; choose one by --metric", some.join(", ")),
    };
    match metric {
        Some(metric) => format!("there is no histogram {metric}: {there}"),
        None => format!("there is no histogram of request durations by a usual name: {there}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fast: u32, slow: u32, failed: u32) -> String {
        let all = fast + slow;
        format!(
            "http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"0.01\"}} {fast}\n\
             http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"0.1\"}} {all}\n\
             http_request_duration_seconds_bucket{{route=\"/a\",status=\"200\",le=\"+Inf\"}} {all}\n\
             http_request_duration_seconds_count{{route=\"/a\",status=\"200\"}} {all}\n\
             http_request_duration_seconds_bucket{{route=\"/a\",status=\"503\",le=\"+Inf\"}} {failed}\n\
             http_request_duration_seconds_count{{route=\"/a\",status=\"503\"}} {failed}\n\
             http_request_duration_seconds_count{{route=\"/metrics\",status=\"200\"}} 999\n\
             http_requests_in_flight 3\n"
        )
    }

    #[test]
    fn the_difference_of_two_readings_is_what_happened_between_them() {
        let before = Reading::of(&text(100, 10, 1), None).unwrap();
        let after = Reading::of(&text(160, 30, 4), None).unwrap();
        let slice = after.since(&before, 7);
        assert_eq!((slice.index, slice.ok, slice.sent), (7, 80, 83));
        assert_eq!(slice.errors["http_503"], 3);
        assert_eq!((slice.response.count(), slice.failed.count()), (80, 3));
        assert_eq!(slice.response.count_over_ms(10.0), 20, "between 10 and 100 ms");
        assert_eq!(after.in_flight, Some(2.0));
    }

    #[test]
    fn an_instance_that_began_anew_has_only_what_it_did_since() {
        let before = Reading::of(&text(500, 50, 0), None).unwrap();
        let after = Reading::of(&text(20, 5, 0), None).unwrap();
        let slice = after.since(&before, 0);
        assert_eq!((slice.ok, slice.response.count()), (25, 25));
    }

    #[test]
    fn a_histogram_of_another_name_can_be_chosen_and_what_there_is_is_said() {
        let other = "rpc_ms_bucket{le=\"+Inf\"} 2\nrpc_ms_count 2\n";
        let error = Reading::of(other, None).unwrap_err();
        assert!(error.contains("rpc_ms") && error.contains("--metric"), "{error}");
        assert_eq!(Reading::of(other, Some("rpc_ms")).unwrap().counts[""], 2.0);
        assert!(
            Reading::of("x 1\n", Some("rpc_ms"))
                .unwrap_err()
                .contains("no histogram at all")
        );
    }
}
