//! A plan: a scenario with every number decided, ready to be run.
//!
//! The same scenario, options and seed give the same plan, byte for byte.

mod action;
mod arm;
mod balancer;
mod check;
mod clients;
mod expected;
mod left_out;
mod links;
mod liveness;
mod load;
mod make;
mod options;
mod params;
mod playground;
mod predict;
mod probe;
mod requests;
mod resolve;
mod search;
mod settings;
mod simulation;
mod system;
mod targets;
mod timing;
mod value;
mod window;

pub use action::{ActionSpec, slowed};
pub use arm::ArmPlan;
pub use check::{Bounds, CheckPlan};
pub use clients::{ClientsSpec, InvariantSpec, ReadingSpec};
pub use expected::{Expected, Learned, expected_s};
pub use left_out::LeftOut;
pub use links::LinkChange;
pub use liveness::LivenessSpec;
pub use load::{LoadSpec, PaceSpec};
pub use options::{Options, PlanError};
pub use predict::{Asked, ChoiceSpec, PredictSpec};
pub use probe::{ProbeSpec, StorySpec};
pub use requests::RequestSpec;
pub use search::SearchSpec;
pub use simulation::SimulationSpec;
pub use value::ParamValue;
pub use window::WindowSpec;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
