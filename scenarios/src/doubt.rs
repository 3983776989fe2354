//! Doubt: why what was measured of an arm decides nothing.
//!
//! A check rests on the arms that its expression names. Where one of them was disturbed, the value may come from that
//! alone, whether it lies inside the bounds or outside of them.

use crate::disturbance::Disturbance;
use crate::event::FACT_OF_OTHERS;
use crate::expression::Expression;
use crate::plan::{ArmPlan, Plan};
use crate::state::{ArmState, ClassState, RoundState, RunState};
use crate::unit::{Unit, in_unit};
use crate::verdict::{CheckOutcome, Verdict};

/// The share of all processors that others may take before a failure can be their doing: half of one of two.
const OTHERS_MAX: f64 = 0.25;

/// Why each arm is in doubt, in the order of the plan; none where it is not.
pub(crate) fn doubts(plan: &Plan, state: &RunState) -> Vec<Option<String>> {
    let empty = ArmState::default();
    let measured = |arm: usize| state.arms.get(arm).unwrap_or(&empty);
    plan.arms
        .iter()
        .enumerate()
        .map(|(index, arm)| of_arm(plan, arm, measured(index), state))
        .collect()
}

/// Takes the decision from a check that rests on an arm in doubt.
pub(crate) fn apply(outcome: &mut CheckOutcome, value: &Expression, plan: &Plan, doubts: &[Option<String>]) {
    let reason = reason(value, plan, doubts);
    if let Some(reason) = reason.filter(|_| outcome.verdict != Verdict::Inconclusive) {
        outcome.verdict = Verdict::Inconclusive;
        outcome.why = reason;
    }
}

/// Takes back a failure of a bound of time, where other programs took so much of the processors that this alone can make
/// requests late and let them fail. What held nevertheless, holds; and a count that is wrong is wrong on a busy machine, too.
pub(crate) fn spare(outcome: &mut CheckOutcome, value: &Expression, plan: &Plan, crowded: &[Option<String>]) {
    if outcome.verdict == Verdict::Fail && outcome.unit != Unit::Count {
        apply(outcome, value, plan, crowded);
    }
}

/// Where each arm was measured beside other programs, in the order of the plan; none where they took little or where that
/// is not known.
pub(crate) fn crowded(state: &RunState) -> Vec<Option<String>> {
    let shares = |arm: &ArmState| {
        let facts = arm.rounds.iter().filter_map(|round| round.facts.get(FACT_OF_OTHERS));
        facts.flatten().copied().reduce(f64::max)
    };
    let crowded = |share: f64| {
        let taken = in_unit(share, Unit::Share);
        (share > OTHERS_MAX)
            .then(|| format!("other programs took {taken} of the processors meanwhile, which can do this alone"))
    };
    state.arms.iter().map(|arm| shares(arm).and_then(crowded)).collect()
}

/// Why an expression says nothing, where it rests on an arm in doubt.
pub(crate) fn reason(expression: &Expression, plan: &Plan, doubts: &[Option<String>]) -> Option<String> {
    let rests = rests_on(expression, plan);
    let mut arms = plan.arms.iter().zip(doubts).zip(rests);
    arms.find_map(|((arm, doubt), rests)| {
        let doubt = doubt.as_ref().filter(|_| rests)?;
        Some(format!("it rests on \"{}\", and {doubt}", arm.label))
    })
}

/// Which arms an expression rests on, in the order of the plan. One that names none rests on all, unless it speaks of
/// simulations alone: those have a time of their own, which nothing disturbs.
fn rests_on(expression: &Expression, plan: &Plan) -> Vec<bool> {
    let named: Vec<bool> = plan.arms.iter().map(|arm| expression.mentions(&arm.name)).collect();
    if named.contains(&true) || expression.mentions("simulated") {
        return named;
    }
    vec![true; plan.arms.len()]
}

fn of_arm(plan: &Plan, arm: &ArmPlan, measured: &ArmState, state: &RunState) -> Option<String> {
    let of_round = |round: &RoundState| {
        let crash = round.crashes.first().cloned();
        let disturbed = || state.disturbances_of(round).next().map(Disturbance::words);
        crash
            .or_else(disturbed)
            .or_else(|| undone(arm, round))
            .or_else(|| unsent(plan, arm, round))
            .or_else(|| unfinished(arm, round))
    };
    measured.rounds.iter().find_map(of_round)
}

/// An action that was planned and not done: the arm is not what it was meant to be.
fn undone(arm: &ArmPlan, round: &RoundState) -> Option<String> {
    let failed = round.actions.iter().find_map(|acted| {
        Some(format!(
            "\"{}\" was not done: {}",
            acted.words(),
            acted.failure.as_ref()?
        ))
    });
    let missing = || {
        let told = |number: usize| round.actions.iter().any(|acted| acted.number == Some(number));
        let never = arm.actions.iter().enumerate().find(|(number, _)| !told(*number));
        never.map(|(_, action)| format!("\"{}\" was planned and never done", action.words()))
    };
    failed.or_else(missing)
}

