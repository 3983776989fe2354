//! Every format of runs that were cut short anywhere.

use scenarios::event::{EventKind, RunEvent};
use scenarios::prometheus::Exposition;
use scenarios::state::RunState;
use scenarios::verdict::Verdict;

use super::fixture::{comparison, folded, history, material, search};
use super::{FORMATS, escape, render};

/// The fixtures cut after every event that changes what is known, and with an end put on.
pub(super) fn cut_short() -> Vec<RunState> {
    let mut states = vec![RunState::default()];
    for events in [comparison(), search(), history()] {
        let interesting = |event: &RunEvent| !matches!(event.kind, EventKind::Sample(_));
        let cuts: Vec<usize> = (0..events.len()).filter(|at| interesting(&events[*at])).collect();
        for at in cuts.iter().step_by(5).chain(cuts.last()) {
            states.push(folded(&events[..=*at]));
        }
    }
    let failure = Some("no free port <1>".to_owned());
    let mut failed = comparison()[..3].to_vec();
    let verdict = Verdict::Inconclusive;
    failed.push(RunEvent {
        seq: 3,
        elapsed_ms: 9,
        kind: EventKind::RunEnded {
            verdict,
            interrupted: false,
            failure,
            fault: None,
        },
    });
    states.push(folded(&failed));
    states
}

#[test]
fn every_unfinished_run_has_every_report() {
    for state in cut_short() {
        for format in FORMATS {
            let text = render(format, &material(&state)).unwrap();
            assert_says_what_is_known(format.name, &text, &state);
        }
    }
}

/// Every format has the checks that were decided, and says of a run without an end that it has none.
fn assert_says_what_is_known(format: &str, text: &str, state: &RunState) {
    match format {
        "html" => of_page(text, state),
        "md" => of_markdown(text, state),
        "json" => of_json(text, state),
        "csv" => of_table(text),
        "hgrm" => assert!(text.starts_with("#["), "{text}"),
        "junit" => of_junit(text, state),
        "openmetrics" => of_metrics(text, state),
        "github" => of_annotations(text, state),
        other => panic!("say here what {other} has of a run that was cut short"),
    }
}

/// Why the run failed, if it did.
fn failure(state: &RunState) -> Option<&str> {
    state.ended.as_ref()?.failure.as_deref()
}

fn of_page(html: &str, state: &RunState) {
    assert_well_formed(html);
    assert_eq!(state.ended.is_none(), html.contains("<strong>UNFINISHED</strong>"));
    assert!(failure(state).is_none_or(|failure| html.contains(&escape::markup(failure))));
}

fn of_markdown(markdown: &str, state: &RunState) {
    for check in &state.checks {
        assert!(markdown.contains(&escape::markdown(&check.name)), "{markdown}");
    }
    let title = markdown.lines().next().unwrap();
    assert_eq!(state.ended.is_none(), title.ends_with(": UNFINISHED"), "{markdown}");
}

fn of_json(json: &str, state: &RunState) {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["checks"].as_array().unwrap().len(), state.checks.len());
    let says_a_gap = !json["not_measured"].as_array().unwrap().is_empty();
    assert!(state.ended.is_some() || says_a_gap, "{json}");
    assert!(failure(state).is_none_or(|failure| json["failure"] == failure));
}

fn of_table(csv: &str) {
    let mut widths = csv.lines().map(cells);
    let head = widths.next().unwrap();
    assert!(widths.all(|width| width == head), "{csv}");
}

fn of_junit(junit: &str, state: &RunState) {
    assert_well_formed(junit);
    for check in &state.checks {
        assert!(junit.contains(&escape::markup(&check.name)), "{junit}");
    }
    let says_so = ["The run has no end", "has no start of a run"]
        .iter()
        .any(|words| junit.contains(words));
    assert_eq!(state.ended.is_none(), says_so, "{junit}");
    assert!(failure(state).is_none_or(|failure| junit.contains(&escape::markup(failure))));
}

/// One line for the outcome, and one for each check that did not pass.
fn of_annotations(lines: &str, state: &RunState) {
    let open = state.checks.iter().filter(|check| check.verdict != Verdict::Pass);
    assert_eq!(lines.lines().count(), 1 + open.count(), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with("::")), "{lines}");
    let outcome = lines.lines().next().unwrap();
    assert_eq!(state.ended.is_none(), outcome.contains("%3A UNFINISHED::"), "{lines}");
    assert!(
        failure(state).is_none_or(|failure| outcome.contains(failure)),
        "{lines}"
    );
}

/// Each check has one sample a verdict, and a run without an end did not pass.
fn of_metrics(metrics: &str, state: &RunState) {
    let read = Exposition::read(metrics);
    assert_eq!(read.unread, None, "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let chosen = |name: &str| {
        let samples = read.samples.iter().filter(|sample| sample.name == name);
        let chosen = samples.filter(|sample| sample.value > 0.0);
        let mut verdicts: Vec<&str> = chosen.filter_map(|sample| sample.label("verdict")).collect();
        verdicts.sort_unstable();
        verdicts
    };
    let mut verdicts: Vec<&str> = state.checks.iter().map(|check| check.verdict.as_str()).collect();
    verdicts.sort_unstable();
    assert_eq!(chosen("lab_check_verdict"), verdicts, "{metrics}");
    if state.ended.is_none() {
        let undecided = Verdict::Inconclusive.as_str();
        assert_eq!(chosen("lab_run_verdict"), [undecided], "{metrics}");
    }
}

/// Cells of a row, of which some are in quotation marks.
fn cells(row: &str) -> usize {
    let mut quoted = false;
    let ends_cell = |char: char| {
        quoted ^= char == '"';
        char == ',' && !quoted
    };
    row.split(ends_cell).count()
}

/// Elements that have no end.
const VOID: [&str; 6] = ["meta", "br", "hr", "!doctype", "?xml", "input"];

/// Every tag that begins also ends, in order; nothing from data opened one.
pub(super) fn assert_well_formed(markup: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("a tag that ends") + at;
        let tag = &rest[at + 1..end];
        let name = |tag: &str| tag.split([' ', '\n', '/']).next().unwrap_or_default().to_lowercase();
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(name(closing).as_str()),
                "before {}",
                &rest[at..end + 1]
            );
        } else if !tag.ends_with('/') && !VOID.contains(&name(tag).as_str()) {
            open.push(name(tag));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}
