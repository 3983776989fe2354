//! What a run measured: its arms, and what was simulated beside.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::arm::ArmSummary;
use crate::event::Simulated;
use crate::plan::Plan;
use crate::state::{ArmState, RunState};

/// An arm that was not measured yet.
static NOTHING: LazyLock<ArmState> = LazyLock::new(ArmState::default);

/// All figures of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<'a> {
    /// What was planned.
    pub plan: &'a Plan,
    /// The arms in the order of the plan.
    pub arms: Vec<ArmSummary<'a>>,
    /// Simulations that were played.
    pub simulated: &'a [Simulated],
}

impl<'a> Measured<'a> {
    /// What the state of a run of this plan holds.
    pub fn of(plan: &'a Plan, state: &'a RunState) -> Self {
        let measured = |index: usize| state.arms.get(index).unwrap_or(&NOTHING);
        let arms = plan.arms.iter().enumerate();
        Self {
            plan,
            arms: arms.map(|(index, arm)| ArmSummary::of(arm, measured(index))).collect(),
            simulated: &state.simulated,
        }
    }
}

/// The names of all classes of requests, in order of first appearance.
pub fn all_classes(arms: &[ArmSummary<'_>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let classes = arms.iter().flat_map(|arm| &arm.classes).map(|class| &class.name);
    classes.filter(|name| seen.insert(name.as_str())).cloned().collect()
}
