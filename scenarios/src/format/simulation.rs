//! What a scenario simulates beside what it measures: the balancer's own policies over more servers than a machine has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Place, Quantity};

/// Simulations in virtual time, one for each policy and number of servers. Their outcome is
/// `simulated.NAME.POLICY.nSERVERS.FIGURE` in expressions.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationSection {
    /// Name used in expressions.
    pub name: Place,
    /// What people read.
    pub label: Place,
    /// What is simulated; default `queues`.
    #[serde(default)]
    pub kind: SimulationKind,
    /// Policies of the balancer.
    pub policies: Vec<Place>,
    /// Numbers of servers.
    pub servers: Vec<u32>,
    /// The figure that the picture shows.
    pub shows: Figure,
    /// Service time, as in `lab sim`: `constant:10`, `exponential:10`, …, in milliseconds; default `exponential:10`.
    #[serde(default)]
    pub service: Option<Place>,
    /// Requests that one server works on at once; default 1.
    #[serde(default)]
    pub slots: Option<Quantity>,
    /// Offered load, as a share of what all servers can do if none is slow; default 0.8.
    #[serde(default)]
    pub load: Option<Quantity>,
    /// Slow servers: `SERVERSxFACTOR`; `{parameter}` places are filled.
    #[serde(default)]
    pub slow: Option<Place>,
    /// How old the balancer's information is, milliseconds: the true loads, written anew that often. Default: its own
    /// count, which is never old.
    #[serde(default)]
    pub stale_ms: Option<Quantity>,
    /// When clients give up, milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<Quantity>,
    /// Keys of the requests: `COUNT` or `COUNT:SKEW`.
    #[serde(default)]
    pub keys: Option<Place>,
    /// Requests of each simulation; default 200,000. For bins: how often it is repeated, default 20.
    #[serde(default)]
    pub requests: Option<Quantity>,
}

/// What is simulated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimulationKind {
    /// Servers that work on what they are sent.
    #[default]
    Queues,
    /// As many requests as servers, and nobody ever answers: balls into bins.
    Bins,
}

/// A figure of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The most requests that any server held at once.
    Fullest,
    /// The share of requests that were not answered well and in time.
    Lost,
    /// Mean time of a request.
    MeanMs,
    /// 99th percentile of it.
    P99Ms,
    /// Requests of the server that got most, over the mean of all.
    BusiestOverMean,
}

impl Figure {
    /// What it is, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fullest => "requests on the fullest server",
            Self::Lost => "requests lost",
            Self::MeanMs => "mean time",
            Self::P99Ms => "p99",
            Self::BusiestOverMean => "busiest server over the mean",
        }
    }
}
