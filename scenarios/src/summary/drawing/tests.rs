//! What is drawn by index is what a copy of the drawn parts would give.

use std::time::Duration;

use super::*;
use crate::action::{Acted, Command};
use crate::catalog;
use crate::plan::{Options, Plan};
use crate::state::{ArmState, ClassState, RoundState, RunState};

const SEED: u64 = 7;
const DRAWS: u64 = 40;
/// Slices of a round; each window has half of them, and only whole blocks.
const SLICES: u32 = 40;
const LOAD_S: f64 = 4.0;
/// Of the whole load and of two windows: 7 figures of each of three distributions, and 8 others.
const FIGURES: usize = 3 * (3 * 7 + 8);

/// A plan of one arm, in which nothing but a steady load happens, in two windows.
fn plan() -> Plan {
    let options = Options {
        cores: 2,
        ..Options::default()
    };
    let mut plan = Plan::make(&catalog::scenario("queueing-knee").unwrap(), &options).unwrap();
    plan.arms.truncate(1);
    let arm = &mut plan.arms[0];
    arm.loads.truncate(1);
    arm.actions.clear();
    arm.duration_s = LOAD_S;
    arm.windows = [("calm", 0.0, 2.0), ("storm", 2.0, LOAD_S)]
        .map(|(name, from_s, to_s)| WindowSpec {
            name: name.to_owned(),
            from_s,
            to_s,
        })
        .into();
    plan
}

/// A slice that no other slice of the run is like.
fn slice(round: u32, index: u32) -> Slice {
    let ok = 1 + u64::from((index * 7 + round) % 5);
    let mut slice = Slice {
        index,
        ok,
        slow: u64::from(index % 3 == round % 3),
        errors: BTreeMap::from([("http_503".to_owned(), u64::from(index % 4))]),
        ..Slice::default()
    };
    for failed in 0..u64::from(index % 4) {
        let us = u64::from(1 + index) * 310 + failed * 29;
        slice.failed.record(Duration::from_micros(us));
    }
    for request in 0..ok {
        let us = u64::from(1 + round) * 1_000 + u64::from(index) * 130 + request * 17;
        slice.response.record(Duration::from_micros(us));
        slice.service.record(Duration::from_micros(us / 2));
        slice.lateness.record(Duration::from_micros(us / 50));
    }
    slice
}

/// What a class measured that has these slices.
fn class(slices: BTreeMap<(u32, String), Slice>) -> ClassState {
    let mut total = Slice::default();
    slices.values().for_each(|slice| total.merge(slice));
    ClassState {
        scheduled: total.ok,
        sent: total.ok,
        total,
        slices,
        ..ClassState::default()
    }
}

fn state(plan: &Plan, rounds: u32) -> RunState {
    let round = |number| {
        let window = |index: u32| if index < SLICES / 2 { "calm" } else { "storm" }.to_owned();
        let slices = (0..SLICES).map(|index| ((index, window(index)), slice(number, index)));
        RoundState {
            round: number,
            load_s: LOAD_S,
            classes: BTreeMap::from([(plan.arms[0].loads[0].class.clone(), class(slices.collect()))]),
            ..RoundState::default()
        }
    };
    of_rounds((1..=rounds).map(round).collect())
}

fn of_rounds(rounds: Vec<RoundState>) -> RunState {
    let mut state = RunState::default();
    state.arms = vec![ArmState { rounds }];
    state
}

/// The value at a place.
fn at(scope: &Scope, place: &Path) -> Option<f64> {
    let first = scope.get(&place[0])?;
    place[1..]
        .iter()
        .try_fold(first, |value, field| value.get(field))?
        .as_f64()
}

