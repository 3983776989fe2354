//! What a scenario file says: the types of `scenario.toml`.
//!
//! A scenario is data. Numbers may be written as numbers or as expressions over the scenario's parameters
//! (see [`Quantity`]); texts may hold `{parameter}` places that are filled before the run. Everything here is
//! what a person writes, so unknown keys are refused and every reference keeps its place in the file for errors.

mod clients;
mod error;
mod names;
mod number;
mod parse;
mod predict;
mod quantity;
mod read;
mod rehearsal;
mod scan;
mod schema;
mod simulation;
mod validate;

pub use clients::{Ask, Clients, LawKind, LawSection, Reading};
pub use error::{FormatError, Problem, line_and_column, suggestion};
pub use number::ROUNDS_MAX;
pub use parse::{LESSON_FILE, SCENARIO_FILE, Scenario, Source};
pub use predict::{Choice, Predict};
pub use quantity::{Place, Quantity, QuantityValue};
pub use read::{ReadError, plain, text_of};
pub(crate) use scan::first_hidden;
pub use scan::is_hidden;
pub use schema::json_schema;
pub use simulation::{Figure, SimulationKind, SimulationSection};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Unit;
use crate::verdict::Role;

/// The version of the scenario format that this build reads.
pub const FORMAT_VERSION: u32 = 1;

/// A whole `scenario.toml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Version of this format; 1.
    pub schema: u32,
    /// The scenario's name, equal to its folder's: lower-case letters, digits and hyphens.
    pub name: Place,
    /// Phase of the curriculum, 0 to 7; 8 for what lies beyond it.
    #[serde(deserialize_with = "number::phase")]
    pub phase: u8,
    /// A short title.
    pub title: String,
    /// The one question that the scenario answers.
    pub question: String,
    /// What the scenario needs beside the lab itself.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Parameters that `--set KEY=VALUE` may override, by name.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// Parameters that are one of some words, by name; `--set KEY=WORD` may override them, too.
    #[serde(default)]
    pub choices: BTreeMap<String, ChoiceParam>,
    /// What the learner is asked before the run.
    #[serde(default)]
    pub predict: Option<Predict>,
    /// Rounds and timing.
    pub run: RunSection,
    /// The system under test, as every arm starts from it.
    pub system: SystemSection,
    /// The arms to compare: the same system with one setting changed.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
    /// Streams of requests.
    #[serde(default, rename = "load")]
    pub loads: Vec<Load>,
    /// Clients whose operations make a history.
    #[serde(default)]
    pub clients: Vec<Clients>,
    /// Laws that the histories are held to.
    #[serde(default, rename = "law")]
    pub laws: Vec<LawSection>,
    /// Searches for the highest rate within a latency objective.
    #[serde(default, rename = "search")]
    pub searches: Vec<SearchSection>,
    /// What is simulated beside.
    #[serde(default, rename = "simulation")]
    pub simulations: Vec<SimulationSection>,
    /// Things done to the system at a set time.
    #[serde(default, rename = "action")]
    pub actions: Vec<Action>,
    /// Named spans of an arm's time; a request belongs to the one that holds its intended start.
    #[serde(default, rename = "window")]
    pub windows: Vec<WindowSection>,
    /// Questions put to the system after the load, whose answers become facts.
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
    /// What happened to one order across services, to be drawn.
    #[serde(default, rename = "story")]
    pub stories: Vec<StorySection>,
    /// What must hold, and what must break.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// A thing that a scenario needs and a machine may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A Redis server.
    Redis,
    /// A PostgreSQL server.
    Postgres,
    /// A Kafka broker; the built-in one will do.
    Kafka,
    /// A Kafka broker that keeps what it was given when it is started again, and knows transactions: a real one.
    DurableKafka,
    /// A container engine.
    Docker,
}

/// One declared parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// The value of a default run.
    #[serde(deserialize_with = "number::finite")]
    pub default: f64,
    /// The value of a `--quick` run, where it differs.
    #[serde(default, deserialize_with = "number::finite_or_none")]
    pub quick: Option<f64>,
    /// The smallest value allowed.
    #[serde(deserialize_with = "number::finite")]
    pub min: f64,
    /// The largest value allowed.
    #[serde(deserialize_with = "number::finite")]
    pub max: f64,
    /// Unit, as shown to people: `ms`, `/s`, …
    #[serde(default)]
    pub unit: String,
    /// One line of help.
    pub help: String,
}

/// A parameter that is one of some words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceParam {
    /// The words; the first is that of a default run.
    pub of: Vec<String>,
    /// One line of help.
    pub help: String,
}

