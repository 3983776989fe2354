//! Decides the checks of a run.

use super::{bootstrap, doubt, words};
use crate::disturbance::Disturbance;
use crate::expression::{Expression, Scope};
use crate::plan::{Bounds, CheckPlan, Plan};
use crate::state::{ClassState, RunState};
use crate::unit::Unit;
use crate::values;
use crate::verdict::{CheckOutcome, Role, Verdict};

/// Decides all checks of a plan from the state of its run: first those of the lab itself (was the generator
/// honest, did every fault fire?), then the scenario's own.
pub fn decide(plan: &Plan, state: &RunState) -> Vec<CheckOutcome> {
    let scope = values::scope(plan, state);
    let draws = bootstrap::draws(plan, state, plan.seed);
    let doubts = doubt::doubts(plan, state);
    let own = plan.checks.iter().map(|check| {
        let mut outcome = decide_one(check, &scope, &draws);
        doubt::apply(&mut outcome, check, plan, &doubts);
        outcome
    });
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
    .chain(own)
    .collect()
}

/// What the scenario's checks would measure so far, by name and in words, without an interval: for whoever watches.
/// Those whose value is not known yet are left out.
pub fn so_far(plan: &Plan, state: &RunState) -> Vec<(String, String)> {
    let scope = values::scope(plan, state);
    let measured = |check: &CheckPlan| {
        let value = Expression::compile(&check.value)
            .and_then(|expression| expression.number(&scope))
            .ok()?;
        Some((check.name.clone(), words::measured(value, None, check.unit)))
    };
    plan.checks.iter().filter_map(measured).collect()
}

fn decide_one(check: &CheckPlan, scope: &Scope, draws: &[Scope]) -> CheckOutcome {
    let mut outcome = CheckOutcome {
        name: check.name.clone(),
        verdict: Verdict::Inconclusive,
        expected: words::expected(check.bounds, check.unit),
        measured: "nothing".to_owned(),
        why: String::new(),
        value: None,
        interval: None,
        unit: check.unit,
        role: check.role,
    };
    let value = Expression::compile(&check.value).and_then(|expression| {
        let value = expression.number(scope)?;
        Ok((value, bootstrap::interval(&expression, value, draws)?))
    });
    let (value, interval) = match value {
        Ok(found) => found,
        Err(reason) => {
            outcome.why = format!("`{}`: {reason}", check.value);
            return outcome;
        }
    };
    outcome.value = Some(value);
    outcome.interval = interval;
    outcome.measured = words::measured(value, interval, check.unit);
    (outcome.verdict, outcome.why) = judge(check.bounds, value, interval, check.role);
    outcome
}

/// Inside the bounds with the whole interval: shown. Outside with the whole interval: refuted. Else: noise.
fn judge(bounds: Bounds, value: f64, interval: Option<(f64, f64)>, role: Role) -> (Verdict, String) {
    let (low, high) = interval.unwrap_or((value, value));
    if bounds.contain(low) && bounds.contain(high) {
        return (Verdict::Pass, String::new());
    }
    let outside = bounds.at_least.is_some_and(|bound| high < bound) || bounds.at_most.is_some_and(|bound| low > bound);
    match (outside, role) {
        (true, Role::Law) => (
            Verdict::Fail,
            "the measured value lies outside of what was expected".to_owned(),
        ),
        (true, Role::Premise) => (
            Verdict::Inconclusive,
            "what the experiment takes for granted did not hold, so nothing was shown".to_owned(),
        ),
        (true, Role::Breaks) => (
            Verdict::Inconclusive,
            "what was meant to break did not break, so nothing was shown".to_owned(),
        ),
        (false, _) => (
            Verdict::Inconclusive,
            "the interval of the measured value crosses the bound: too much noise to say".to_owned(),
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT_LEAST_ONE: Bounds = Bounds {
        at_least: Some(1.0),
        at_most: None,
    };

    #[test]
    fn an_interval_inside_passes_outside_fails_and_across_is_noise() {
        assert_eq!(judge(AT_LEAST_ONE, 2.0, Some((1.5, 2.5)), Role::Law).0, Verdict::Pass);
        assert_eq!(judge(AT_LEAST_ONE, 0.5, Some((0.4, 0.9)), Role::Law).0, Verdict::Fail);
        assert_eq!(
            judge(AT_LEAST_ONE, 1.2, Some((0.9, 1.5)), Role::Law).0,
            Verdict::Inconclusive
        );
        assert_eq!(
            judge(AT_LEAST_ONE, 0.9, Some((0.8, 1.1)), Role::Law).0,
            Verdict::Inconclusive
        );
    }

    #[test]
    fn a_broken_arm_that_did_not_break_shows_nothing() {
        let (verdict, why) = judge(AT_LEAST_ONE, 0.0, None, Role::Premise);
        assert!(verdict == Verdict::Inconclusive && why.contains("for granted"), "{why}");
        let (verdict, why) = judge(AT_LEAST_ONE, 0.0, None, Role::Breaks);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(why.contains("did not break"));
    }

    #[test]
    fn a_count_needs_no_interval() {
        let exactly = Bounds {
            at_least: Some(3.0),
            at_most: Some(3.0),
        };
        assert_eq!(judge(exactly, 3.0, None, Role::Law).0, Verdict::Pass);
        assert_eq!(judge(exactly, 4.0, None, Role::Law).0, Verdict::Fail);
    }
}
