//! The types in which a system is written down.

use std::collections::BTreeMap;

use contract::{LinkConditions, Program};
use serde::{Deserialize, Serialize};

/// A system: its services and which of them the load enters through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemSpec {
    /// The system's own name, for people: `full`, `shop`.
    pub name: String,
    /// The services, in any order; the start order follows from who calls whom.
    pub services: Vec<ServiceSpec>,
    /// The name (alias) of the service whose front door gets the load.
    pub entry: String,
    /// The ways between two services that go through a link proxy, so that they can be made slow, lossy or cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkSpec>,
}

/// The way from one service to another that it calls, through a proxy. All instances of the caller use the one proxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// The alias of the caller.
    pub from: String,
    /// The alias of the callee.
    pub to: String,
    /// Seed of what the link draws.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// What it does to connections.
    #[serde(default, skip_serializing_if = "LinkConditions::is_plain")]
    pub conditions: LinkConditions,
}

/// One service of a system and how many copies of it run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// The alias under which the service is known in this system, e.g. `gateway`. Instances are called
    /// `gateway-1`, `gateway-2`, …, the balancer in front of them `gateway-balancer`.
    pub name: String,
    /// Which program runs.
    pub service: Program,
    /// How many instances run; at least 1, and more than 1 only behind a balancer.
    #[serde(default = "one")]
    pub instances: u32,
    /// The balancer in front of the instances, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<BalancerSpec>,
    /// Further environment variables of every instance; they win over what the wiring sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What each instance may use of the machine, where the backend can limit it; a backend that cannot refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// What one instance may use of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processor time, in thousandths of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<u32>,
    /// Memory, in MiB. An instance that needs more is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
}

/// The balancer in front of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerSpec {
    /// The name of the load-balancing policy, e.g. `round_robin`. The balancer itself knows which names exist.
    pub policy: String,
    /// Which program it is.
    #[serde(default, skip_serializing_if = "BalancerKind::is_lab")]
    pub kind: BalancerKind,
    /// Who tells it of instances that come and go.
    #[serde(default, skip_serializing_if = "Membership::is_dynamic")]
    pub membership: Membership,
    /// Weights of the instances by number, for policies that look at them; the last one is that of all further instances,
    /// too. Empty is 1 each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<u32>,
}

impl BalancerSpec {
    /// The lab's own balancer with this policy.
    #[must_use]
    pub fn new(policy: &str) -> Self {
        Self {
            policy: policy.to_owned(),
            kind: BalancerKind::default(),
            membership: Membership::default(),
            weights: Vec::new(),
        }
    }

    /// The weight of instance `index` (from 1).
    #[must_use]
    pub fn weight(&self, index: u32) -> u32 {
        let own = self.weights.get(index.saturating_sub(1) as usize);
        own.or(self.weights.last()).copied().unwrap_or(1)
    }
}

/// Where a balancer has its list of instances from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Membership {
    /// Whoever starts and stops instances tells it.
    #[default]
    Dynamic,
    /// From its start: nobody tells it anything later, so instances that are added get nothing, and those that go away
    /// are missed.
    Static,
}

impl Membership {
    const fn is_dynamic(&self) -> bool {
        matches!(self, Self::Dynamic)
    }
}

/// The programs that can stand in front of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BalancerKind {
    /// The lab's own balancer.
    #[default]
    Lab,
    /// An nginx with one worker.
    Nginx,
}

impl BalancerKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Lab, Self::Nginx];

    /// The name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Nginx => "nginx",
        }
    }

    /// The program that runs.
    #[must_use]
    pub const fn program(self) -> Program {
        match self {
            Self::Lab => Program::Balancer,
            Self::Nginx => Program::Nginx,
        }
    }

    const fn is_lab(&self) -> bool {
        matches!(self, Self::Lab)
    }
}

const fn one() -> u32 {
    1
}

const fn first_seed() -> u64 {
    1
}

impl LinkSpec {
    /// A link that leaves connections alone.
    #[must_use]
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            seed: first_seed(),
            conditions: LinkConditions::default(),
        }
    }

    /// The name of its proxy among the instances: `gateway-users-link`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}-link", self.from, self.to)
    }
}

