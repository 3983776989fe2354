//! What the person who starts a run decides, and why there may be no plan for it.

use std::collections::BTreeMap;

use crate::format::Problem;

/// What the person who starts a run decides.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// Quick values of parameters and rounds.
    pub quick: bool,
    /// Measure every arm, also those that a quick run does without, and the faults that are planted in their places: what
    /// the swap law needs.
    pub every_arm: bool,
    /// Rounds, where they differ from the scenario's.
    pub rounds: Option<u32>,
    /// Parameters set by hand, by name, as written.
    pub set: BTreeMap<String, String>,
    /// Cores of the machine.
    pub cores: usize,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A parameter that the scenario does not declare.
    #[error("the scenario has no parameter `{name}` ({hint})")]
    UnknownParam {
        /// As it was given.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A parameter outside its range.
    #[error("{name}={value} is outside of {min} to {max}")]
    ParamOutOfRange {
        /// Which.
        name: String,
        /// As it was given.
        value: f64,
        /// The smallest allowed.
        min: f64,
        /// The largest allowed.
        max: f64,
    },
    /// A number that is none.
    #[error("{name}={value}: `{value}` is not a number")]
    NotANumber {
        /// Which.
        name: String,
        /// As it was given.
        value: String,
    },
    /// A word that the choice does not have.
    #[error("{name}={value} is not a choice; it is one of {}", choices.join(", "))]
    NoSuchChoice {
        /// Which.
        name: String,
        /// As it was given.
        value: String,
        /// What there is.
        choices: Vec<String>,
    },
    /// Rounds that nobody could wait for.
    #[error("{rounds} rounds: give from 1 to {}", crate::format::ROUNDS_MAX)]
    Rounds {
        /// As it was given.
        rounds: u32,
    },
    /// Nothing is left to measure.
    #[error("nothing is left to measure: {}", reasons.join("; "))]
    NothingLeft {
        /// Each arm and why it was left out.
        reasons: Vec<String>,
    },
    /// A playground on an arm that the scenario does not have.
    #[error("the scenario has no arm `{name}` ({hint})")]
    UnknownArm {
        /// As it was given.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A playground on a scenario whose load has no rate to play with.
    #[error("{scenario} has no steady stream of requests to play with")]
    NothingSteady {
        /// The scenario.
        scenario: String,
    },
    /// The scenario's own numbers do not fit together.
    #[error("{}", .0.message)]
    Scenario(Problem),
}

impl From<Problem> for PlanError {
    fn from(problem: Problem) -> Self {
        Self::Scenario(problem)
    }
}
