//! What a learner expects of a run.

use serde::{Deserialize, Serialize};

/// What the learner said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guess {
    /// A number in the question's unit.
    Number(f64),
    /// The place of a choice, from 0.
    Choice(usize),
}
