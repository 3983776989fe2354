//! What is done to a running system: the actions of a plan, and what a person does by hand.

use compose::LinkConditions;
use history::ActionKind;
use serde::{Deserialize, Serialize};

use crate::format::ActionVerb;
use crate::plan::{ActionSpec, slowed};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// What a scenario's action does.
    Act(ActionSpec),
    /// Drive the open loops of a class at this rate.
    Rate {
        /// The class.
        class: String,
        /// Requests per second, above 0.
        per_s: f64,
    },
    /// Ask an instance to burn processor time on its event loop.
    Burn {
        /// The instance.
        instance: String,
        /// Processor time, milliseconds.
        ms: u64,
    },
    /// Make the declared work of an instance take this many times as long.
    Slow {
        /// The instance.
        instance: String,
        /// The factor; 1 is as declared.
        slowness: f64,
    },
}

impl Command {
    /// The command in words.
    pub fn words(&self) -> String {
        match self {
            Self::Rate { class, per_s } => format!("{class} at {per_s:.0}/s"),
            Self::Act(action) => action.words(),
            Self::Burn { instance, ms } => format!("burn {ms} ms on {instance}"),
            Self::Slow { instance, slowness } => slowed(instance, *slowness),
        }
    }

    /// Its kind, which has a sign in every picture.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Act(action) => action.verb.kind(),
            Self::Rate { .. } => ActionKind::Rate,
            Self::Burn { .. } => ActionKind::Burn,
            Self::Slow { .. } => ActionKind::Slow,
        }
    }

    /// The action of a scenario, where it is one.
    pub fn action(&self) -> Option<&ActionSpec> {
        match self {
            Self::Act(action) => Some(action),
            Self::Rate { .. } | Self::Burn { .. } | Self::Slow { .. } => None,
        }
    }

    /// The way whose conditions it sets, and those.
    pub fn link(&self) -> Option<(String, LinkConditions)> {
        let link = self.action()?.link.as_ref()?;
        Some((link.way(), link.conditions))
    }
}

impl ActionVerb {
    /// The kind of what it does.
    pub const fn kind(self) -> ActionKind {
        match self {
            Self::Pause => ActionKind::Pause,
            Self::Resume => ActionKind::Resume,
            Self::Kill => ActionKind::Kill,
            Self::Restart => ActionKind::Restart,
            Self::Scale => ActionKind::Scale,
            Self::Policy => ActionKind::Policy,
            Self::Limit => ActionKind::Limit,
            Self::Slow => ActionKind::Slow,
            Self::Disconnect => ActionKind::Disconnect,
            Self::Connect => ActionKind::Connect,
            Self::Degrade => ActionKind::Degrade,
            Self::Partition => ActionKind::Partition,
            Self::Reset => ActionKind::Reset,
            Self::Heal => ActionKind::Heal,
        }
    }
}

/// A command that was carried out, or could not be. Times are seconds after the load began; in an arm with clients, after
/// those began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acted {
    /// Which of the arm's planned actions it is, counted from 0; none where a person did it by hand.
    pub number: Option<usize>,
    /// What was done.
    pub command: Command,
    /// When it was to be done; by hand: at once, so when it was asked for.
    pub planned_s: f64,
    /// When it was really begun.
    pub began_s: f64,
    /// When it was really done.
    pub done_s: f64,
    /// Why it failed; none when it was done.
    pub failure: Option<String>,
}

impl Acted {
    /// In words: `pause gateway-1`.
    pub fn words(&self) -> String {
        self.command.words()
    }

    /// When it had its effect: what gives something back has it as soon as it begins (a process goes on as soon as it is
    /// told to), and anything else once it is known to be done.
    pub fn effect_s(&self) -> f64 {
        if self.command.kind().gives_back() {
            self.began_s
        } else {
            self.done_s
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_of_the_scenario_format_is_a_kind_of_its_own() {
        let schema: serde_json::Value = serde_json::from_str(&crate::format::json_schema()).unwrap();
        let verbs = schema["$defs"]["ActionVerb"]["oneOf"].as_array().unwrap();
        for verb in verbs.iter().map(|verb| &verb["const"]) {
            let kind = serde_json::from_value::<ActionVerb>(verb.clone()).unwrap().kind();
            assert_eq!(&serde_json::to_value(kind).unwrap(), verb);
        }
        // The other two are done by hand alone.
        assert_eq!(verbs.len() + 2, ActionKind::ALL.len());
    }
}
