//! Annotations of GitHub Actions: workflow commands that stand beside a pull request
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>).
//!
//! A step shows at most ten errors, ten warnings and ten notices, so a check that passed has none of its own.

use std::fmt::Write;

use scenarios::summary::RunSummary;
use scenarios::verdict::Verdict;

use super::format::FormatEntry;
use crate::text::visible;

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "github",
    about: "Annotations of GitHub Actions: the outcome, and each check that did not pass",
    file: "report.github",
    is_page: false,
    render: |material| Ok(render(&material.summary)),
};

/// The outcome first, then each check that did not pass.
fn render(summary: &RunSummary<'_>) -> String {
    let scenario = summary.plan().map_or("unknown", |plan| plan.scenario.as_str());
    let title = format!("lab run {scenario}: {}", summary.outcome.word());
    let mut text = String::new();
    command(&mut text, summary.outcome.verdict(), &title, &summary.sentence);
    for check in summary.checks.iter().filter(|check| check.verdict != Verdict::Pass) {
        let message = format!(
            "{}: expected {}, measured {}",
            check.why, check.expected, check.measured
        );
        command(&mut text, check.verdict, &check.name, &message);
    }
    text
}

fn command(text: &mut String, verdict: Verdict, title: &str, message: &str) {
    let level = match verdict {
        Verdict::Pass => "notice",
        Verdict::Inconclusive => "warning",
        Verdict::Fail => "error",
    };
    let title = escaped(title).replace(':', "%3A").replace(',', "%2C");
    let _ = writeln!(text, "::{level} title={title}::{}", escaped(message));
}

/// A text as commands write it: in one line.
fn escaped(text: &str) -> String {
    let text = visible(text);
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[test]
fn what_would_end_a_line_or_a_title_is_written_out() {
    let mut text = String::new();
    command(&mut text, Verdict::Fail, "50 %: a, b", "one\ntwo: three");
    assert_eq!(text, "::error title=50 %25%3A a%2C b::one%0Atwo: three\n");
}
