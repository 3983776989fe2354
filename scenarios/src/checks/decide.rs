//! Decides the checks of a run.

use super::bootstrap::Bootstrap;
use super::{own, words};
use crate::doubt;
use crate::expression::{Expression, Scope};
use crate::plan::{Bounds, CheckPlan, Plan};
use crate::state::RunState;
use crate::summary::Measured;
use crate::verdict::{CheckOutcome, Role, Verdict};

/// Decides all checks of a plan from the state of its run: first those of the lab itself (was the generator
/// honest, did every fault fire?), then the scenario's own.
pub fn decide(plan: &Plan, state: &RunState) -> Vec<CheckOutcome> {
    own::checks(plan, state).chain(of_scenario(plan, state)).collect()
}

/// Decides the scenario's own checks alone, in the order of the plan.
pub(crate) fn of_scenario(plan: &Plan, state: &RunState) -> Vec<CheckOutcome> {
    let measured = Measured::of(plan, state);
    let scope = measured.scope();
    let values: Vec<Result<Expression, String>> = plan
        .checks
        .iter()
        .map(|check| Expression::compile(&check.value))
        .collect();
    let bootstrap = Bootstrap::of(&measured, &scope, values.iter().flatten(), plan.seed);
    let (doubts, crowded) = (doubt::doubts(plan, state), doubt::crowded(state));
    let decided = plan.checks.iter().zip(&values).map(|(check, value)| match value {
        Ok(value) => {
            let mut outcome = decide_one(check, value, &scope, &bootstrap);
            doubt::apply(&mut outcome, value, plan, &doubts);
            doubt::spare(&mut outcome, value, plan, &crowded);
            outcome
        }
        Err(reason) => undecided(check, reason),
    });
    decided.collect()
}

/// What the scenario's checks would measure so far, by name and in words, without an interval: for whoever watches.
/// Those whose value is not known yet are left out.
pub fn so_far(plan: &Plan, state: &RunState) -> Vec<(String, String)> {
    let scope = Measured::of(plan, state).scope();
    let measured = |check: &CheckPlan| {
        let value = Expression::compile(&check.value)
            .and_then(|expression| expression.number(&scope))
            .ok()?;
        Some((check.name.clone(), words::measured(value, None, check.unit)))
    };
    plan.checks.iter().filter_map(measured).collect()
}

fn decide_one(check: &CheckPlan, expression: &Expression, scope: &Scope, bootstrap: &Bootstrap<'_>) -> CheckOutcome {
    let found = expression
        .number(scope)
        .and_then(|value| Ok((value, bootstrap.interval(expression, value)?)));
    let (value, interval) = match found {
        Ok(found) => found,
        Err(reason) => return undecided(check, &reason),
    };
    let (verdict, why) = judge(check.bounds, value, interval, check.role);
    CheckOutcome {
        verdict,
        measured: words::measured(value, interval, check.unit),
        why,
        value: Some(value),
        interval,
        ..undecided(check, "")
    }
}

/// A check of which nothing was measured, and why.
fn undecided(check: &CheckPlan, reason: &str) -> CheckOutcome {
    CheckOutcome {
        name: check.name.clone(),
        verdict: Verdict::Inconclusive,
        expected: words::expected(check.bounds, check.unit),
        measured: "nothing".to_owned(),
        why: format!("`{}`: {reason}", check.value),
        value: None,
        interval: None,
        unit: check.unit,
        role: check.role,
    }
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
            "the measured value is outside of what was expected".to_owned(),
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
