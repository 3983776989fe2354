//! Recordings of earlier versions of the events still replay and report.

use std::path::Path;

use history::{ActionKind, EventKind as Drawn};
use scenarios::checks;
use scenarios::event::EVENT_VERSION;
use scenarios::state::{RoundState, RunState};
use scenarios::summary::RunSummary;
use scenarios::verdict::CheckOutcome;

use super::Recording;
use crate::report::{self, Material};

/// A recording of version 1, when an action was told in words alone.
fn old(name: &str) -> Recording {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/tests/recordings");
    Recording::read(&folders.join(name)).unwrap()
}

fn round(state: &RunState) -> &RoundState {
    &state.arms[0].rounds[0]
}

#[test]
fn what_was_recorded_is_reported_as_it_is_now() {
    for name in ["faults", "broken", "again"] {
        let recording = old(name);
        let state = RunState::of(&recording.events);
        let summary = RunSummary::of(&state);
        let material = Material {
            lesson: recording.lesson(&summary),
            command: format!("lab run {name}"),
            summary,
        };
        insta::assert_snapshot!(
            format!("{name}.md"),
            report::render(report::format_named("md"), &material).unwrap()
        );
        insta::assert_snapshot!(
            format!("{name}.json"),
            report::render(report::format_named("json"), &material).unwrap()
        );
    }
}

/// The same check, of whose reason only this is kept: that there is one. Its words may be put better.
fn without_reason(check: &CheckOutcome) -> CheckOutcome {
    CheckOutcome {
        why: if check.why.is_empty() { "" } else { "a reason" }.to_owned(),
        ..check.clone()
    }
}

/// The values of these checks are counts, which no draw of the bootstrap changes. A check with an interval could not be
/// compared so, since its ends depend on how many draws there are, and in which order random numbers are taken.
#[test]
fn what_was_recorded_is_decided_as_it_was() {
    for name in ["faults", "broken", "again"] {
        let state = RunState::of(&old(name).events);
        let info = state.info.as_ref().unwrap();
        assert_eq!(info.version, EVENT_VERSION, "what goes on from here is told as today");
        assert!(state.checks.iter().all(|check| check.interval.is_none()), "{name}");
        let decided = checks::decide(&info.plan, &state);
        let kept = |checks: &[CheckOutcome]| checks.iter().map(without_reason).collect::<Vec<_>>();
        assert_eq!(kept(&decided), kept(&state.checks), "{name}");
    }
}

#[test]
fn an_action_told_in_words_is_the_planned_one_that_they_are_of() {
    for name in ["faults", "broken", "again"] {
        let state = RunState::of(&old(name).events);
        let planned = &state.info.as_ref().unwrap().plan.arms[0].actions;
        let acted = &round(&state).actions;
        let numbers: Vec<Option<usize>> = acted.iter().map(|acted| acted.number).collect();
        assert_eq!(numbers, (0..planned.len()).map(Some).collect::<Vec<_>>(), "{name}");
        let done = acted.iter().filter_map(|acted| acted.command.action());
        assert!(done.eq(planned), "{name}");
    }
}

#[test]
fn a_mark_in_a_picture_is_that_of_what_was_done() {
    let state = RunState::of(&old("broken").events);
    let diagram = round(&state).judged[0].diagram.as_ref().unwrap();
    let marks = diagram.events.iter().filter_map(|event| match event.kind {
        Drawn::Action(kind) => Some((kind, event.label.as_str())),
        _ => None,
    });
    let expected = [
        (ActionKind::Pause, "pause inventory-1"),
        (ActionKind::Resume, "resume inventory-1"),
        (ActionKind::Kill, "kill inventory-1"),
    ];
    assert!(marks.eq(expected));
}
