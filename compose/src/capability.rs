//! What a backend can do, so that a scenario which needs more is refused before anything starts.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a backend may be able to do to a running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Freeze an instance and let it go on.
    Pause,
    /// End an instance with no chance to clean up.
    Kill,
    /// Start an instance again at the same address.
    Restart,
    /// Change the number of instances while the system runs.
    Scale,
    /// Change a balancer's policy while the system runs.
    Policy,
    /// Report processor time and memory of each instance.
    Stats,
    /// Leave the system running after the program that started it has ended.
    Detach,
    /// Limit the processor time and the memory of an instance.
    Limits,
    /// Take an instance off the network that the others share, and put it back.
    Disconnect,
    /// Make the way between two services slow or narrow.
    Delay,
    /// Lose some of what goes over the way between two services.
    Loss,
    /// Cut the way between two services, silently or by resets, and heal it.
    Partition,
    /// Run a server of others from its image, so that this machine needs no program of it.
    Images,
}

impl Capability {
    /// Every capability there is.
    pub const ALL: [Self; 13] = [
        Self::Pause,
        Self::Kill,
        Self::Restart,
        Self::Scale,
        Self::Policy,
        Self::Stats,
        Self::Detach,
        Self::Limits,
        Self::Disconnect,
        Self::Delay,
        Self::Loss,
        Self::Partition,
        Self::Images,
    ];

    /// The capability's name, as written in scenario files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Scale => "scale",
            Self::Policy => "policy",
            Self::Stats => "stats",
            Self::Detach => "detach",
            Self::Limits => "limits",
            Self::Disconnect => "disconnect",
            Self::Delay => "delay",
            Self::Loss => "loss",
            Self::Partition => "partition",
            Self::Images => "images",
        }
    }

    /// Those of `needed` that are not in `available`.
    #[must_use]
    pub fn missing(needed: &BTreeSet<Self>, available: &BTreeSet<Self>) -> BTreeSet<Self> {
        needed.difference(available).copied().collect()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serialised_name_is_the_shown_name() {
        for capability in Capability::ALL {
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.to_string());
        }
    }

    #[test]
    fn missing_names_only_what_is_not_there() {
        let needed = BTreeSet::from([Capability::Pause, Capability::Stats]);
        let available = BTreeSet::from([Capability::Pause, Capability::Kill]);
        assert_eq!(
            Capability::missing(&needed, &available),
            BTreeSet::from([Capability::Stats])
        );
    }
}
