//! Metrics, in the text format of Prometheus.

use std::sync::OnceLock;
use std::time::SystemTime;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use rustix::time::{ClockId, clock_gettime};

use crate::exposition;

/// Media type of what [`render`] gives.
pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the duration histograms, in seconds: from a tenth of a millisecond to a minute, about three a decade.
const DURATION_BUCKETS_S: [f64; 18] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

struct Installed {
    handle: PrometheusHandle,
    started_s: f64,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Makes this process record metrics; further calls do nothing.
///
/// If the process has another recorder already, that one keeps being used and [`render`] shows the process metrics only.
pub fn install() {
    INSTALLED.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS_S)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        let _ = metrics::set_global_recorder(recorder);
        describe();
        let started_s = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        Installed { handle, started_s }
    });
}

fn describe() {
    metrics::describe_counter!(
        "http_requests_total",
        "Requests that were answered; those whose client left before have the status 499."
    );
    metrics::describe_histogram!(
        "http_request_duration_seconds",
        "From the request's head to the answer's head, or until the client left."
    );
    metrics::describe_gauge!(
        "http_requests_in_flight",
        "Requests that are being answered, without those for metrics."
    );
    metrics::describe_gauge!(
        "event_loop_lag_seconds",
        "How late the event loop ran the last timer that was due."
    );
    metrics::describe_gauge!(
        "event_loop_lag_worst_seconds",
        "The longest lag of the event loop in about the last second."
    );
    metrics::describe_histogram!(
        "event_loop_lag_distribution_seconds",
        "How late the event loop ran its timers: one every 20 ms, set with a resolution of 1 ms."
    );
}

/// All metrics of this process as Prometheus text.
#[must_use]
pub fn render() -> String {
    let Some(installed) = INSTALLED.get() else {
        return String::new();
    };
    let mut text = installed.handle.render();
    crate::seconds::render(&mut text);
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu_s = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    for (name, kind, help, value) in [
        (
            "process_start_time_seconds",
            "gauge",
            "When the process started, seconds since 1970.",
            Some(installed.started_s),
        ),
        (
            "process_cpu_seconds_total",
            "counter",
            "Processor time that the process used.",
            Some(cpu_s),
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            "Memory of the process that is in RAM.",
            resident_bytes(),
        ),
    ] {
        if let Some(value) = value {
            exposition::head(&mut text, name, kind, help);
            exposition::value(&mut text, name, "", value);
        }
    }
    text
}

/// All metrics of this process, and those that `now` records. They are of this moment only: a series that `now` does not record the
/// next time is gone then, where a recorder that lives as long as the process would show its last value for ever.
#[must_use]
pub fn render_with(now: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, now);
    let mut text = render();
    text.push_str(&recorder.handle().render());
    text
}

/// Lets go of single observations that are already counted in histogram buckets. To be called every few seconds.
pub(crate) fn upkeep() {
    if let Some(installed) = INSTALLED.get() {
        installed.handle.run_upkeep();
    }
}

/// Linux only; elsewhere the metric is absent.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn shows_recorded_values_and_the_process() {
        super::install();
        super::install();
        metrics::counter!("test_total").increment(3);
        metrics::histogram!("test_duration_seconds").record(0.02);
        let text = super::render();
        for expected in [
            "test_total 3",
            "test_duration_seconds_bucket{le=\"0.025\"} 1",
            "test_duration_seconds_bucket{le=\"0.01\"} 0",
            "process_start_time_seconds ",
            "process_cpu_seconds_total ",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing in\n{text}");
        }
        #[cfg(target_os = "linux")]
        assert!(text.contains("process_resident_memory_bytes "));
    }

    #[test]
    fn what_is_of_the_moment_is_gone_with_it() {
        let shown =
            |member: &'static str| super::render_with(|| metrics::gauge!("of_now", "member" => member).set(1.0));
        assert!(shown("old").contains("of_now{member=\"old\"} 1"));
        let text = shown("new");
        assert!(
            text.contains("of_now{member=\"new\"} 1") && !text.contains("old"),
            "{text}"
        );
    }
}
