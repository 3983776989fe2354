//! The question before the run, with its numbers.

use serde::{Deserialize, Serialize};

use super::resolve::Resolver;
use crate::format::{Predict, Problem};
use crate::unit::Unit;

/// The largest number that can be asked for where the scenario sets no bound.
const NUMBER_MAX: f64 = 1e12;

/// What the learner is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictSpec {
    /// The question.
    pub question: String,
    /// What an answer looks like.
    pub asked: Asked,
}

/// What an answer looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A number.
    Number {
        /// The expression of what it turns out to be.
        value: String,
        /// The smallest that makes sense.
        min: f64,
        /// The largest that makes sense.
        max: f64,
        /// Its unit.
        unit: Unit,
    },
    /// One of these.
    Choices(Vec<ChoiceSpec>),
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceSpec {
    /// What people read.
    pub label: String,
    /// The expression that says whether it turned out so.
    pub when: String,
    /// The name of what somebody who chooses this believes wrongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misconception: Option<String>,
    /// The template of what the learner who chose this is told, where the choice without a misconception was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Asked {
    /// The expressions that decide the answer.
    pub(crate) fn expressions(&self) -> Vec<&str> {
        match self {
            Self::Number { value, .. } => vec![value],
            Self::Choices(choices) => choices.iter().map(|choice| choice.when.as_str()).collect(),
        }
    }
}

pub(super) fn spec(predict: &Predict, resolver: &Resolver) -> Result<PredictSpec, Problem> {
    let asked = match (&predict.value, predict.choices.as_slice()) {
        (Some(value), []) => Asked::Number {
            value: value.to_string(),
            min: resolver.or(predict.min.as_ref(), 0.0, NUMBER_MAX, "the smallest number")?,
            max: resolver.or(predict.max.as_ref(), NUMBER_MAX, NUMBER_MAX, "the largest number")?,
            unit: predict.unit,
        },
        (None, [_, _, ..]) => Asked::Choices(
            predict
                .choices
                .iter()
                .map(|choice| {
                    Ok(ChoiceSpec {
                        label: resolver.fill(&choice.label)?,
                        when: choice.when.to_string(),
                        misconception: choice.misconception.as_ref().map(ToString::to_string),
                        answer: choice.answer.as_ref().map(ToString::to_string),
                    })
                })
                .collect::<Result<_, Problem>>()?,
        ),
        _ => {
            return Err(Problem::whole("the question of [predict] has no clear kind of answer")
                .hint("give value (for a number), or three to five [[predict.choice]]"));
        }
    };
    Ok(PredictSpec {
        question: resolver.fill(&predict.question)?,
        asked,
    })
}