/// A generator that was late, or did not send everything. A search judges its generator step by step.
fn unsent(plan: &Plan, arm: &ArmPlan, round: &RoundState) -> Option<String> {
    timed_classes(arm, round).find_map(|(name, class)| {
        let late = class
            .total
            .dispatch_lateness
            .quantile_ms(0.99)
            .filter(|ms| *ms > plan.lateness_p99_ms_max);
        if let Some(ms) = late {
            return Some(format!(
                "the load generator sent its requests \"{name}\" late there (p99 {ms:.0} ms)"
            ));
        }
        let missing = class.scheduled.saturating_sub(class.sent);
        (missing > 0).then(|| format!("{missing} scheduled requests \"{name}\" were never sent there"))
    })
}

/// Clients that did not do all that they were to do: a wave that could not be prepared, say.
fn unfinished(arm: &ArmPlan, round: &RoundState) -> Option<String> {
    arm.clients.iter().find_map(|clients| {
        let class = clients.class.as_str();
        let same = arm.clients.iter().filter(|other| other.class == class);
        let planned: u64 = same
            .map(|clients| u64::from(clients.count) * u64::from(clients.waves))
            .sum();
        let done = round
            .operations
            .iter()
            .filter(|operation| operation.class == class)
            .count() as u64;
        (done < planned).then(|| format!("only {done} of {planned} operations \"{class}\" were done there"))
    })
}

/// The classes of an arm's timed loads.
pub(crate) fn timed_classes<'a>(
    arm: &'a ArmPlan,
    round: &'a RoundState,
) -> impl Iterator<Item = (&'a String, &'a ClassState)> {
    let timed = |name: &str| arm.loads.iter().any(|load| load.class == name);
    round.classes.iter().filter(move |(name, _)| timed(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, RunEvent};
    use crate::recorded::Reader;

    /// A recorded run in which one instance is paused twice and goes on twice.
    fn events() -> Vec<RunEvent> {
        let recording = include_str!("../tests/recordings/again/run.jsonl");
        let mut reader = Reader::default();
        recording.lines().map(|line| reader.event(line).unwrap()).collect()
    }

    /// Why the only arm is in doubt.
    fn doubt(events: &[RunEvent]) -> Option<String> {
        let state = RunState::of(events);
        let plan = &state.info.as_ref().unwrap().plan;
        doubts(plan, &state).remove(0)
    }

    #[test]
    fn of_two_actions_with_the_same_words_each_has_to_be_done() {
        assert_eq!(doubt(&events()), None);
        let acted = |event: &RunEvent| matches!(event.kind, EventKind::Action(_));
        let all = events();
        let places = all.iter().enumerate().filter(|(_, event)| acted(event));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let words = ["pause users-1", "resume users-1"].repeat(2);
        assert_eq!(places.len(), words.len());
        for (place, words) in places.into_iter().zip(words) {
            let mut missing = events();
            missing.remove(place);
            let never = format!("\"{words}\" was planned and never done");
            assert_eq!(doubt(&missing), Some(never));
            let mut failed = events();
            if let EventKind::Action(acted) = &mut failed[place].kind {
                acted.failure = Some("no such process".to_owned());
            }
            let failed = doubt(&failed).unwrap();
            assert_eq!(failed, format!("\"{words}\" was not done: no such process"));
        }
    }

    #[test]
    fn a_bound_of_time_that_fails_beside_others_is_in_doubt_and_nothing_else_is() {
        let of = |share: f64| {
            let mut state = RunState::of(&events());
            let facts = &mut state.arms[0].rounds[0].facts;
            facts.insert(FACT_OF_OTHERS.to_owned(), vec![share]);
            state
        };
        let judged = |share, verdict, unit| {
            let state = of(share);
            let plan = &state.info.as_ref().unwrap().plan;
            let value = Expression::compile("1.0").unwrap();
            let mut outcome = CheckOutcome {
                name: "soon".to_owned(),
                verdict,
                expected: String::new(),
                measured: String::new(),
                why: String::new(),
                value: Some(1.0),
                interval: None,
                unit,
                role: crate::verdict::Role::Law,
            };
            spare(&mut outcome, &value, plan, &crowded(&state));
            (outcome.verdict, outcome.why)
        };
        let (verdict, why) = judged(0.5, Verdict::Fail, Unit::Ms);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(why.contains("other programs took 50 % of the processors"), "{why}");
        for (share, verdict, unit) in [
            (0.2, Verdict::Fail, Unit::Ms),
            (0.5, Verdict::Pass, Unit::Ms),
            (0.5, Verdict::Fail, Unit::Count),
        ] {
            assert_eq!(
                judged(share, verdict, unit),
                (verdict, String::new()),
                "{share} {unit:?}"
            );
        }
    }
}
