//! Streams of requests, and searches for the highest rate.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number;
use super::quantity::{Place, Quantity};

/// A stream of equal requests. Exactly one of `rate_per_s`, `steps`, `closed` and `at_s` gives its pace.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Name of the class of requests, used in expressions and reports.
    pub class: Place,
    /// Arms in which it runs; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door gets the requests; default: the system's entry.
    #[serde(default)]
    pub service: Option<Place>,
    /// What is asked.
    pub request: RequestSection,
    /// Open loop at a constant rate.
    #[serde(default)]
    pub rate_per_s: Option<Quantity>,
    /// Open loop through a list of steps, each of which is a window of its own name.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Closed loop.
    #[serde(default)]
    pub closed: Option<Closed>,
    /// Single requests at these times.
    #[serde(default)]
    pub at_s: Vec<Quantity>,
    /// Spacing of open-loop requests; default Poisson.
    #[serde(default)]
    pub arrivals: ArrivalsKind,
    /// At most this many connections of an open loop; default 512.
    #[serde(default)]
    pub connections_max: Option<Quantity>,
    /// A request that has no answer by then has failed; seconds, default 10.
    #[serde(default)]
    pub timeout_s: Option<Quantity>,
    /// A request that took longer than this counts as slow; milliseconds.
    #[serde(default)]
    pub slow_over_ms: Option<Quantity>,
    /// Field of each JSON answer that is collected, for facts such as duplicates.
    #[serde(default)]
    pub collect: Option<String>,
}

/// A request as written in a scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSection {
    /// HTTP method; default GET.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path and query; `{parameter}` places are filled.
    pub path: Place,
    /// JSON body; `{parameter}` places are not filled here, `{key}` is.
    #[serde(default)]
    pub json: Option<Place>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Place>,
    /// Number of keys: `{key}` in the path, in the values of headers and in the body is then one of 1 to this, drawn
    /// evenly for each request.
    #[serde(default)]
    pub keys: Option<Quantity>,
}

pub(super) fn default_method() -> String {
    "GET".to_owned()
}

/// One step of an open loop.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name of the step and of its window.
    pub name: Place,
    /// Rate at its start, requests per second.
    pub rate_per_s: Quantity,
    /// Rate at its end, for a ramp; default: the same.
    #[serde(default)]
    pub to_rate_per_s: Option<Quantity>,
    /// Length in seconds.
    pub for_s: Quantity,
    /// First part of the step that is driven but left out of its window, seconds.
    #[serde(default)]
    pub settle_s: Option<Quantity>,
}

/// A closed loop: a fixed number of clients that wait for each answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// How many clients.
    pub connections: Quantity,
    /// Pause of each client between an answer and its next request, milliseconds.
    #[serde(default)]
    pub think_ms: Option<Quantity>,
    /// Stop after so many requests.
    #[serde(default)]
    pub requests_max: Option<Quantity>,
}

/// How open-loop requests are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalsKind {
    /// Independent users: exponential gaps.
    #[default]
    Poisson,
    /// A metronome: equal gaps.
    Constant,
}

/// A search for the highest rate within a latency objective.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSection {
    /// Name of the class of requests; `ARM.CLASS.max_rate_per_s` holds the result.
    pub class: Place,
    /// Arms in which it runs; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// What is asked.
    pub request: RequestSection,
    /// First rate tried, requests per second.
    pub from_rate_per_s: Quantity,
    /// Never tried above this.
    pub to_rate_per_s: Quantity,
    /// The quantile of the objective, for example 0.99.
    #[serde(deserialize_with = "number::quantile")]
    pub quantile: f64,
    /// The latency of the objective, milliseconds.
    pub within_ms: Quantity,
    /// Length of one step, seconds.
    pub step_s: Quantity,
    /// At most this many steps.
    pub steps_max: Quantity,
    /// Spacing of requests; default Poisson.
    #[serde(default)]
    pub arrivals: ArrivalsKind,
}
