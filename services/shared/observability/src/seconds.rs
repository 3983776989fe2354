//! Counters of time. Prometheus counts time in seconds, and the counters of the recorder hold whole numbers only.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::exposition;

/// A counter of seconds, shown with the other metrics of this process.
#[derive(Debug, Clone)]
pub struct SecondsTotal {
    total_ns: Arc<AtomicU64>,
}

struct Series {
    name: &'static str,
    help: &'static str,
    /// In braces, or nothing.
    labels: String,
    counter: SecondsTotal,
}

/// Series of one name stand beside one another.
static SERIES: Mutex<Vec<Series>> = Mutex::new(Vec::new());

impl SecondsTotal {
    /// The counter of this name, without labels. It is shown from now on.
    #[must_use]
    pub fn register(name: &'static str, help: &'static str) -> Self {
        Self::series(name, help, String::new())
    }

    /// The counter of this name with one label, whose value needs no escaping. It is shown from now on.
    #[must_use]
    pub fn register_with(name: &'static str, help: &'static str, label: &str, value: &str) -> Self {
        Self::series(name, help, format!("{{{label}=\"{value}\"}}"))
    }

    fn series(name: &'static str, help: &'static str, labels: String) -> Self {
        let mut all = SERIES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.iter().find(|series| series.name == name && series.labels == labels) {
            return found.counter.clone();
        }
        let counter = Self {
            total_ns: Arc::default(),
        };
        let after_its_name = all.iter().rposition(|series| series.name == name);
        let place = after_its_name.map_or(all.len(), |last| last + 1);
        let series = Series {
            name,
            help,
            labels,
            counter: counter.clone(),
        };
        all.insert(place, series);
        counter
    }

    /// Adds to it. It is full after 584 years.
    pub fn add(&self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.total_ns.fetch_add(time_ns, Relaxed);
    }
}

/// Appends all counters of seconds.
pub(crate) fn render(text: &mut String) {
    let all = SERIES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut before = "";
    for Series {
        name,
        help,
        labels,
        counter,
    } in &*all
    {
        if *name != before {
            exposition::head(text, name, "counter", help);
            before = name;
        }
        exposition::value(text, name, labels, counter.total_ns.load(Relaxed) as f64 / 1e9);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_registered_once_and_shown_below_one_head() {
        let with = |value| SecondsTotal::register_with("test_time_seconds_total", "Time.", "result", value);
        let (useful, other) = (
            with("useful"),
            SecondsTotal::register("test_other_seconds_total", "Other."),
        );
        with("wasted").add(Duration::from_millis(2));
        useful.add(Duration::from_millis(250));
        with("useful").add(Duration::from_secs(1));
        other.add(Duration::ZERO);
        let mut text = String::new();
        render(&mut text);
        let shown = "# HELP test_time_seconds_total Time.\n# TYPE test_time_seconds_total counter\n\
            test_time_seconds_total{result=\"useful\"} 1.25\ntest_time_seconds_total{result=\"wasted\"} 0.002\n";
        assert!(text.contains(shown), "{text}");
        assert!(text.contains("\ntest_other_seconds_total 0\n"), "{text}");
    }
}
