//! Checks with their bounds.

use serde::{Deserialize, Serialize};

use super::resolve::Resolver;
use crate::format::{Check, Problem, Quantity};
use crate::unit::Unit;
use crate::verdict::Role;

/// A check with its bounds decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckPlan {
    /// The sentence that is true when it passes.
    pub name: String,
    /// The expression that is measured.
    pub value: String,
    /// What is allowed.
    pub bounds: Bounds,
    /// Unit of the value.
    pub unit: Unit,
    /// What it means when the value is outside.
    pub role: Role,
}

/// The values that a check allows; both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The smallest; none: no lower bound.
    pub at_least: Option<f64>,
    /// The largest; none: no upper bound.
    pub at_most: Option<f64>,
}

impl Bounds {
    /// Whether a value is allowed.
    pub fn contain(&self, value: f64) -> bool {
        self.at_least.is_none_or(|bound| value >= bound) && self.at_most.is_none_or(|bound| value <= bound)
    }
}

/// A check with its numbers.
pub(super) fn plan(check: &Check, resolver: &Resolver) -> Result<CheckPlan, Problem> {
    let number = |quantity: &Option<Quantity>| quantity.as_ref().map(|quantity| resolver.number(quantity)).transpose();
    let equals = number(&check.equals)?;
    Ok(CheckPlan {
        name: resolver.fill(&check.name)?,
        value: check.value.to_string(),
        bounds: Bounds {
            at_least: equals.or(number(&check.at_least)?),
            at_most: equals.or(number(&check.at_most)?),
        },
        unit: check.unit,
        role: check.role,
    })
}
