//! What is done to the system, and when.

use serde::{Deserialize, Serialize};

use super::links::{self, LinkChange};
use super::resolve::{Resolver, SECONDS_MAX};
use crate::format::{Action, ActionVerb, Problem};

/// What a service takes at most.
const SLOWNESS_MAX: f64 = 1_000.0;

/// An action with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// Seconds after the load began.
    pub at_s: f64,
    /// What.
    pub verb: ActionVerb,
    /// To whom.
    pub target: String,
    /// For `scale`.
    pub instances: Option<u32>,
    /// For `policy`.
    pub policy: Option<String>,
    /// For `limit`, in cores.
    #[serde(default)]
    pub cpus: Option<f64>,
    /// For `slow`: how many times as long as declared the work takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowness: Option<f64>,
    /// For `degrade`, `partition`, `reset` and `heal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkChange>,
}

impl ActionSpec {
    /// The action in words: `pause gateway-1`, `scale gateway to 5`, `degrade gateway->users: 50 ms`.
    pub fn words(&self) -> String {
        let verb = match self.verb {
            ActionVerb::Pause => "pause",
            ActionVerb::Resume => "resume",
            ActionVerb::Kill => "kill",
            ActionVerb::Restart => "restart",
            ActionVerb::Scale => "scale",
            ActionVerb::Policy => "balance",
            ActionVerb::Limit => "limit",
            ActionVerb::Slow => "slow down",
            ActionVerb::Disconnect => "disconnect",
            ActionVerb::Connect => "connect",
            ActionVerb::Degrade => "degrade",
            ActionVerb::Partition => "partition",
            ActionVerb::Reset => "reset",
            ActionVerb::Heal => "heal",
        };
        if self.verb == ActionVerb::Limit {
            return match self.cpus {
                Some(cpus) => format!("limit {} to {cpus} cores", self.target),
                None => format!("lift the limit of {}", self.target),
            };
        }
        if let (ActionVerb::Slow, Some(slowness)) = (self.verb, self.slowness) {
            return slowed(&self.target, slowness);
        }
        if let (ActionVerb::Degrade, Some(link)) = (self.verb, &self.link) {
            return format!("{verb} {}: {}", link.way(), link.conditions.words());
        }
        match (&self.instances, &self.policy) {
            (Some(instances), _) => format!("{verb} {} to {instances}", self.target),
            (_, Some(policy)) => format!("{verb} {} by {policy}", self.target),
            _ => format!("{verb} {}", self.target),
        }
    }
}

/// How the pace of an instance is told.
pub fn slowed(instance: &str, slowness: f64) -> String {
    if slowness <= 1.0 {
        return format!("{instance} at its own pace");
    }
    format!("{instance} {slowness:.0} times slower")
}

/// An action with its numbers.
pub(super) fn spec(action: &Action, resolver: &Resolver) -> Result<ActionSpec, Problem> {
    Ok(ActionSpec {
        at_s: resolver.number_in(&action.at_s, 0.0, SECONDS_MAX, "the time")?,
        verb: action.verb,
        target: action.target.to_string(),
        instances: action
            .instances
            .as_ref()
            .map(|instances| {
                resolver
                    .number_in(instances, 1.0, 64.0, "the number of instances")
                    .map(|n| n as u32)
            })
            .transpose()?,
        policy: action.policy.as_ref().map(ToString::to_string),
        cpus: action.cpus.as_ref().map(|cpus| resolver.cpus(cpus)).transpose()?,
        slowness: action
            .slowness
            .as_ref()
            .map(|slowness| resolver.number_in(slowness, 1.0, SLOWNESS_MAX, "the slowness"))
            .transpose()?,
        link: links::change(action, resolver)?,
    })
}