/// Draws, and compares each draw with what is measured of its copy.
fn agrees_with_copies(plan: &Plan, state: &RunState, copy: impl Fn(&Parts, &[u64]) -> RunState) {
    let measured = Measured::of(plan, state);
    let arm = &measured.arms[0];
    let place = vec![arm.plan.name.clone(), arm.plan.loads[0].class.clone()];
    let drawn = draw(&measured, &measured.scope(), &BTreeSet::from([place]), DRAWS, SEED);
    assert_eq!(drawn.len(), FIGURES, "{:?}", drawn.keys());
    let parts = Parts::of(arm.plan, arm.rounds);
    let mut different = BTreeSet::new();
    for number in 0..DRAWS {
        let weights = Chance::of(&parts, SEED + number, 0).weights;
        let copied = copy(&parts, &weights);
        let scope = Measured::of(plan, &copied).scope();
        for (place, values) in &drawn {
            let (by_index, copied) = (values[number as usize], at(&scope, place));
            let agree = match (by_index, copied) {
                (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs(),
                (one, other) => one == other,
            };
            assert!(agree, "{place:?}, draw {number}: {by_index:?} and {copied:?}");
            different.extend(by_index.map(f64::to_bits));
        }
    }
    assert!(different.len() > 100, "the draws differ: {}", different.len());
}

#[test]
fn rounds_that_are_drawn_are_rounds_that_are_copied() {
    let plan = plan();
    let mut state = state(&plan, 3);
    for (round, other) in state.arms[0].rounds.iter_mut().zip(1..) {
        let class = round.classes.values_mut().next().unwrap();
        let at_s = |index: u32| f64::from(index + 1) / f64::from(SLICES_PER_S);
        class.in_flight_over_time = (0..SLICES)
            .map(|index| (at_s(index), 0.1 * f64::from(index % 7 + other)))
            .collect();
    }
    agrees_with_copies(&plan, &state, |_, weights| {
        let rounds = state.arms[0].rounds.iter().zip(weights);
        of_rounds(
            rounds
                .flat_map(|(round, weight)| vec![round.clone(); *weight as usize])
                .collect(),
        )
    });
}

#[test]
fn blocks_that_are_drawn_are_blocks_that_are_copied() {
    let plan = plan();
    let state = state(&plan, 2);
    agrees_with_copies(&plan, &state, |parts, weights| {
        let rounds = state.arms[0].rounds.iter().enumerate().map(|(number, round)| {
            let mut copied = round.clone();
            for measured in copied.classes.values_mut() {
                let mut slices = BTreeMap::new();
                for ((index, window), slice) in &measured.slices {
                    let weight = weights[parts.of_slice(number, window, *index).unwrap()];
                    let mut sum = Slice::default();
                    (0..weight).for_each(|_| sum.merge(slice));
                    slices.insert((*index, window.clone()), sum);
                }
                *measured = class(slices);
            }
            copied
        });
        of_rounds(rounds.collect())
    });
}

#[test]
fn a_draw_of_a_recovery_is_what_one_of_the_rounds_found() {
    let acting = Plan::make(&catalog::scenario("health-checks").unwrap(), &Options::default()).unwrap();
    let actions = &acting.arms.iter().find(|arm| !arm.actions.is_empty()).unwrap().actions;
    let mut plan = plan();
    plan.arms[0].actions.clone_from(actions);
    let mut state = state(&plan, 2);
    for (round, done_s) in state.arms[0].rounds.iter_mut().zip([2.0, 2.05]) {
        round.actions.push(Acted {
            number: Some(0),
            command: Command::Act(actions[0].clone()),
            planned_s: 2.0,
            began_s: 2.0,
            done_s,
            failure: None,
        });
    }
    let measured = Measured::of(&plan, &state);
    let arm = &measured.arms[0];
    let place: Path = [arm.plan.name.as_str(), &arm.plan.loads[0].class, "recovered_s"]
        .map(str::to_owned)
        .into();
    let found = arm.classes[0].recovery.as_ref().unwrap().rounds.clone();
    assert_ne!(found[0], found[1]);
    let drawn = draw(
        &measured,
        &measured.scope(),
        &BTreeSet::from([place.clone()]),
        DRAWS,
        SEED,
    );
    assert!(drawn[&place].iter().all(|value| found.contains(value)));
    assert!(found.iter().all(|value| drawn[&place].contains(value)));
    assert!(drawn.len() == 1 && at(&measured.scope(), &place).is_some());
}
