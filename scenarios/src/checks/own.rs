//! The lab's own checks: was the generator honest, did every fault fire, did anything disturb the measurement?

use super::words;
use crate::disturbance::Disturbance;
use crate::doubt;
use crate::plan::{Bounds, Plan};
use crate::state::{ClassState, RunState};
use crate::unit::Unit;
use crate::verdict::{CheckOutcome, Role, Verdict};

/// All that have something to say of a run. Outside their bounds the run proves nothing.
pub(super) fn checks(plan: &Plan, state: &RunState) -> impl Iterator<Item = CheckOutcome> {
    [
        generator_on_time(plan, state),
        everything_sent(plan, state),
        few_failures(plan, state),
        actions_done(plan, state),
        nobody_crashed(state),
        nothing_disturbed(state),
    ]
    .into_iter()
    .flatten()
}

/// The classes of timed loads. A search overloads the system on purpose and judges its generator step by step.
fn timed_classes<'a>(plan: &'a Plan, state: &'a RunState) -> impl Iterator<Item = &'a ClassState> {
    let arms = plan.arms.iter().zip(&state.arms);
    arms.flat_map(|(planned, arm)| arm.rounds.iter().map(move |round| (planned, round)))
        .flat_map(|(planned, round)| doubt::timed_classes(planned, round))
        .map(|(_, class)| class)
}

/// A check of the lab's own: outside its bound the run proves nothing.
fn own_check(name: &str, value: f64, bounds: Bounds, unit: Unit, why: String) -> CheckOutcome {
    let pass = bounds.contain(value);
    CheckOutcome {
        name: name.to_owned(),
        verdict: if pass { Verdict::Pass } else { Verdict::Inconclusive },
        expected: words::expected(bounds, unit),
        measured: words::measured(value, None, unit),
        why: if pass { String::new() } else { why },
        value: Some(value),
        interval: None,
        unit,
        role: Role::Premise,
    }
}

fn generator_on_time(plan: &Plan, state: &RunState) -> Option<CheckOutcome> {
    let worst = timed_classes(plan, state)
        .filter_map(|class| class.total.dispatch_lateness.quantile_ms(0.99))
        .reduce(f64::max)?;
    let bounds = Bounds {
        at_least: None,
        at_most: Some(plan.lateness_p99_ms_max),
    };
    let why = "the load generator itself sent its requests late, so latencies cannot be trusted".to_owned();
    Some(own_check(
        "the generator sent on time (p99)",
        worst,
        bounds,
        Unit::Ms,
        why,
    ))
}

fn everything_sent(plan: &Plan, state: &RunState) -> Option<CheckOutcome> {
    let scheduled: u64 = timed_classes(plan, state).map(|class| class.scheduled).sum();
    let sent: u64 = timed_classes(plan, state).map(|class| class.sent).sum();
    let bounds = Bounds {
        at_least: Some(scheduled as f64),
        at_most: Some(scheduled as f64),
    };
    let why = format!("{} scheduled requests were never sent", scheduled.saturating_sub(sent));
    (scheduled > 0).then(|| {
        own_check(
            "every scheduled request was sent",
            sent as f64,
            bounds,
            Unit::Count,
            why,
        )
    })
}

fn few_failures(plan: &Plan, state: &RunState) -> Option<CheckOutcome> {
    let shares = timed_classes(plan, state)
        .map(|class| (class.failed(), class.failed() + class.ok))
        .filter(|(_, answered)| *answered > 0);
    let worst = shares
        .map(|(failed, answered)| failed as f64 / answered as f64)
        .reduce(f64::max)?;
    let bounds = Bounds {
        at_least: None,
        at_most: Some(plan.error_share_max),
    };
    let why = "so many requests failed that the latencies of the others flatter the system".to_owned();
    Some(own_check(
        "few requests failed (of the worst class)",
        worst,
        bounds,
        Unit::Share,
        why,
    ))
}

fn actions_done(plan: &Plan, state: &RunState) -> Option<CheckOutcome> {
    let planned: usize = plan.turns.iter().map(|turn| plan.arms[turn.arm].actions.len()).sum();
    let all = || {
        state
            .arms
            .iter()
            .flat_map(|arm| &arm.rounds)
            .flat_map(|round| &round.actions)
    };
    let done = all().filter(|acted| acted.number.is_some() && acted.failure.is_none());
    let bounds = Bounds {
        at_least: Some(planned as f64),
        at_most: Some(planned as f64),
    };
    let first_failure = all().find_map(|acted| Some(format!("{}: {}", acted.words(), acted.failure.as_ref()?)));
    let why = first_failure.unwrap_or_else(|| "a planned action was never done".to_owned());
    (planned > 0).then(|| {
        own_check(
            "every planned action was done",
            done.count() as f64,
            bounds,
            Unit::Count,
            why,
        )
    })
}

fn nobody_crashed(state: &RunState) -> Option<CheckOutcome> {
    let crashes: Vec<&String> = state
        .arms
        .iter()
        .flat_map(|arm| &arm.rounds)
        .flat_map(|round| &round.crashes)
        .collect();
    let none = Bounds {
        at_least: None,
        at_most: Some(0.0),
    };
    let why = (*crashes.first()?).clone();
    Some(own_check(
        "no instance died on its own",
        crashes.len() as f64,
        none,
        Unit::Count,
        why,
    ))
}

/// Whether anybody stood still, slept, or lost data while something was measured.
fn nothing_disturbed(state: &RunState) -> Option<CheckOutcome> {
    let rounds = state.arms.iter().flat_map(|arm| &arm.rounds);
    let all: Vec<String> = rounds
        .flat_map(|round| state.disturbances_of(round))
        .map(Disturbance::words)
        .collect();
    let none = Bounds {
        at_least: None,
        at_most: Some(0.0),
    };
    let why = all.first()?.clone();
    Some(own_check(
        "nothing disturbed the measurement",
        all.len() as f64,
        none,
        Unit::Count,
        why,
    ))
}
