//! Doubt beats verdict, over the whole catalogue: whenever something disturbed an arm, no check that rests on it is decided,
//! and the other checks are as they were.
//!
//! Nothing is run. Each scenario's plan gets a made-up stream of events in which everything was measured, and then the same
//! stream with one disturbance in one arm.

mod invented;

use invented::{Invented, Kind};
use scenarios::catalog;
use scenarios::checks;
use scenarios::compare::{self, Compared, Finding};
use scenarios::event::{EventKind, RunEvent};
use scenarios::guess::Guess;
use scenarios::plan::{Options, Plan};
use scenarios::state::RunState;
use scenarios::summary::RunSummary;
use scenarios::verdict::{CheckOutcome, Verdict};

/// Made-up measurements of each scenario: enough for most checks to be decided in one of them.
const SEEDS: u64 = 4;

fn plan(name: &str) -> Plan {
    let scenario = catalog::scenario(name).unwrap();
    let options = Options {
        cores: 2,
        quick: true,
        ..Options::default()
    };
    Plan::make(&scenario, &options).unwrap()
}

/// The scenario's own checks, decided.
fn decided(plan: &Plan, invented: &Invented) -> Vec<CheckOutcome> {
    let outcomes = checks::decide(plan, &RunState::of(&invented.events(plan)));
    let own = |outcome: &CheckOutcome| plan.checks.iter().any(|check| check.name == outcome.name);
    outcomes.into_iter().filter(own).collect()
}

/// Whether a check's expression names an arm, told by its text alone.
fn names(expression: &str, arm: &str) -> bool {
    let is_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let text = expression.as_bytes();
    expression.match_indices(arm).any(|(at, _)| {
        let (before, after) = (at.checked_sub(1).and_then(|at| text.get(at)), text.get(at + arm.len()));
        !is_word(before) && matches!(after, Some(b'.' | b'['))
    })
}

/// The made-up measurement of which most checks are decided.
fn most_decided(plan: &Plan) -> (u64, Vec<CheckOutcome>) {
    let all = (0..SEEDS).map(|seed| (seed, decided(plan, &Invented::well(seed))));
    let is_decided = |outcome: &&CheckOutcome| outcome.verdict != Verdict::Inconclusive;
    all.max_by_key(|(_, outcomes)| outcomes.iter().filter(is_decided).count())
        .unwrap()
}

#[test]
fn no_check_that_rests_on_a_disturbed_arm_is_decided() {
    let (mut tried, mut taken) = (0, 0);
    for (number, name) in catalog::names().into_iter().enumerate() {
        let plan = plan(name);
        let (seed, well) = most_decided(&plan);
        for arm in 0..plan.arms.len() {
            // Every kind somewhere, and three in each arm: deciding takes its time.
            let kinds = Kind::ALL.into_iter().enumerate();
            let of_this_arm =
                kinds.filter(|(index, kind)| (index + arm + number).is_multiple_of(5) && kind.can_befall(&plan, arm));
            for (_, kind) in of_this_arm {
                let disturbed = decided(&plan, &Invented::disturbed(seed, kind, arm));
                for ((check, before), after) in plan.checks.iter().zip(&well).zip(disturbed) {
                    let context = format!("{name}, {kind:?} in {}: {}", plan.arms[arm].name, check.name);
                    if names(&check.value, &plan.arms[arm].name) {
                        tried += 1;
                        taken += usize::from(before.verdict != Verdict::Inconclusive);
                        assert_eq!(after.verdict, Verdict::Inconclusive, "{context}: {}", after.measured);
                        assert!(!after.why.is_empty(), "{context}");
                    } else if plan.arms.iter().any(|arm| names(&check.value, &arm.name)) {
                        assert_eq!(after.verdict, before.verdict, "{context}: {}", after.why);
                    }
                }
            }
        }
    }
    // A law that nothing could break would hold as well.
    assert!(taken * 2 > tried, "{taken} of {tried} were decided before");
}

#[test]
fn most_checks_of_the_catalogue_are_decided_where_nothing_disturbs() {
    let (mut all, mut passed, mut failed) = (0, 0, 0);
    for name in catalog::names() {
        let plan = plan(name);
        let outcomes: Vec<Vec<CheckOutcome>> = (0..SEEDS).map(|seed| decided(&plan, &Invented::well(seed))).collect();
        for check in 0..plan.checks.len() {
            let came = |verdict| outcomes.iter().any(|outcomes| outcomes[check].verdict == verdict);
            all += 1;
            passed += usize::from(came(Verdict::Pass));
            failed += usize::from(came(Verdict::Fail));
        }
    }
    assert!(
        passed * 4 > all && failed * 4 > all,
        "{passed} passed and {failed} failed of {all}"
    );
}

#[test]
fn what_happens_before_or_after_the_measurement_leaves_it_as_it_was() {
    for name in ["scaling", "cpu-blocking", "race-condition"] {
        let plan = plan(name);
        let well = decided(&plan, &Invented::well(0));
        for outside in [Invented::while_starting(0, 0), Invented::while_stopping(0, 0)] {
            let verdicts = |outcomes: &[CheckOutcome]| outcomes.iter().map(|o| o.verdict).collect::<Vec<_>>();
            assert_eq!(verdicts(&well), verdicts(&decided(&plan, &outside)), "{name}");
        }
    }
}

#[test]
fn where_nothing_was_measured_nothing_is_decided() {
    for name in catalog::names() {
        let mut plan = plan(name);
        // What is simulated needs no system, and is no measurement.
        plan.checks.retain(|check| !check.value.contains("simulated"));
        for outcome in decided(&plan, &Invented::empty()) {
            assert_eq!(
                outcome.verdict,
                Verdict::Inconclusive,
                "{name}: {}: {}",
                outcome.name,
                outcome.measured
            );
            assert_eq!(outcome.value, None, "{name}: {}", outcome.name);
        }
    }
}

#[test]
fn a_disturbed_measurement_proves_no_guess_and_no_difference() {
    let plan = plan("cpu-blocking");
    let guessed = |invented: Invented| {
        let mut events = invented.events(&plan);
        let guess = EventKind::Guessed {
            guess: Guess::Choice(0),
        };
        events.insert(
            1,
            RunEvent {
                kind: guess,
                ..events[0].clone()
            },
        );
        RunState::of(&events)
    };
    let well = guessed(Invented::well(0));
    let disturbed = guessed(Invented::disturbed(0, Kind::LabStops, 0));
    let outcome = |state: &RunState| RunSummary::of(state).guess.unwrap();
    assert!(outcome(&well).was.is_some());
    // Whatever the question names, one stop in each arm leaves nothing of it.
    let all = (0..plan.arms.len()).map(|arm| guessed(Invented::disturbed(0, Kind::LabStops, arm)));
    assert!(all.into_iter().any(|state| outcome(&state).was.is_none()));
    let compared = |first, second| {
        let run = |state| Compared { plan: &plan, state };
        compare::differences(run(first), run(second))
    };
    let first_arm = &plan.arms[0].name;
    let of_first_arm = |difference: &&compare::Difference| difference.arm == *first_arm;
    let same = compared(&well, &well);
    assert!(
        same.iter()
            .filter(of_first_arm)
            .any(|found| found.finding == Finding::Same)
    );
    let doubted = compared(&well, &disturbed);
    assert!(
        doubted
            .iter()
            .filter(of_first_arm)
            .all(|found| found.finding == Finding::Unclear)
    );
}
