//! What one instance's metrics say: counters as they stand, and what was added to them between two readings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use load::{Histogram, InstanceSample, Slice};
use scenarios::prometheus::{Exposition, Sample};

use super::usual::{self, HISTOGRAMS, Meaning, STATUS_LABELS, Unit};
use crate::text::visible;

/// Above this no counter is believed: a double holds whole numbers only so far, and nobody counts that many requests.
const COUNT_MAX: f64 = 9e15;
/// The longest duration that a bucket may speak of, microseconds: a day.
const BOUND_US_MAX: f64 = 86_400e6;
/// More requests are not believed to have come between two readings.
const ADDED_MAX: f64 = 1e12;
/// Statuses that are told apart; a label with more values holds something else.
const STATUSES_MAX: usize = 64;
/// The longest status that is shown, characters.
const STATUS_CHARS_MAX: usize = 40;
/// So many statuses that nobody knows are named.
const UNKNOWN_SHOWN: usize = 5;

/// What somebody wants to be read, where the usual names do not fit.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Name of the histogram.
    pub metric: Option<String>,
    /// The unit of its bounds.
    pub unit: Option<Unit>,
    /// The label that holds the status.
    pub status_label: Option<String>,
}

/// The counters of one instance as they stood at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What was read, in words.
    pub chosen: String,
    /// What should be known of it.
    pub doubts: Vec<String>,
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
    /// Reads the metrics that a program exposes at this path.
    ///
    /// # Errors
    /// When there is no such histogram, or its unit is not known: what there is, and what to say.
    pub fn of(text: &str, wanted: &Wanted, path: &str) -> Result<Self, String> {
        let exposed = Exposition::read(text);
        let histograms = histograms(&exposed.samples);
        let metric = match &wanted.metric {
            Some(metric) => histograms.get(metric.as_str()).copied(),
            None => HISTOGRAMS.iter().find_map(|(usual, ..)| histograms.get(usual).copied()),
        };
        let metric = metric.ok_or_else(|| missing(wanted.metric.as_deref(), &histograms, &exposed))?;
        let unit = wanted
            .unit
            .or_else(|| usual::unit(metric, exposed.units.get(metric).copied()))
            .ok_or_else(|| format!("nothing says the unit of {metric}; add --unit s, ms, us or ns"))?;
        let of_metric = || {
            exposed
                .samples
                .iter()
                .filter_map(|sample| Some((sample.name.strip_prefix(metric)?, sample)))
                .filter(|(part, _)| matches!(*part, "_bucket" | "_count"))
                .filter(|(_, sample)| !usual::is_watching(|name| sample.label(name), path))
        };
        let label = match &wanted.status_label {
            Some(label) => Some(label.as_str()),
            None => {
                let has = |label: &&&str| of_metric().any(|(_, sample)| sample.label(label).is_some());
                STATUS_LABELS.iter().find(has).copied()
            }
        };
        let mut reading = Self {
            chosen: chosen(metric, unit, label),
            ..Self::default()
        };
        let status = |sample: &Sample<'_>| status(label.and_then(|label| sample.label(label)).unwrap_or_default());
        let counted = of_metric().any(|(part, _)| part == "_count");
        for (part, sample) in of_metric() {
            // What cannot be a count is not known, and unknown is not none.
            if !(0.0..=COUNT_MAX).contains(&sample.value) {
                return Err(format!("{metric}{part} is {}, which counts nothing", sample.value));
            }
            let mut status = status(sample);
            if reading.counts.len() >= STATUSES_MAX && !reading.counts.contains_key(&status) {
                "other".clone_into(&mut status);
            }
            let bound = match part {
                "_bucket" => {
                    bound_us(sample.label("le"), unit).map_err(|le| format!("{metric} has a bucket of le=\"{le}\""))?
                }
                _ => None,
            };
            // A histogram has as many requests as its last bucket, should it not say so itself.
            if part == "_count" || (!counted && bound == Some(u64::MAX)) {
                *reading.counts.entry(status.clone()).or_default() += sample.value;
            }
            if let Some(bound_us) = bound {
                *reading.buckets.entry((status, bound_us)).or_default() += sample.value;
            }
        }
        reading.doubts = doubts(&reading, &exposed, label, wanted);
        let gauge = |name: &str| exposed.value(name).filter(|value| value.is_finite());
        reading.in_flight = gauge("http_requests_in_flight").map(|n| n.max(0.0));
        reading.lag_s = gauge("event_loop_lag_worst_seconds");
        reading.resident_bytes = gauge("process_resident_memory_bytes");
        reading.cpu_s = gauge("process_cpu_seconds_total");
        Ok(reading)
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
            slice.scheduled = slice.scheduled.saturating_add(added);
            slice.sent = slice.sent.saturating_add(added);
            if is_failure(status) {
                let errors = slice.errors.entry(format!("http_{status}")).or_default();
                *errors = errors.saturating_add(added);
            } else {
                slice.ok = slice.ok.saturating_add(added);
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

/// A status as it is shown: the value of a label may be anything.
fn status(value: &str) -> String {
    let visible = visible(value);
    visible.chars().take(STATUS_CHARS_MAX).collect()
}

fn chosen(metric: &str, unit: Unit, label: Option<&str>) -> String {
    let unit = unit.as_str();
    match label {
        Some(label) => format!("reads {metric} in {unit}, failures by the label {label}"),
        None => format!("reads {metric} in {unit}"),
    }
}

fn doubts(reading: &Reading, exposed: &Exposition<'_>, label: Option<&str>, wanted: &Wanted) -> Vec<String> {
    let mut doubts = Vec::new();
    if label.is_none() {
        doubts.push(
            "it has no known label of status, so failures are not told apart; --status-label names one".to_owned(),
        );
    }
    if let Some(label) = &wanted.status_label
        && reading.counts.keys().all(String::is_empty)
    {
        doubts.push(format!("no request has the label {label} yet"));
    }
    let unknown: BTreeSet<&str> = reading
        .counts
        .keys()
        .map(String::as_str)
        .filter(|status| usual::meaning(status) == Meaning::Unknown)
        .take(UNKNOWN_SHOWN)
        .collect();
    if !unknown.is_empty() {
        let unknown: Vec<&str> = unknown.into_iter().collect();
        doubts.push(format!(
            "it is not known whether these statuses are failures, and they count as answered: {}",
            unknown.join(", ")
        ));
    }
    if let Some((count, first)) = exposed.unread {
        doubts.push(format!(
            "{count} lines of its metrics cannot be read, the first is line {first}"
        ));
    }
    doubts
}

/// The upper bound of a bucket, microseconds; the last has none, which is told as the greatest number. Nothing takes no
/// time, so a bucket up to 0 is none.
///
/// # Errors
/// The label, as it may be shown, where it is no duration.
fn bound_us(le: Option<&str>, unit: Unit) -> Result<Option<u64>, String> {
    let le = le.unwrap_or_default();
    let bound: f64 = le.parse().unwrap_or(f64::NAN);
    if bound == f64::INFINITY {
        return Ok(Some(u64::MAX));
    }
    let bound_us = bound * unit.microseconds();
    if bound_us.is_nan() || bound_us < 0.0 {
        return Err(status(le));
    }
    Ok((bound_us > 0.0).then(|| bound_us.min(BOUND_US_MAX) as u64))
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
    added.clamp(0.0, ADDED_MAX) as u64
}

fn is_failure(status: &str) -> bool {
    usual::meaning(status) == Meaning::Failed
}

fn histograms<'a>(all: &'a [Sample<'a>]) -> BTreeSet<&'a str> {
    all.iter()
        .filter(|sample| sample.label("le").is_some())
        .filter_map(|sample| sample.name.strip_suffix("_bucket"))
        .collect()
}

fn missing(metric: Option<&str>, histograms: &BTreeSet<&str>, exposed: &Exposition<'_>) -> String {
    let there = if exposed.samples.is_empty() {
        "what it answers holds no metrics".to_owned()
    } else if histograms.is_empty() {
        "it has no histogram at all".to_owned()
    } else {
        let names: Vec<&str> = histograms.iter().copied().collect();
        format!("its histograms are {}; choose one by --metric", names.join(", "))
    };
    match metric {
        Some(metric) => format!("there is no histogram {metric}: {there}"),
        None => format!("there is no histogram of request durations by a usual name: {there}"),
    }
}

#[cfg(test)]
mod tests;
