//! The system under test, and the arms that change one thing of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Place, Quantity};

/// The system under test.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemSection {
    /// Name of the service that the load is sent to (its front door).
    pub entry: Place,
    /// Where services keep their data: `sqlite` (a file of its own for each service), or `postgres` (a database of its own for
    /// each on one PostgreSQL, which then is one of the services); `{parameter}` places are filled. Default `sqlite`.
    #[serde(default)]
    pub store: Option<Place>,
    /// The services.
    #[serde(rename = "service")]
    pub services: Vec<Service>,
}

/// One service of the system.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// One of the lab's services: `users`, `orders`, `gateway`, …
    pub name: Place,
    /// How many instances; default 1.
    #[serde(default)]
    pub instances: Option<Quantity>,
    /// Policy of the balancer in front of the instances; none means no balancer (and one instance).
    #[serde(default)]
    pub balancer: Option<Place>,
    /// Which program balances: `lab` (the lab's own balancer) or `nginx`; `{parameter}` places are filled. Default `lab`.
    #[serde(default)]
    pub balanced_by: Option<Place>,
    /// Weights of the instances in their order, for policies that look at them; the last one is that of all further
    /// instances, too. Default: 1 each.
    #[serde(default)]
    pub weights: Option<Vec<Quantity>>,
    /// Who tells the balancer of instances that come and go; default `dynamic`.
    #[serde(default)]
    pub membership: Option<MembershipKind>,
    /// Processor time of each instance, in cores; needs a backend that can limit it. Default: no limit.
    #[serde(default)]
    pub cpus: Option<Quantity>,
    /// Memory of each instance, in MiB; needs a backend that can limit it. Default: no limit.
    #[serde(default)]
    pub memory_mib: Option<Quantity>,
    /// Whether instances that die by themselves are started again; default `never`.
    #[serde(default)]
    pub restart: Option<RestartKind>,
    /// Environment of each instance; `{parameter}` places are filled. Only variables that the service or its balancer declares.
    #[serde(default)]
    pub env: BTreeMap<Place, Place>,
}

/// Where a balancer has its list of instances from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipKind {
    /// Whoever starts and stops instances tells it, in the right order.
    Dynamic,
    /// From its start: nobody tells it anything later.
    Static,
}

/// Whether instances that die by themselves are started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    /// They are not, and the run is inconclusive: nobody asked for it.
    Never,
    /// They are, at once, and each death is counted in the fact `deaths`.
    Always,
}

/// One arm of the comparison.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name used in expressions: lower-case letters, digits and underscores.
    pub name: Place,
    /// What people read.
    pub label: Place,
    /// Whether a `--quick` run measures it, too; default yes. Checks that speak of an arm which was left out are left out
    /// with it.
    #[serde(default = "yes")]
    pub quick: bool,
    /// How long events may take to arrive in this arm, where that differs from `settle_s` of `[run]`: for an arm in which
    /// some never do, and nothing is learned from waiting any longer.
    #[serde(default)]
    pub settle_s: Option<Quantity>,
    /// What this arm changes in the system.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
}

impl Arm {
    /// Whether something that is said for these arms (none: for all) holds in this one.
    pub fn is_among(&self, arms: &[Place]) -> bool {
        arms.is_empty() || arms.contains(&self.name)
    }
}

fn yes() -> bool {
    true
}