/// Rounds and timing of a run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSection {
    /// How often every arm is measured; arms are interleaved (A B, B A, …).
    #[serde(deserialize_with = "number::rounds")]
    pub rounds: u32,
    /// Rounds of a `--quick` run.
    #[serde(deserialize_with = "number::rounds")]
    pub quick_rounds: u32,
    /// How long the load of an arm lasts, in seconds. Not used by arms that search.
    #[serde(default)]
    pub duration_s: Option<Quantity>,
    /// How long the system is driven before anything is recorded, in seconds.
    #[serde(default)]
    pub warmup_s: Option<Quantity>,
    /// About how long the clients of an arm take, in seconds; only the display of progress depends on it. Default 2.
    #[serde(default)]
    pub clients_s: Option<Quantity>,
    /// How long the events of a system with a Kafka may take to arrive after the last request, in seconds; what was not
    /// read by then is not read. Default 60.
    #[serde(default)]
    pub settle_s: Option<Quantity>,
    /// The generator's own bound: a run whose requests left later than this (p99, milliseconds) proves nothing.
    #[serde(default = "default_lateness_ms", deserialize_with = "number::lateness_ms")]
    pub lateness_p99_ms_max: f64,
    /// Failed requests that the scenario bears with, as a share of each class: beyond it, the latencies of those that
    /// succeeded flatter the system and prove nothing.
    #[serde(default = "default_error_share", deserialize_with = "number::share")]
    pub error_share_max: f64,
}

fn default_error_share() -> f64 {
    0.01
}

fn default_lateness_ms() -> f64 {
    20.0
}

/// The system under test.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemSection {
    /// Name of the service that the load is sent to (its front door).
    pub entry: Place,
    /// Where services keep their data: `sqlite` (a file of its own for each service), or `postgres` (a database of its own for
    /// each on one PostgreSQL, which then is one of the services); `{parameter}` places are filled. Default `sqlite`.
    #[serde(default)]
    pub store: Option<Place>,
    /// The services.
    #[serde(rename = "service")]
    pub services: Vec<Service>,
}

/// One service of the system.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// One of the lab's services: `users`, `orders`, `gateway`, …
    pub name: Place,
    /// How many instances; default 1.
    #[serde(default)]
    pub instances: Option<Quantity>,
    /// Policy of the balancer in front of the instances; none means no balancer (and one instance).
    #[serde(default)]
    pub balancer: Option<Place>,
    /// Which program balances: `lab` (the lab's own balancer) or `nginx`; `{parameter}` places are filled. Default `lab`.
    #[serde(default)]
    pub balanced_by: Option<Place>,
    /// Weights of the instances in their order, for policies that look at them; the last one is that of all further
    /// instances, too. Default: 1 each.
    #[serde(default)]
    pub weights: Option<Vec<Quantity>>,
    /// Who tells the balancer of instances that come and go; default `dynamic`.
    #[serde(default)]
    pub membership: Option<MembershipKind>,
    /// Processor time of each instance, in cores; needs a backend that can limit it. Default: no limit.
    #[serde(default)]
    pub cpus: Option<Quantity>,
    /// Memory of each instance, in MiB; needs a backend that can limit it. Default: no limit.
    #[serde(default)]
    pub memory_mib: Option<Quantity>,
    /// Whether instances that die by themselves are started again; default `never`.
    #[serde(default)]
    pub restart: Option<RestartKind>,
    /// Environment of each instance; `{parameter}` places are filled. Only variables that the service or its balancer declares.
    #[serde(default)]
    pub env: BTreeMap<Place, Place>,
}

/// Where a balancer has its list of instances from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipKind {
    /// Whoever starts and stops instances tells it, in the right order.
    Dynamic,
    /// From its start: nobody tells it anything later.
    Static,
}

/// One arm of the comparison.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name used in expressions: lower-case letters, digits and underscores.
    pub name: Place,
    /// What people read.
    pub label: Place,
    /// Whether a `--quick` run measures it, too; default yes. Checks that speak of an arm which was left out are left out
    /// with it.
    #[serde(default = "yes")]
    pub quick: bool,
    /// What this arm changes in the system.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
}

/// A stream of equal requests. Exactly one of `rate_per_s`, `steps`, `closed` and `at_s` gives its pace.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Name of the class of requests, used in expressions and reports.
    pub class: Place,
    /// Arms in which it runs; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door gets the requests; default: the system's entry.
    #[serde(default)]
    pub service: Option<Place>,
    /// What is asked.
    pub request: RequestSection,
    /// Open loop at a constant rate.
    #[serde(default)]
    pub rate_per_s: Option<Quantity>,
    /// Open loop through a list of steps, each of which is a window of its own name.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Closed loop.
    #[serde(default)]
    pub closed: Option<Closed>,
    /// Single requests at these times.
    #[serde(default)]
    pub at_s: Vec<Quantity>,
    /// Spacing of open-loop requests; default Poisson.
    #[serde(default)]
    pub arrivals: ArrivalsKind,
    /// At most this many connections of an open loop; default 512.
    #[serde(default)]
    pub connections_max: Option<Quantity>,
    /// A request that has no answer by then has failed; seconds, default 10.
    #[serde(default)]
    pub timeout_s: Option<Quantity>,
    /// A request that took longer than this counts as slow; milliseconds.
    #[serde(default)]
    pub slow_over_ms: Option<Quantity>,
    /// Field of each JSON answer that is collected, for facts such as duplicates.
    #[serde(default)]
    pub collect: Option<String>,
}

