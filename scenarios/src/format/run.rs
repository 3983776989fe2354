//! The parameters of a scenario, its rounds and its timing.

use schemars::JsonSchema;
use serde::Deserialize;

use super::number;
use super::quantity::Quantity;

/// One declared parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// The value of a default run.
    #[serde(deserialize_with = "number::finite")]
    pub default: f64,
    /// The value of a `--quick` run, where it differs.
    #[serde(default, deserialize_with = "number::finite_or_none")]
    pub quick: Option<f64>,
    /// The smallest value allowed.
    #[serde(deserialize_with = "number::finite")]
    pub min: f64,
    /// The largest value allowed.
    #[serde(deserialize_with = "number::finite")]
    pub max: f64,
    /// Unit, as shown to people: `ms`, `/s`, …
    #[serde(default)]
    pub unit: String,
    /// One line of help.
    pub help: String,
}

/// A parameter that is one of some words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceParam {
    /// The words; the first is that of a default run.
    pub of: Vec<String>,
    /// One line of help.
    pub help: String,
}

/// Rounds and timing of a run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSection {
    /// How often every arm is measured; arms are interleaved (A B, B A, …).
    #[serde(deserialize_with = "number::rounds")]
    pub rounds: u32,
    /// Rounds of a `--quick` run.
    #[serde(deserialize_with = "number::rounds")]
    pub quick_rounds: u32,
    /// How long the load of an arm lasts, in seconds. Not used by arms that search.
    #[serde(default)]
    pub duration_s: Option<Quantity>,
    /// How long the system is driven before anything is recorded, in seconds.
    #[serde(default)]
    pub warmup_s: Option<Quantity>,
    /// About how long the clients of an arm take, in seconds; only the display of progress depends on it. Default 2.
    #[serde(default)]
    pub clients_s: Option<Quantity>,
    /// About how long a measurement takes beside its load and its clients, in seconds: until the system is ready, until its
    /// events have arrived, and until it has ended. Only what is said of the length of a first run depends on it; later
    /// runs go by the last one. Default 0.5, and 1.5 for a system with a Kafka.
    #[serde(default)]
    pub beside_s: Option<Quantity>,
    /// How long the events of a system with a Kafka may take to arrive after the last request, in seconds; what was not
    /// read by then is not read. Default 60.
    #[serde(default)]
    pub settle_s: Option<Quantity>,
    /// The generator's own bound: a run whose requests left later than this (p99, milliseconds) proves nothing.
    #[serde(default = "default_lateness_ms", deserialize_with = "number::lateness_ms")]
    pub lateness_p99_ms_max: f64,
    /// Tolerated share of failed requests, in each class. Beyond it, the latencies of those that succeeded flatter the
    /// system and prove nothing.
    #[serde(default = "default_error_share", deserialize_with = "number::share")]
    pub error_share_max: f64,
}

fn default_error_share() -> f64 {
    0.01
}

fn default_lateness_ms() -> f64 {
    20.0
}
