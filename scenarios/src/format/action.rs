//! What is done to the system while it is under load, and spans of that time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Place, Quantity};

/// Something done to the system at a set time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// When, in seconds after the load began; in an arm with clients, after those began.
    pub at_s: Quantity,
    /// What.
    #[serde(rename = "do")]
    pub verb: ActionVerb,
    /// The instance it is done to (`gateway-1`), the service for `scale` and `policy`, or the way from one service to
    /// another (`gateway->users`) for `degrade`, `partition`, `reset` and `heal`.
    pub target: Place,
    /// For `scale`: how many instances.
    #[serde(default)]
    pub instances: Option<Quantity>,
    /// For `policy`: the new policy.
    #[serde(default)]
    pub policy: Option<Place>,
    /// For `limit`: processor time in cores; without it, the limit is taken away.
    #[serde(default)]
    pub cpus: Option<Quantity>,
    /// For `degrade`: how much later everything arrives, each way, in milliseconds.
    #[serde(default)]
    pub latency_ms: Option<Quantity>,
    /// For `degrade`: up to this much later still, drawn for each segment, in milliseconds.
    #[serde(default)]
    pub jitter_ms: Option<Quantity>,
    /// For `degrade`: the share of segments, from 0 to 0.9, that are lost and come after a retransmission time-out.
    #[serde(default)]
    pub loss: Option<Quantity>,
    /// For `degrade`: how much of each connection goes through, each way, in KiB per second.
    #[serde(default)]
    pub kib_per_s: Option<Quantity>,
    /// For `slow`: how many times as long as declared the instance's work takes from then on; 1 is as declared.
    #[serde(default)]
    pub slowness: Option<Quantity>,
    /// Arms in which it is done; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionVerb {
    /// Stop the instance's processor time (SIGSTOP).
    Pause,
    /// Let it go on (SIGCONT).
    Resume,
    /// End it at once (SIGKILL).
    Kill,
    /// Start it again.
    Restart,
    /// Change the number of instances.
    Scale,
    /// Change the balancer's policy while traffic flows.
    Policy,
    /// Limit the instance's processor time; needs a backend that can.
    Limit,
    /// Make the instance's declared work take so many times as long; the service needs `WORK_CONTROL = "on"`.
    Slow,
    /// Take the instance off the network that the others share; needs a backend that can.
    Disconnect,
    /// Put it back.
    Connect,
    /// Make the way between two services slow, lossy or narrow; what was said of it before does not hold any more.
    Degrade,
    /// Cut the way between two services, silently: a black hole.
    Partition,
    /// Reset all connections between two services, and every new one.
    Reset,
    /// Make the way between two services as it was.
    Heal,
}

impl ActionVerb {
    /// Whether it is done to the way between two services.
    pub const fn is_on_a_link(self) -> bool {
        matches!(self, Self::Degrade | Self::Partition | Self::Reset | Self::Heal)
    }
}

/// A named span of an arm's time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowSection {
    /// Name used in expressions.
    pub name: Place,
    /// Start, seconds after the load started.
    pub from_s: Quantity,
    /// End, seconds after the load started.
    pub to_s: Quantity,
}
