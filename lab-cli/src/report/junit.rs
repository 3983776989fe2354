//! JUnit XML, as continuous integration reads it: one test case for each check.

use std::fmt::Write;

use scenarios::summary::{Outcome, RunSummary};
use scenarios::verdict::{CheckOutcome, Verdict};

use super::escape::markup;
use super::format::FormatEntry;

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "junit",
    about: "One test case for each check, for continuous integration",
    file: "report.xml",
    is_page: false,
    render: |material| Ok(render(&material.summary)),
};

/// The document. A check that was refuted is a failure; one that could not be decided is skipped; a run that could
/// not go on adds an error of its own.
pub(super) fn render(summary: &RunSummary<'_>) -> String {
    let state = summary.state;
    let (suite, started) = state.info.as_ref().map_or(("unknown", ""), |info| {
        (info.plan.scenario.as_str(), info.started.as_str())
    });
    let suite = markup(&format!("lab.{suite}"));
    let of = |verdict: Verdict| summary.checks.iter().filter(|check| check.verdict == verdict).count();
    let ending = ending(summary);
    let errors = usize::from(ending.as_ref().is_some_and(|(element, _)| *element == "error"));
    let skipped = of(Verdict::Inconclusive) + usize::from(ending.is_some()) - errors;
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{:.3}\"",
        summary.checks.len() + usize::from(ending.is_some()),
        of(Verdict::Fail),
        state.elapsed_ms as f64 / 1000.0
    );
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lab\" {totals}>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{suite}\" {totals} timestamp=\"{}\">",
        markup(started)
    );
    for check in summary.checks {
        case(&mut xml, &suite, check);
    }
    if let Some((element, message)) = ending {
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{suite}\" name=\"the run went on to its end\">\n      <{element} message=\"{}\"/>\n    </testcase>",
            markup(message)
        );
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Why the run is not complete, and the element that says so: `error` for a failure, `skipped` for the rest.
fn ending<'a>(summary: &'a RunSummary<'_>) -> Option<(&'static str, &'a str)> {
    let element = match summary.outcome {
        Outcome::Decided(_) => return None,
        Outcome::Stopped(_) => "error",
        Outcome::Unfinished | Outcome::Interrupted => "skipped",
    };
    Some((element, &summary.sentence))
}

fn case(xml: &mut String, suite: &str, check: &CheckOutcome) {
    let name = markup(&check.name);
    let detail = markup(&format!("expected {}, measured {}", check.expected, check.measured));
    let why = markup(&check.why);
    let _ = writeln!(xml, "    <testcase classname=\"{suite}\" name=\"{name}\">");
    let _ = match check.verdict {
        Verdict::Pass => writeln!(xml, "      <system-out>{detail}</system-out>"),
        Verdict::Fail => writeln!(xml, "      <failure message=\"{why}\">{detail}</failure>"),
        Verdict::Inconclusive => writeln!(xml, "      <skipped message=\"{why}; {detail}\"/>"),
    };
    xml.push_str("    </testcase>\n");
}
