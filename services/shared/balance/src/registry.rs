//! Finding a policy by its name.

use std::str::FromStr;

use crate::PolicyKind;
use crate::policies::REGISTRY;

impl FromStr for PolicyKind {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        REGISTRY
            .iter()
            .find(|kind| kind.name() == name)
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
