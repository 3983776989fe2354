//! The list of policies by name: the only place that knows all of them.

use std::fmt;
use std::str::FromStr;

use crate::Policy;
use crate::policies::{
    BoundedLoads, ConsistentHash, IpHash, LeastConnections, LeastResponseTime, Maglev, PeakEwma, Random, Rendezvous,
    RoundRobin, TwoChoices, WeightedLeastConnections, WeightedRoundRobin,
};

/// Every policy there is. To add one: a file in `policies/` and a line here.
pub static REGISTRY: &[PolicyKind] = &[
    PolicyKind {
        name: "round_robin",
        summary: "each healthy instance in turn",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(RoundRobin::default()),
    },
    PolicyKind {
        name: "least_connections",
        summary: "the instance with the fewest requests in flight, ties in turn",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(LeastConnections::default()),
    },
    PolicyKind {
        name: "random",
        summary: "a healthy instance drawn at random",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(Random),
    },
    PolicyKind {
        name: "weighted_round_robin",
        summary: "each instance in turn, in proportion to its weight",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(WeightedRoundRobin::default()),
    },
    PolicyKind {
        name: "weighted_least_connections",
        summary: "the fewest requests in flight for its weight, ties in turn",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(WeightedLeastConnections::default()),
    },
    PolicyKind {
        name: "two_choices",
        summary: "of two drawn instances the one with fewer requests in flight",
        is_keyed: false,
        reads_answers: false,
        build: || Box::new(TwoChoices),
    },
    PolicyKind {
        name: "least_response_time",
        summary: "the lowest mean latency times requests in flight",
        is_keyed: false,
        reads_answers: true,
        build: || Box::new(LeastResponseTime::default()),
    },
    PolicyKind {
        name: "peak_ewma",
        summary: "of two drawn instances the one with the lower peak latency times load, failures priced",
        is_keyed: false,
        reads_answers: true,
        build: || Box::new(PeakEwma),
    },
    PolicyKind {
        name: "ip_hash",
        summary: "by the key's hash modulo the number of instances",
        is_keyed: true,
        reads_answers: false,
        build: || Box::new(IpHash),
    },
    PolicyKind {
        name: "consistent_hash",
        summary: "by the key's place on a ring of instances",
        is_keyed: true,
        reads_answers: false,
        build: || Box::new(ConsistentHash::default()),
    },
    PolicyKind {
        name: "bounded_loads",
        summary: "consistent hashing, with nobody above 1.25 times the mean load",
        is_keyed: true,
        reads_answers: false,
        build: || Box::new(BoundedLoads::default()),
    },
    PolicyKind {
        name: "rendezvous",
        summary: "by the highest score of key and instance",
        is_keyed: true,
        reads_answers: false,
        build: || Box::new(Rendezvous),
    },
    PolicyKind {
        name: "maglev",
        summary: "by the key's place in a table that instances filled in turn",
        is_keyed: true,
        reads_answers: false,
        build: || Box::new(Maglev::default()),
    },
];

/// A policy that can be built: its name as written in configuration, what it does in one line, and its constructor.
#[derive(Clone, Copy)]
pub struct PolicyKind {
    name: &'static str,
    summary: &'static str,
    is_keyed: bool,
    reads_answers: bool,
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

    /// Whether the request's key decides, so that what has the same key stays together.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.is_keyed
    }

    /// Whether it looks at latencies or failures, so that somebody has to keep [`crate::Signals`].
    #[must_use]
    pub const fn reads_answers(&self) -> bool {
        self.reads_answers
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
