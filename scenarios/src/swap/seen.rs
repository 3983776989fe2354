//! What a check says of a run in which something has changed places.

use crate::checks;
use crate::doubt;
use crate::expression::Expression;
use crate::plan::{Bounds, CheckPlan, Plan};
use crate::state::RunState;
use crate::summary;
use crate::verdict::{CheckOutcome, Role, Verdict};

/// What a check that passed says once something has changed places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It passes as before: it did not notice.
    Holds,
    /// What it measures lies outside its bounds with its whole interval. Of a check whose role is not that of a law, this is
    /// as much as it can say.
    Disturbed {
        /// What it measures now, in words.
        measured: String,
        /// What it allows, in words.
        expected: String,
    },
    /// It does not pass, and noise or doubt may be the reason: why, in one sentence.
    Unclear(String),
    /// The arm that stands there now has no such figure at all, so that there is nothing to decide.
    Absent,
}

/// What these checks, by their numbers in the plan, say of a run.
pub(super) fn of(plan: &Plan, state: &RunState, numbers: &[usize]) -> Vec<(usize, Seen)> {
    let only = Plan {
        checks: numbers.iter().map(|number| plan.checks[*number].clone()).collect(),
        ..plan.clone()
    };
    let scope = summary::filled(&only);
    let doubts = doubt::doubts(&only, state);
    let outcomes = checks::of_scenario(&only, state);
    let seen = |(check, outcome): (&CheckPlan, &CheckOutcome)| {
        let Ok(value) = Expression::compile(&check.value) else {
            return Seen::Absent;
        };
        if value.number(&scope).is_err() {
            return Seen::Absent;
        }
        one(check, outcome, doubt::reason(&value, &only, &doubts))
    };
    let all = only.checks.iter().zip(&outcomes).map(seen);
    numbers.iter().copied().zip(all).collect()
}

fn one(check: &CheckPlan, outcome: &CheckOutcome, doubt: Option<String>) -> Seen {
    let disturbed = || Seen::Disturbed {
        measured: outcome.measured.clone(),
        expected: outcome.expected.clone(),
    };
    match (outcome.verdict, doubt) {
        (Verdict::Pass, _) => Seen::Holds,
        (_, Some(doubt)) => Seen::Unclear(doubt),
        (Verdict::Fail, None) => disturbed(),
        // Of what is no law, a value outside of the bounds makes the run inconclusive and no more.
        (Verdict::Inconclusive, None) if check.role != Role::Law && is_outside(outcome, check.bounds) => disturbed(),
        (Verdict::Inconclusive, None) => Seen::Unclear(outcome.why.clone()),
    }
}

/// Whether the whole interval lies outside.
fn is_outside(outcome: &CheckOutcome, bounds: Bounds) -> bool {
    let Some(value) = outcome.value else { return false };
    let (low, high) = outcome.interval.unwrap_or((value, value));
    bounds.at_least.is_some_and(|bound| high < bound) || bounds.at_most.is_some_and(|bound| low > bound)
}
