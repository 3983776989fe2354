//! What can be done to a system while its clients act, and the sign by which each kind is known in every picture.

use serde::{Deserialize, Serialize};

/// The kinds of things that are done to a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A process was stopped.
    Pause,
    /// It went on.
    Resume,
    /// A process was ended.
    Kill,
    /// It was started again.
    Restart,
    /// A service got another number of instances.
    Scale,
    /// A balancer got another policy.
    Policy,
    /// A process got less processor time, or its limit was lifted.
    Limit,
    /// An instance was taken off the network.
    Disconnect,
    /// It was put back.
    Connect,
    /// The way between two services was made slow, lossy or narrow.
    Degrade,
    /// It was cut silently.
    Partition,
    /// Its connections were reset.
    Reset,
    /// It was made as it was.
    Heal,
    /// Requests came at another rate.
    Rate,
    /// A process was made to burn processor time.
    Burn,
    /// The work of an instance was made slower, or as it was.
    Slow,
}

impl ActionKind {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 16] = [
        Self::Pause,
        Self::Resume,
        Self::Kill,
        Self::Restart,
        Self::Scale,
        Self::Policy,
        Self::Limit,
        Self::Disconnect,
        Self::Connect,
        Self::Degrade,
        Self::Partition,
        Self::Reset,
        Self::Heal,
        Self::Rate,
        Self::Burn,
        Self::Slow,
    ];

    /// Its sign: one column wide, and no other kind's. With `ascii`, nothing beyond ASCII.
    ///
    /// What takes something away is filled, and what gives it back is hollow.
    #[must_use]
    pub const fn sign(self, ascii: bool) -> char {
        let (unicode, plain) = match self {
            Self::Pause => ('■', '#'),
            Self::Resume => ('□', '='),
            Self::Kill => ('†', 'K'),
            Self::Restart => ('↻', 'R'),
            Self::Scale => ('±', 'S'),
            Self::Policy => ('⇄', 'P'),
            Self::Limit => ('◒', 'L'),
            Self::Disconnect => ('▼', 'D'),
            Self::Connect => ('▽', 'C'),
            Self::Degrade => ('≈', '~'),
            Self::Partition => ('◆', '%'),
            Self::Reset => ('↯', '!'),
            Self::Heal => ('◇', 'H'),
            Self::Rate => ('⇅', '$'),
            Self::Burn => ('☼', 'B'),
            Self::Slow => ('◷', 'W'),
        };
        if ascii { plain } else { unicode }
    }

    /// Its name in a legend.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Scale => "scale",
            Self::Policy => "policy",
            Self::Limit => "CPU limit",
            Self::Disconnect => "disconnect",
            Self::Connect => "connect",
            Self::Degrade => "degrade",
            Self::Partition => "partition",
            Self::Reset => "reset",
            Self::Heal => "heal",
            Self::Rate => "rate",
            Self::Burn => "burn",
            Self::Slow => "slow down",
        }
    }

    /// Sign and name, as a legend says them: `■ pause`.
    #[must_use]
    pub fn legend(self, ascii: bool) -> String {
        format!("{} {}", self.sign(ascii), self.name())
    }

    /// Whether those whom it is done to stand still from then on (true), or go on (false); none where it does neither.
    #[must_use]
    pub const fn stills(self) -> Option<bool> {
        match self {
            Self::Pause | Self::Kill => Some(true),
            Self::Resume | Self::Restart => Some(false),
            Self::Scale
            | Self::Policy
            | Self::Limit
            | Self::Disconnect
            | Self::Connect
            | Self::Degrade
            | Self::Partition
            | Self::Reset
            | Self::Heal
            | Self::Rate
            | Self::Burn
            | Self::Slow => None,
        }
    }

    /// Whether it gives back what another kind took: such a thing has its effect as soon as it begins, and any other one
    /// once it is done.
    #[must_use]
    pub const fn gives_back(self) -> bool {
        matches!(self, Self::Resume | Self::Restart | Self::Connect | Self::Heal)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The kind that follows; a new one does not compile until it stands here.
    fn next(kind: ActionKind) -> Option<ActionKind> {
        use ActionKind as Kind;
        Some(match kind {
            Kind::Pause => Kind::Resume,
            Kind::Resume => Kind::Kill,
            Kind::Kill => Kind::Restart,
            Kind::Restart => Kind::Scale,
            Kind::Scale => Kind::Policy,
            Kind::Policy => Kind::Limit,
            Kind::Limit => Kind::Disconnect,
            Kind::Disconnect => Kind::Connect,
            Kind::Connect => Kind::Degrade,
            Kind::Degrade => Kind::Partition,
            Kind::Partition => Kind::Reset,
            Kind::Reset => Kind::Heal,
            Kind::Heal => Kind::Rate,
            Kind::Rate => Kind::Burn,
            Kind::Burn => Kind::Slow,
            Kind::Slow => return None,
        })
    }

    #[test]
    fn every_kind_has_a_sign_and_a_name_of_its_own() {
        let all: Vec<ActionKind> = std::iter::successors(Some(ActionKind::Pause), |kind| next(*kind)).collect();
        assert_eq!(all, ActionKind::ALL);
        for ascii in [false, true] {
            let signs: BTreeSet<char> = all.iter().map(|kind| kind.sign(ascii)).collect();
            assert_eq!(signs.len(), all.len());
            assert!(!ascii || signs.iter().all(char::is_ascii_graphic));
        }
        let names: BTreeSet<&str> = all.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), all.len());
    }
}
