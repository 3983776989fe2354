//! Clients whose every operation is kept: what a scenario file says of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::{Place, Quantity};

/// Clients that act at the same time. Each of their operations is kept in the history, with its times and its answer.
///
/// In texts, `{parameter}` places are filled before the run, `{client}` and `{wave}` (both from 1) for each operation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// Name of the class of operations, used in expressions and reports.
    pub class: Place,
    /// Arms in which they act; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door they ask; default: the system's entry.
    #[serde(default)]
    pub service: Option<Place>,
    /// The one instance that they ask, past any balancer: `inventory-1`.
    #[serde(default)]
    pub instance: Option<Place>,
    /// What each is called in reports; its number follows when there are several.
    pub actor: String,
    /// How many act together; default 1.
    #[serde(default)]
    pub count: Option<Quantity>,
    /// How often they act together; a wave begins when every answer to the one before is in. Default 1.
    #[serde(default)]
    pub waves: Option<Quantity>,
    /// When the first wave begins, seconds; default 0.
    #[serde(default)]
    pub at_s: Option<Quantity>,
    /// What an operation is about: operations with the same key touch the same thing.
    pub key: Place,
    /// What is asked once before each wave, by nobody in particular.
    #[serde(default)]
    pub prepare: Option<Ask>,
    /// What each client asks.
    pub request: Ask,
    /// An operation that has no answer by then is unknown: it may have happened or not. Seconds, default 10.
    #[serde(default)]
    pub timeout_s: Option<Quantity>,
    /// How often an operation without an answer is tried again, each try an operation of its own; default 0.
    #[serde(default)]
    pub retries: Option<Quantity>,
    /// Fields of the answers that hold a number or a list of numbers: `ARM.CLASS.output.FIELD.p50` and so on.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// What is read of each key at rest, when every operation is over.
    #[serde(default, rename = "at_rest")]
    pub quiescent: Option<Reading>,
}

/// A request of a client.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// HTTP method; default POST.
    #[serde(default = "post")]
    pub method: String,
    /// Path and query.
    pub path: Place,
    /// JSON body.
    #[serde(default)]
    pub json: Option<Place>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Place>,
}

fn post() -> String {
    "POST".to_owned()
}

/// A value that is read of each key at rest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Path that is read.
    pub path: Place,
    /// Top-level field of the JSON answer; none: the number of its elements.
    #[serde(default)]
    pub field: Option<String>,
}