/// A request as written in a scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSection {
    /// HTTP method; default GET.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path and query; `{parameter}` places are filled.
    pub path: Place,
    /// JSON body; `{parameter}` places are not filled here, `{key}` is.
    #[serde(default)]
    pub json: Option<Place>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Place>,
    /// Number of keys: `{key}` in the path, in the values of headers and in the body is then one of 1 to this, drawn
    /// evenly for each request.
    #[serde(default)]
    pub keys: Option<Quantity>,
}

fn yes() -> bool {
    true
}

fn default_method() -> String {
    "GET".to_owned()
}

/// One step of an open loop.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name of the step and of its window.
    pub name: Place,
    /// Rate at its start, requests per second.
    pub rate_per_s: Quantity,
    /// Rate at its end, for a ramp; default: the same.
    #[serde(default)]
    pub to_rate_per_s: Option<Quantity>,
    /// Length in seconds.
    pub for_s: Quantity,
    /// First part of the step that is driven but left out of its window, seconds.
    #[serde(default)]
    pub settle_s: Option<Quantity>,
}

/// A closed loop: a fixed number of clients that wait for each answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// How many clients.
    pub connections: Quantity,
    /// Pause of each client between an answer and its next request, milliseconds.
    #[serde(default)]
    pub think_ms: Option<Quantity>,
    /// Stop after so many requests.
    #[serde(default)]
    pub requests_max: Option<Quantity>,
}

/// How open-loop requests are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalsKind {
    /// Independent users: exponential gaps.
    #[default]
    Poisson,
    /// A metronome: equal gaps.
    Constant,
}

/// A search for the highest rate within a latency objective.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSection {
    /// Name of the class of requests; `ARM.CLASS.max_rate_per_s` holds the result.
    pub class: Place,
    /// Arms in which it runs; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// What is asked.
    pub request: RequestSection,
    /// First rate tried, requests per second.
    pub from_rate_per_s: Quantity,
    /// Never tried above this.
    pub to_rate_per_s: Quantity,
    /// The quantile of the objective, for example 0.99.
    #[serde(deserialize_with = "number::quantile")]
    pub quantile: f64,
    /// The latency of the objective, milliseconds.
    pub within_ms: Quantity,
    /// Length of one step, seconds.
    pub step_s: Quantity,
    /// At most this many steps.
    pub steps_max: Quantity,
    /// Spacing of requests; default Poisson.
    #[serde(default)]
    pub arrivals: ArrivalsKind,
}

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
    /// Begin, seconds after the load began.
    pub from_s: Quantity,
    /// End, seconds after the load began.
    pub to_s: Quantity,
}

/// A question put to the system after the load, and after the answer to the question before it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name of the fact.
    pub name: Place,
    /// Arms in which it is asked; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door is asked; default: the system's entry.
    #[serde(default)]
    pub service: Option<Place>,
    /// HTTP method; default GET.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path that is asked.
    pub path: Place,
    /// Top-level field of the JSON answer.
    pub field: String,
    /// How often it is asked; default 1.
    #[serde(default)]
    pub times: Option<Quantity>,
}

/// Asks a service, after the load, for the story of one order; it is drawn.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorySection {
    /// Arms in which it is asked for; default: all.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Service whose front door is asked.
    pub service: Place,
    /// Path that is asked.
    pub path: Place,
}

/// Whether instances that die by themselves are started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    /// They are not, and the run is inconclusive: nobody asked for it.
    Never,
    /// They are, at once, and each death is counted in the fact `deaths`.
    Always,
}

/// One thing that is decided from the measurements.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A sentence that is true when the check passes.
    pub name: Place,
    /// CEL expression over measured values; gives a number.
    pub value: Place,
    /// Exactly this value (counts).
    #[serde(default)]
    pub equals: Option<Quantity>,
    /// This value or more.
    #[serde(default)]
    pub at_least: Option<Quantity>,
    /// This value or less.
    #[serde(default)]
    pub at_most: Option<Quantity>,
    /// Unit of the value, as shown to people: `ms`, `share`, `/s`, `×` or none.
    #[serde(default)]
    pub unit: Unit,
    /// Whether it is a law that must hold, or shows that a broken arm really broke.
    #[serde(default)]
    pub role: Role,
}
