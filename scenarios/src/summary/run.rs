//! The summary of a run: computed once from its state, read by everything that shows or explains it.

use super::arm::ArmSummary;
use super::measured::Measured;
use super::outcome::{self, Outcome};
use crate::expression::Scope;
use crate::plan::Plan;
use crate::prediction::{self, Guessed};
use crate::state::RunState;
use crate::verdict::CheckOutcome;

/// What a run came to. Displays, reports and lessons format it, and compute nothing again.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary<'a> {
    /// The state that it sums up, for what is drawn event by event.
    pub state: &'a RunState,
    /// The arms in the order of the plan; none before the run began.
    pub arms: Vec<ArmSummary<'a>>,
    /// The decided checks, with what was measured, its interval, and why.
    pub checks: &'a [CheckOutcome],
    /// What came of the learner's guess; none where nothing was guessed.
    pub guess: Option<Guessed>,
    /// How it ended, and with it the exit code of a command that made this run.
    pub outcome: Outcome,
    /// The outcome in one or two sentences.
    pub sentence: String,
    /// The figures as expressions and lessons read them.
    pub scope: Scope,
}

impl<'a> RunSummary<'a> {
    /// The summary of all that is known of a run.
    pub fn of(state: &'a RunState) -> Self {
        let outcome = Outcome::of(state);
        let plan = state.info.as_ref().map(|info| &info.plan);
        let measured = plan.map(|plan| Measured::of(plan, state));
        let scope = measured.as_ref().map(Measured::scope).unwrap_or_default();
        Self {
            state,
            checks: &state.checks,
            guess: plan.and_then(|plan| prediction::outcome(plan, state, &scope)),
            outcome,
            sentence: outcome::sentence(state),
            arms: measured.map(|measured| measured.arms).unwrap_or_default(),
            scope,
        }
    }

    /// What was planned; none where the recording has no start.
    pub fn plan(&self) -> Option<&'a Plan> {
        self.state.info.as_ref().map(|info| &info.plan)
    }

    /// The checks that the scenario itself states, without the lab's own (was the generator on time, …); all of them
    /// where the plan names none.
    pub fn own_checks(&self) -> Vec<&'a CheckOutcome> {
        let planned = self.plan().map(|plan| plan.checks.as_slice()).unwrap_or_default();
        let own = |check: &&CheckOutcome| planned.is_empty() || planned.iter().any(|one| one.name == check.name);
        self.checks.iter().filter(own).collect()
    }
}
