//! What a run does not show, and why: an arm whose policy the chosen balancer does not have, or that a quick run does
//! without.

use compose::servers;
use serde::{Deserialize, Serialize};

use super::arm::ArmPlan;
use super::check::CheckPlan;
use super::predict::PredictSpec;
use crate::expression::Expression;

/// An arm that is not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The arm as it would have been.
    pub arm: ArmPlan,
    /// Why it is not.
    pub reason: String,
}

impl LeftOut {
    /// Which arm, and why.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} ({})", self.arm.label, self.reason)
    }
}

/// Arms that are measured, and those that are not. `skipped` says which a quick run does without.
pub(super) fn sort_out(arms: Vec<ArmPlan>, skipped: impl Fn(&str) -> bool) -> (Vec<ArmPlan>, Vec<LeftOut>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for arm in arms {
        let quick = || skipped(&arm.name).then(|| "a quick run does without".to_owned());
        match lacking(&arm).or_else(quick) {
            None => kept.push(arm),
            Some(reason) => left_out.push(LeftOut { arm, reason }),
        }
    }
    (kept, left_out)
}

/// What a server that balances lacks for this arm.
fn lacking(arm: &ArmPlan) -> Option<String> {
    arm.system.services.iter().find_map(|service| {
        let balancer = service.balancer.as_ref()?;
        let server = servers::of(balancer.kind.program())?;
        let balancing = server.balances()?;
        let later = arm.actions.iter().filter(|action| action.target == service.name);
        let policies = later.filter_map(|action| action.policy.as_deref());
        let reason = std::iter::once(balancer.policy.as_str())
            .chain(policies)
            .find_map(|policy| balancing.lacking(policy, &service.env))?;
        Some(format!("{} cannot do it: {reason}", server.name()))
    })
}

/// Whether an expression speaks of an arm that was left out.
fn speaks_of(expression: &str, left_out: &[LeftOut]) -> bool {
    let compiled = Expression::compile(expression);
    compiled.is_ok_and(|compiled| left_out.iter().any(|out| compiled.mentions(&out.arm.name)))
}

/// The checks that can be decided, and the names of those that cannot.
pub(super) fn decidable(checks: Vec<CheckPlan>, left_out: &[LeftOut]) -> (Vec<CheckPlan>, Vec<String>) {
    let (out, kept): (Vec<_>, Vec<_>) = checks.into_iter().partition(|check| speaks_of(&check.value, left_out));
    (kept, out.into_iter().map(|check| check.name).collect())
}

/// The question, where the run can answer it.
pub(super) fn answerable(predict: Option<PredictSpec>, left_out: &[LeftOut]) -> Option<PredictSpec> {
    predict.filter(|predict| {
        !predict
            .asked
            .expressions()
            .iter()
            .any(|source| speaks_of(source, left_out))
    })
}
