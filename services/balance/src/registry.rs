//! The list of policies by name: the only place that knows all of them.

use std::fmt;
use std::str::FromStr;

use crate::Policy;
use crate::policies::{LeastConnections, Random, RoundRobin};

/// Every policy there is. To add one: a file in `policies/` and a line here.
pub static REGISTRY: &[PolicyKind] = &[
    PolicyKind {
        name: "round_robin",
        summary: "each healthy instance in turn",
        build: || Box::new(RoundRobin::default()),
    },
    PolicyKind {
        name: "least_connections",
        summary: "the instance with the fewest requests in flight, ties in turn",
        build: || Box::new(LeastConnections::default()),
    },
    PolicyKind {
        name: "random",
        summary: "a healthy instance drawn at random",
        build: || Box::new(Random),
    },
];

/// A policy that can be built: its name as written in configuration, what it does in one line, and its constructor.
#[derive(Clone, Copy)]
pub struct PolicyKind {
    name: &'static str,
    summary: &'static str,
    build: fn() -> Box<dyn Policy>,
}

impl PolicyKind {
    /// The name as people write it, such as `least_connections`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does, in one line for a list.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// A fresh policy with no history.
    #[must_use]
    pub fn build(&self) -> Box<dyn Policy> {
        (self.build)()
    }
}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyKind").field(&self.name).finish()
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for PolicyKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for PolicyKind {}

impl FromStr for PolicyKind {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        REGISTRY
            .iter()
            .find(|kind| kind.name == name)
            .copied()
            .ok_or_else(|| UnknownPolicy { name: name.to_owned() })
    }
}

/// A policy name that is not in [`REGISTRY`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no load-balancing policy named \"{name}\"; use one of {}", allowed())]
pub struct UnknownPolicy {
    name: String,
}

fn allowed() -> String {
    REGISTRY.iter().map(PolicyKind::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registered_name_parses_to_itself() {
        for kind in REGISTRY {
            assert_eq!(kind.name().parse::<PolicyKind>().as_ref(), Ok(kind));
        }
    }

    #[test]
    fn names_are_unique_and_every_summary_is_one_line() {
        for (index, kind) in REGISTRY.iter().enumerate() {
            assert!(
                REGISTRY[..index].iter().all(|earlier| earlier != kind),
                "{kind} is registered twice"
            );
            assert!(!kind.summary().is_empty() && !kind.summary().contains('\n'));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_allowed_ones() {
        let message = "least_conn".parse::<PolicyKind>().unwrap_err().to_string();
        assert!(message.contains("\"least_conn\""), "{message}");
        for kind in REGISTRY {
            assert!(message.contains(kind.name()), "{message}");
        }
    }
}
