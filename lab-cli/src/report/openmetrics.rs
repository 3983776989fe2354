//! OpenMetrics text (the specification of 2020, version 1.0.0): the verdict and the figures of a run as metrics, for a
//! Pushgateway, a node exporter's textfile collector, or the metrics report of a pipeline.

use std::collections::BTreeMap;
use std::fmt::Write;

use scenarios::summary::{ArmSummary, Latencies, RunSummary};
use scenarios::verdict::Verdict;

use super::format::FormatEntry;

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "openmetrics",
    about: "The verdict and the figures as metrics, for Prometheus or a pipeline",
    file: "report.om",
    is_page: false,
    render: |material| Ok(render(&material.summary)),
};

/// Samples of one metric.
struct Family {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    samples: Vec<(Labels, f64)>,
}

type Labels = Vec<(&'static str, String)>;

/// The document. What was not measured has no sample.
fn render(summary: &RunSummary<'_>) -> String {
    let scenario = summary.plan().map_or("unknown", |plan| plan.scenario.as_str());
    let mut text = String::new();
    for family in checks(summary).into_iter().chain(figures(&summary.arms)) {
        family.write(&mut text, scenario);
    }
    text.push_str("# EOF\n");
    text
}

impl Family {
    const fn new(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self {
            name,
            unit,
            help,
            samples: Vec::new(),
        }
    }

    fn sample(&mut self, labels: Labels, value: Option<f64>) {
        self.samples
            .extend(value.filter(|value| value.is_finite()).map(|value| (labels, value)));
    }

    /// A family without samples is left out: it would claim that there is something to see.
    fn write(&self, text: &mut String, scenario: &str) {
        if self.samples.is_empty() {
            return;
        }
        let (name, help) = (self.name, self.help);
        let _ = writeln!(text, "# TYPE {name} gauge");
        if !self.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {}", self.unit);
        }
        let _ = writeln!(text, "# HELP {name} {help}");
        for (labels, value) in &self.samples {
            let _ = write!(text, "{name}{{scenario=\"{}\"", escaped(scenario));
            for (label, of) in labels {
                let _ = write!(text, ",{label}=\"{}\"", escaped(of));
            }
            let _ = writeln!(text, "}} {value}");
        }
    }
}

/// The verdict, and that of each check: 1 for the one that it is, 0 for the others.
fn checks(summary: &RunSummary<'_>) -> [Family; 2] {
    let mut run = Family::new("lab_run_verdict", "", "1 for the verdict of the run, 0 for the others.");
    let mut check = Family::new(
        "lab_check_verdict",
        "",
        "1 for the verdict of the check, 0 for the others.",
    );
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive] {
        let is = |found: Verdict| Some(f64::from(u8::from(found == verdict)));
        let word = || ("verdict", verdict.as_str().to_owned());
        run.sample(vec![word()], is(summary.outcome.verdict()));
        // A name may stand at several checks; each has a place of its own.
        let mut seen = BTreeMap::<&str, u32>::new();
        for outcome in summary.checks {
            let place = seen.entry(&outcome.name).or_default();
            *place += 1;
            let labels = vec![("check", outcome.name.clone()), ("place", place.to_string()), word()];
            check.sample(labels, is(outcome.verdict));
        }
    }
    [run, check]
}

/// The figures of each arm and class of requests, over all rounds.
fn figures(arms: &[ArmSummary<'_>]) -> [Family; 4] {
    let mut response = Family::new(
        "lab_response_seconds",
        "seconds",
        "Latency from the intended start, of requests that succeeded.",
    );
    let mut rate = Family::new("lab_rate_per_second", "", "Successful answers per second of load.");
    let mut errors = Family::new("lab_error_ratio", "ratio", "Share of the requests that failed.");
    let mut highest = Family::new(
        "lab_highest_rate_per_second",
        "",
        "Highest rate that kept the objective, as the search found it.",
    );
    for arm in arms {
        let of = |class: &str| vec![("arm", arm.plan.name.clone()), ("class", class.to_owned())];
        for class in &arm.classes {
            let figures = &class.whole.figures;
            for (quantile, latency_ms) in quantiles(&figures.response) {
                let mut labels = of(&class.name);
                labels.push(("quantile", quantile.to_owned()));
                response.sample(labels, latency_ms.map(|latency_ms| latency_ms / 1000.0));
            }
            rate.sample(of(&class.name), figures.rate_per_s);
            errors.sample(of(&class.name), figures.error_share);
        }
        for search in &arm.searches {
            highest.sample(of(&search.plan.class), search.found.max_rate_per_s);
        }
    }
    [response, rate, errors, highest]
}

fn quantiles(latencies: &Latencies) -> [(&'static str, Option<f64>); 5] {
    [
        ("0.5", latencies.p50),
        ("0.9", latencies.p90),
        ("0.99", latencies.p99),
        ("0.999", latencies.p99_9),
        ("1", latencies.max),
    ]
}

/// A label's value as the format writes it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use scenarios::prometheus::Exposition;

    use super::*;
    use crate::report::fixture::{comparison, folded, material};

    #[test]
    fn what_is_written_is_read_back_as_the_summary_has_it() {
        let state = folded(&comparison());
        let material = material(&state);
        let text = render(&material.summary);
        let read = Exposition::read(&text);
        assert_eq!(read.unread, None, "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        for arm in &material.summary.arms {
            for class in &arm.classes {
                let p99 = read.samples.iter().find(|sample| {
                    let has = |label, value: &str| sample.label(label) == Some(value);
                    sample.name == "lab_response_seconds"
                        && has("arm", &arm.plan.name)
                        && has("class", &class.name)
                        && has("quantile", "0.99")
                });
                let expected = class.whole.figures.response.p99.map(|ms| ms / 1000.0);
                assert_eq!(p99.map(|sample| sample.value), expected, "{text}");
            }
        }
        let of_run = read.samples.iter().filter(|sample| sample.name == "lab_run_verdict");
        let of_run: Vec<_> = of_run.filter(|sample| sample.value > 0.0).collect();
        let verdict = material.summary.outcome.verdict().as_str();
        assert_eq!(of_run.len(), 1, "{text}");
        assert_eq!(of_run[0].label("verdict"), Some(verdict));
    }
}
