//! What is decided at the end.

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::{Place, Quantity};
use crate::unit::Unit;
use crate::verdict::Role;

/// One thing that is decided from the measurements.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A sentence that is true when the check passes.
    pub name: Place,
    /// CEL expression over measured values; gives a number.
    pub value: Place,
    /// Exactly this value (counts).
    #[serde(default)]
    pub equals: Option<Quantity>,
    /// This value or more.
    #[serde(default)]
    pub at_least: Option<Quantity>,
    /// This value or less.
    #[serde(default)]
    pub at_most: Option<Quantity>,
    /// Unit of the value, as shown to people: `ms`, `share`, `/s`, `×` or none.
    #[serde(default)]
    pub unit: Unit,
    /// Whether it is a law that must hold, or shows that a broken arm really broke.
    #[serde(default)]
    pub role: Role,
}
