//! What a learner is asked before the run.

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::{Place, Quantity};
use crate::unit::Unit;

/// A question whose answer the run finds out: a number, or one of some choices.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The question; `{parameter}` places are filled.
    pub question: Place,
    /// For a number: CEL expression of what it turned out to be.
    #[serde(default)]
    pub value: Option<Place>,
    /// For a number: the smallest that makes sense; default 0.
    #[serde(default)]
    pub min: Option<Quantity>,
    /// For a number: the largest that makes sense.
    #[serde(default)]
    pub max: Option<Quantity>,
    /// For a number: its unit, as shown to people.
    #[serde(default)]
    pub unit: Unit,
    /// The choices; the first whose condition holds in the end is the right one.
    #[serde(default, rename = "choice")]
    pub choices: Vec<Choice>,
}

/// One choice.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What people read.
    pub label: Place,
    /// CEL expression over measured values: whether it turned out so.
    pub when: Place,
    /// What somebody who chooses this believes wrongly: a name of the list of misconceptions. One choice, the one that is
    /// right when all goes as the lesson says, has none.
    #[serde(default)]
    pub misconception: Option<Place>,
    /// What the learner who chose this is told where the choice without a misconception turned out right: at most three
    /// sentences, a template with the run's figures as in the lesson.
    #[serde(default)]
    pub answer: Option<Place>,
}
