//! A plan: a scenario with every number decided, ready to be run.
//!
//! The same scenario, options and seed give the same plan, byte for byte.

mod balancer;
mod clients;
mod left_out;
mod links;
mod make;
mod params;
mod playground;
mod predict;
mod requests;
mod resolve;
mod simulation;
mod system;
mod targets;
mod value;

pub use clients::{ClientsSpec, LawSpec, ReadingSpec};
pub use left_out::LeftOut;
pub use links::LinkChange;
pub(crate) use links::problem as link_problem;
pub use make::{Options, PlanError};
pub use predict::{Asked, ChoiceSpec, PredictSpec};
pub use simulation::SimulationSpec;
pub use value::ParamValue;

use std::collections::BTreeMap;

use compose::SystemSpec;
use serde::{Deserialize, Serialize};

use crate::format::{ActionVerb, ArrivalsKind};
use crate::unit::Unit;
use crate::verdict::Role;

/// Everything the engine is going to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Its question.
    pub question: String,
    /// Phase of the curriculum.
    pub phase: u8,
    /// The parameters as they are used.
    pub params: BTreeMap<String, ParamValue>,
    /// The parameters that were set by hand, as given.
    pub overridden: BTreeMap<String, ParamValue>,
    /// Whether this is a quick run.
    pub quick: bool,
    /// The one seed that every random choice comes from.
    pub seed: u64,
    /// How often each arm is measured.
    pub rounds: u32,
    /// Cores of the machine, which some bounds depend on.
    pub cores: f64,
    /// Bound on the generator's own lateness (p99), milliseconds.
    pub lateness_p99_ms_max: f64,
    /// Bound on the share of failed requests of each class.
    pub error_share_max: f64,
    /// How long events may take to arrive after the last request, seconds.
    #[serde(default)]
    pub settle_s: f64,
    /// The arms.
    pub arms: Vec<ArmPlan>,
    /// Arms of the scenario that cannot be measured with these parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What is simulated after the measurement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub simulations: Vec<SimulationSpec>,
    /// In which order the arms are measured: A B, B A, …
    pub turns: Vec<Turn>,
    /// Seconds of measurement that are kept, for a playground, which has no end; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_s: Option<f64>,
    /// What the learner is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predict: Option<PredictSpec>,
    /// What is decided at the end.
    pub checks: Vec<CheckPlan>,
    /// Names of the checks that speak of an arm that was left out, and so cannot be decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
}

/// One measurement of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Round, from 1.
    pub round: u32,
    /// Index into [`Plan::arms`].
    pub arm: usize,
}

/// One arm with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmPlan {
    /// Name in expressions.
    pub name: String,
    /// What people read.
    pub label: String,
    /// The system it runs on.
    pub system: SystemSpec,
    /// Seconds of load before recording.
    pub warmup_s: f64,
    /// Seconds of recorded load; 0 for an arm that only searches.
    pub duration_s: f64,
    /// Streams of requests.
    pub loads: Vec<LoadSpec>,
    /// Clients whose operations make a history; they come before the loads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientsSpec>,
    /// About how long they take, seconds.
    #[serde(default)]
    pub clients_s: f64,
    /// Laws that the histories are held to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laws: Vec<LawSpec>,
    /// Searches, one after the other.
    pub searches: Vec<SearchSpec>,
    /// Actions in order of time.
    pub actions: Vec<ActionSpec>,
    /// Windows that requests are told apart by.
    pub windows: Vec<WindowSpec>,
    /// Questions after the load.
    pub probes: Vec<ProbeSpec>,
    /// Stories to be drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stories: Vec<StorySpec>,
    /// Services whose instances are started again when they die by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revived: Vec<String>,
}

impl ArmPlan {
    /// About how long one measurement of this arm takes, seconds; searches are counted at their longest.
    pub fn expected_s(&self) -> f64 {
        let searching: f64 = self
            .searches
            .iter()
            .map(|search| search.step_s * f64::from(search.steps_max))
            .sum();
        self.clients_s + self.warmup_s + self.duration_s + searching + 0.5
    }
}

/// A request with its places filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// JSON body.
    pub json: Option<String>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Number of keys, one of which is drawn for each request and filled in for `{key}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u32>,
}

/// A stream with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// Class of its requests.
    pub class: String,
    /// Service whose front door is asked.
    pub service: String,
    /// What is asked.
    pub request: RequestSpec,
    /// How fast.
    pub pace: PaceSpec,
    /// Seconds until a request without an answer has failed.
    pub timeout_s: f64,
    /// Milliseconds above which a request counts as slow.
    pub slow_over_ms: Option<f64>,
    /// Field of each JSON answer to collect.
    pub collect: Option<String>,
}

/// How fast a stream runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceSpec {
    /// By a schedule, whether or not answers came.
    Open {
        /// Spacing.
        arrivals: ArrivalsKind,
        /// (from rate, to rate, seconds), one after the other.
        stages: Vec<(f64, f64, f64)>,
        /// At most this many connections.
        connections_max: usize,
    },
    /// By the answers.
    Closed {
        /// Clients.
        connections: usize,
        /// Pause after an answer, milliseconds.
        think_ms: f64,
        /// Stop after so many requests.
        requests_max: Option<u64>,
    },
    /// Single requests at these times, seconds.
    At(Vec<f64>),
}

/// A search with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchSpec {
    /// Class of its requests.
    pub class: String,
    /// What is asked.
    pub request: RequestSpec,
    /// First rate tried.
    pub from_rate_per_s: f64,
    /// Highest rate tried.
    pub to_rate_per_s: f64,
    /// Quantile of the objective.
    pub quantile: f64,
    /// Latency of the objective, milliseconds.
    pub within_ms: f64,
    /// Length of one step, seconds.
    pub step_s: f64,
    /// At most this many steps.
    pub steps_max: u32,
    /// Spacing.
    pub arrivals: ArrivalsKind,
}

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

/// A window with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// Name.
    pub name: String,
    /// Begin, seconds.
    pub from_s: f64,
    /// End, seconds.
    pub to_s: f64,
}

/// A story of one order, asked for after the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorySpec {
    /// Service whose front door is asked.
    pub service: String,
    /// Path.
    pub path: String,
}

/// A probe with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Name of the fact.
    pub name: String,
    /// Service whose front door is asked.
    pub service: String,
    /// HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// Path.
    pub path: String,
    /// Field of the answer.
    pub field: String,
    /// How often.
    pub times: u32,
}

/// What recordings of earlier versions mean.
fn get() -> String {
    "GET".to_owned()
}

/// A check with its bounds decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckPlan {
    /// The sentence that is true when it passes.
    pub name: String,
    /// The expression that is measured.
    pub value: String,
    /// What is allowed.
    pub bounds: Bounds,
    /// Unit of the value.
    pub unit: Unit,
    /// What it means when the value lies outside.
    pub role: Role,
}

/// The values that a check allows; both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The smallest; none: no lower bound.
    pub at_least: Option<f64>,
    /// The largest; none: no upper bound.
    pub at_most: Option<f64>,
}

impl Bounds {
    /// Whether a value is allowed.
    pub fn contain(&self, value: f64) -> bool {
        self.at_least.is_none_or(|bound| value >= bound) && self.at_most.is_none_or(|bound| value <= bound)
    }
}