impl ServiceSpec {
    /// One instance of `service` under the service's own name, with nothing in front.
    #[must_use]
    pub fn new(service: Program) -> Self {
        Self {
            name: service.to_string(),
            service,
            instances: 1,
            balancer: None,
            env: BTreeMap::new(),
            limits: None,
        }
    }

    /// The same service with `instances` copies behind a balancer with `policy`.
    #[must_use]
    pub fn balanced(mut self, instances: u32, policy: &str) -> Self {
        self.instances = instances;
        self.balancer = Some(BalancerSpec::new(policy));
        self
    }

    /// The same service with weights of its instances, where it has a balancer.
    #[must_use]
    pub fn weighted(mut self, weights: &[u32]) -> Self {
        if let Some(balancer) = &mut self.balancer {
            balancer.weights = weights.to_vec();
        }
        self
    }

    /// The same service with another program as the balancer, where it has one.
    #[must_use]
    pub fn balanced_by(mut self, kind: BalancerKind) -> Self {
        if let Some(balancer) = &mut self.balancer {
            balancer.kind = kind;
        }
        self
    }

    /// The same service with a balancer that is told nothing after its start, where it has one.
    #[must_use]
    pub fn listed_once(mut self) -> Self {
        if let Some(balancer) = &mut self.balancer {
            balancer.membership = Membership::Static;
        }
        self
    }

    /// The same service with limits for each instance.
    #[must_use]
    pub const fn limited(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The same service under another alias.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same service with one more environment variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The names of the instances that the specification asks for: `gateway-1`, `gateway-2`, ….
    pub fn instance_names(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.instances).map(|index| instance_name(&self.name, index))
    }

    /// The name of the process that others talk to: the balancer if there is one, else the only instance.
    #[must_use]
    pub fn front_door_name(&self) -> String {
        if self.balancer.is_some() {
            balancer_name(&self.name)
        } else {
            instance_name(&self.name, 1)
        }
    }
}

impl ServiceSpec {
    /// The program that others talk to: the balancer's if there is one, else the service's own.
    #[must_use]
    pub fn front_door_program(&self) -> Program {
        self.balancer
            .as_ref()
            .map_or(self.service, |balancer| balancer.kind.program())
    }
}

impl SystemSpec {
    /// The service with this alias.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&ServiceSpec> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Whether the system has a service, or a balancer in front of one, that is this program.
    #[must_use]
    pub fn has(&self, program: Program) -> bool {
        let is_it = |service: &ServiceSpec| service.service == program || service.front_door_program() == program;
        self.services.iter().any(is_it)
    }

    /// The links that begin at this service, each with its number, from 1.
    pub(crate) fn links_from<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (u32, &'a LinkSpec)> {
        (1..).zip(&self.links).filter(move |(_, link)| link.from == service)
    }

    /// Whether the instance of this name does a service's work, and is not what stands before or between services.
    #[must_use]
    pub fn does_work(&self, instance: &str) -> bool {
        let is_balancer = |service: &ServiceSpec| balancer_name(&service.name) == instance;
        !self.services.iter().any(is_balancer) && !self.links.iter().any(|link| link.name() == instance)
    }

    /// How many processes the system is made of, balancers and links included.
    #[must_use]
    pub fn process_count(&self) -> usize {
        let of_service = |service: &ServiceSpec| service.instances as usize + usize::from(service.balancer.is_some());
        self.services.iter().map(of_service).sum::<usize>() + self.links.len()
    }
}

/// The name of instance `index` (from 1) of the service with this alias.
#[must_use]
pub fn instance_name(service: &str, index: u32) -> String {
    format!("{service}-{index}")
}

/// The name of the balancer in front of the service with this alias.
#[must_use]
pub fn balancer_name(service: &str) -> String {
    format!("{service}-balancer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::named_system;

    #[test]
    fn balancers_and_links_do_no_work_of_a_service() {
        let mut system = named_system("full").unwrap();
        system.links.push(LinkSpec::new("gateway", "users"));
        let link = system.links[0].name();
        for (name, works) in [
            ("gateway-1", true),
            ("gateway-12", true),
            ("users-1", true),
            ("gateway-balancer", false),
            (link.as_str(), false),
        ] {
            assert_eq!(system.does_work(name), works, "{name}");
        }
    }
}
