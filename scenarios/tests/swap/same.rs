//! Swapping what was measured is swapping and measuring: over the whole catalogue, a run whose arms change places afterwards
//! is judged like one that was begun with the arms in each other's places.
//!
//! Nothing is run. The second run is made of the events of the first: whatever a turn measured of an arm, it measures of the
//! same arm where that arm now stands, in the order in which the exchanged plan takes the arms.

use proptest::test_runner::{Config, TestRunner};
use scenarios::action::Command;
use scenarios::catalog;
use scenarios::checks;
use scenarios::event::{EventKind, RunEvent};
use scenarios::plan::{ArmPlan, Options, Plan};
use scenarios::state::RunState;
use scenarios::swap::arranged;
use scenarios::verdict::CheckOutcome;

use super::invented::{Invented, Kind};

/// The plan of a run that is held to the swap law.
fn plan(name: &str) -> Plan {
    let options = Options {
        cores: 2,
        quick: true,
        every_arm: true,
        ..Options::default()
    };
    Plan::make(&catalog::scenario(name).unwrap(), &options).unwrap()
}

/// The plan in which two arms were exchanged before anything was measured: everything but what they are called and whether their
/// place is that of a fault.
fn exchanged_before(plan: &Plan, one: usize, other: usize) -> Plan {
    let mut exchanged = plan.clone();
    exchanged.arms.swap(one, other);
    for arm in [one, other] {
        let ArmPlan {
            name, label, stands_in, ..
        } = &plan.arms[arm];
        exchanged.arms[arm].name.clone_from(name);
        exchanged.arms[arm].label.clone_from(label);
        exchanged.arms[arm].stands_in.clone_from(stands_in);
    }
    exchanged
}

/// The events of one turn, without its start.
fn of_turn(events: &[RunEvent], turn: usize) -> &[RunEvent] {
    let starts = |event: &RunEvent| matches!(event.kind, EventKind::TurnStarted { turn: one } if one == turn);
    let from = events.iter().position(starts).unwrap() + 1;
    let to = events[from..]
        .iter()
        .position(|event| event.kind == EventKind::TurnEnded)
        .unwrap();
    &events[from..=from + to]
}

/// What the exchanged plan would have measured, had every arm behaved as it did.
fn measured_again(plan: &Plan, exchanged: &Plan, events: &[RunEvent], one: usize, other: usize) -> Vec<RunEvent> {
    let mut started = events[0].clone();
    if let EventKind::RunStarted(info) = &mut started.kind {
        info.plan = exchanged.clone();
    }
    let mut again = vec![started];
    let mut now_ms = 0;
    for (turn, planned) in exchanged.turns.iter().enumerate() {
        let stands = match planned.arm {
            arm if arm == one => other,
            arm if arm == other => one,
            arm => arm,
        };
        let same = plan
            .turns
            .iter()
            .position(|turn| turn.arm == stands && turn.round == planned.round);
        let of_arm = of_turn(events, same.unwrap());
        let begins_ms = of_arm[0].elapsed_ms;
        let later = |ms: u64| ms - begins_ms + now_ms;
        again.push(RunEvent {
            seq: again.len() as u64,
            elapsed_ms: now_ms,
            kind: EventKind::TurnStarted { turn },
        });
        for event in of_arm {
            let mut kind = event.kind.clone();
            if let EventKind::Disturbance(disturbance) = &mut kind {
                disturbance.began_ms = later(disturbance.began_ms);
                disturbance.turn = Some(turn);
            }
            again.push(RunEvent {
                seq: again.len() as u64,
                elapsed_ms: later(event.elapsed_ms),
                kind,
            });
        }
        now_ms = again.last().unwrap().elapsed_ms + 60_000;
    }
    again
}

/// Everything that was decided, without the moment of a disturbance: that moves with the turn in which it happened.
fn decided(plan: &Plan, state: &RunState) -> Vec<CheckOutcome> {
    let mut outcomes = checks::decide(plan, state);
    for outcome in &mut outcomes {
        let parts = outcome
            .why
            .split(", ")
            .filter(|part| !part.ends_with(" s into the run"));
        outcome.why = parts.collect::<Vec<_>>().join(", ");
    }
    outcomes
}

#[test]
fn a_run_swapped_afterwards_is_judged_like_one_that_was_swapped_before() {
    let names = catalog::names();
    let any = (
        0..names.len(),
        0..64_usize,
        0..64_usize,
        0..1_000_u64,
        0..Kind::ALL.len() + 4,
    );
    let mut runner = TestRunner::new(Config::with_cases(48));
    let outcome = runner.run(&any, |(scenario, one, step, seed, kind)| {
        let plan = plan(names[scenario]);
        let arms = plan.arms.len();
        let one = one % arms;
        let other = (one + 1 + step % (arms - 1)) % arms;
        let invented = match Kind::ALL.get(kind).filter(|kind| kind.can_befall(&plan, one)) {
            Some(kind) => Invented::disturbed(seed, *kind, one),
            None => Invented::well(seed),
        };
        let events = invented.events(&plan);
        let mut standing: Vec<usize> = (0..arms).collect();
        standing.swap(one, other);
        let (after_plan, after) = arranged(&plan, &RunState::of(&events), &standing);
        let before = exchanged_before(&plan, one, other);
        assert_eq!(after_plan.arms, before.arms);
        let again = RunState::of(&measured_again(&plan, &before, &events, one, other));
        assert_eq!(
            decided(&after_plan, &after),
            decided(&before, &again),
            "{}",
            names[scenario]
        );
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn arms_that_change_places_twice_stand_where_they_stood() {
    for name in catalog::names() {
        let plan = plan(name);
        let state = RunState::of(&Invented::well(1).events(&plan));
        let mut standing: Vec<usize> = (0..plan.arms.len()).collect();
        standing.swap(0, plan.arms.len() - 1);
        let (once_plan, once) = arranged(&plan, &state, &standing);
        assert_ne!(once.arms, state.arms, "{name}");
        let (twice_plan, twice) = arranged(&once_plan, &once, &standing);
        assert_eq!((twice_plan, twice.arms), (plan, state.arms), "{name}");
    }
}

#[test]
fn what_was_done_to_a_system_goes_with_it() {
    // Of the arms of this scenario only some are cut, so what was planned and what was done must stay together.
    let plan = plan("partition");
    let state = RunState::of(&Invented::well(1).events(&plan));
    let standing: Vec<usize> = (0..plan.arms.len()).rev().collect();
    let (moved, measured) = arranged(&plan, &state, &standing);
    for (arm, measured) in moved.arms.iter().zip(&measured.arms) {
        let done = measured.rounds[0].actions.iter().map(|acted| acted.command.clone());
        let planned = arm.actions.iter().cloned().map(Command::Act);
        assert_eq!(done.collect::<Vec<_>>(), planned.collect::<Vec<_>>(), "{}", arm.name);
    }
}
