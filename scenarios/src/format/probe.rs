//! What the system is asked when the load is over.

use schemars::JsonSchema;
use serde::Deserialize;

use super::load::default_method;
use super::quantity::{Place, Quantity};

/// A question put to the system after the load, and after the answer to the question before it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name of the fact.
    pub name: Place,
    /// Arms in which it is asked; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door is asked; default: the system's entry.
    #[serde(default)]
    pub service: Option<Place>,
    /// HTTP method; default GET.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path that is asked.
    pub path: Place,
    /// Field of the JSON answer: a top-level one, or a JSON pointer such as `/upstreams/users/calls` (RFC 6901). `true` counts as
    /// 1, `false` as 0, and a list as the number of its elements. Of metrics in the text format of Prometheus, the series that are
    /// added up: `work_seconds_total{result="wasted"}`.
    pub field: String,
    /// How often it is asked; default 1.
    #[serde(default)]
    pub times: Option<Quantity>,
}

/// Asks a service, after the load, for the story of one order; it is drawn.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorySection {
    /// Arms in which it is asked for; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door is asked.
    pub service: Place,
    /// Path that is asked.
    pub path: Place,
}
