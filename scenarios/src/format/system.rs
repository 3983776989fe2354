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
    /// Probes each instance, as an orchestrator does, and kills and starts again who fails them; default: no probe.
    #[serde(default)]
    pub liveness: Option<Liveness>,
    /// Environment of each instance; `{parameter}` places are filled. Only variables that the service or its balancer declares.
    #[serde(default)]
    pub env: BTreeMap<Place, Place>,
}

/// A liveness probe: an instance that fails it several times in a row is killed and started again. Each kill counts in the
/// fact `deaths`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Liveness {
    /// Path that is asked; 2xx is alive.
    pub path: Place,
    /// How often, and the longest wait for an answer; milliseconds.
    pub every_ms: Quantity,
    /// So many failures in a row kill.
    pub failures: Quantity,
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
    /// Of a planted fault: the arm in whose place it stands.
    #[serde(skip)]
    pub stands_in: Option<Place>,
}

impl Arm {
    /// What it changes in a service.
    pub fn change_of(&self, base: &Service) -> Option<&Service> {
        let mut changes = self.services.iter();
        changes.find(|change| change.name.as_str() == base.name.as_str())
    }

    /// Whether something that is said for these arms (none: for all) holds in this one. What holds in an arm, holds in a
    /// fault that is planted there.
    pub fn is_among(&self, arms: &[Place]) -> bool {
        let is_named = |name: &Place| arms.iter().any(|arm| arm.as_str() == name.as_str());
        arms.is_empty() || is_named(&self.name) || self.stands_in.as_ref().is_some_and(is_named)
    }
}

/// A fault that is planted in an arm on purpose: that arm in everything, with something wrong.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// Its name, which `arms = […]` of loads, actions and so on may list for what belongs to it alone.
    pub name: Place,
    /// What people read.
    pub label: Place,
    /// The arm in whose place it stands.
    pub stands_in: Place,
    /// What is wrong with it: what it changes in the system beside what that arm changes.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
}

impl Planted {
    /// The arm that it is: the one of these in whose place it stands, with its own changes on top.
    pub fn arm(&self, arms: &[Arm]) -> Arm {
        let replaced = arms.iter().find(|arm| arm.name.as_str() == self.stands_in.as_str());
        let mut services = replaced.map(|arm| arm.services.clone()).unwrap_or_default();
        for change in &self.services {
            match services
                .iter_mut()
                .find(|known| known.name.as_str() == change.name.as_str())
            {
                Some(known) => known.change(change),
                None => services.push(change.clone()),
            }
        }
        Arm {
            name: self.name.clone(),
            label: self.label.clone(),
            quick: true,
            settle_s: replaced.and_then(|arm| arm.settle_s.clone()),
            services,
            stands_in: Some(self.stands_in.clone()),
        }
    }
}

impl Service {
    /// Changes what the other one says, and leaves the rest.
    fn change(&mut self, other: &Self) {
        fn set<T: Clone>(mine: &mut Option<T>, other: &Option<T>) {
            if other.is_some() {
                mine.clone_from(other);
            }
        }
        set(&mut self.instances, &other.instances);
        set(&mut self.balancer, &other.balancer);
        set(&mut self.balanced_by, &other.balanced_by);
        set(&mut self.weights, &other.weights);
        set(&mut self.membership, &other.membership);
        set(&mut self.cpus, &other.cpus);
        set(&mut self.memory_mib, &other.memory_mib);
        set(&mut self.restart, &other.restart);
        set(&mut self.liveness, &other.liveness);
        for (name, value) in &other.env {
            self.env.insert(name.clone(), value.clone());
        }
    }
}

fn yes() -> bool {
    true
}
