//! What happens in a run, as owned and versioned events: the only thing that leaves the engine.
//!
//! Single requests are not events: the generator keeps histograms, and a [`load::Sample`] carries what was added to them.

use std::collections::BTreeMap;

use compose::{Family, InstanceStats};
use history::invariants::AnyInvariant;
use history::{Diagram, Judgement, Operation};
use serde::{Deserialize, Serialize};

use crate::action::Acted;
use crate::disturbance::Disturbance;
use crate::format::Figure;
use crate::guess::Guess;
use crate::plan::{Expected, Plan};
use crate::verdict::{CheckOutcome, Verdict};

/// Slices in a second: the resolution of everything that is shown over time.
pub const SLICES_PER_S: u32 = 10;

/// The version of the event stream. Since 2 an action is told as it was planned, and no longer in words alone.
pub const EVENT_VERSION: u32 = 2;

/// The facts of how a system came to rest: how long it took, seconds, and how many events were still open at the end.
pub const FACTS_OF_SETTLING: [&str; 2] = ["settle_s", "settle_open"];
/// The fact of how many instances died and were started again.
pub const FACT_OF_DEATHS: &str = "deaths";
/// The fact of what share of the machine's processor time other programs took while a turn was measured.
pub const FACT_OF_OTHERS: &str = "others_cpu_share";

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Number in the stream, from 0 and without gaps.
    pub seq: u64,
    /// Milliseconds since the run began.
    pub elapsed_ms: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// The run begins; always the first event.
    RunStarted(Box<RunInfo>),
    /// What the learner expects; before anything is measured.
    Guessed {
        /// The guess.
        guess: Guess,
    },
    /// A turn begins: one measurement of one arm.
    TurnStarted {
        /// Index into the plan's turns.
        turn: usize,
    },
    /// The turn goes on to its next part.
    Phase {
        /// Which part.
        phase: Phase,
        /// How long it is expected to take, seconds; 0 where nobody can say.
        expected_s: f64,
    },
    /// An instance changed.
    Instance(InstanceInfo),
    /// Every instance of the system is ready.
    SystemReady {
        /// Milliseconds from the first start.
        startup_ms: f64,
    },
    /// Something was done to the system, or could not be.
    Action(Box<Acted>),
    /// What the load generator measured since its sample before; times count from the start of the load.
    Sample(Box<load::Sample>),
    /// Operations of clients that ended since the event before; times count from the start of the clients' part.
    Operations {
        /// In order of their ends.
        operations: Vec<Operation>,
    },
    /// What was read of every key when all was over.
    #[serde(rename = "at_rest")]
    Quiescent {
        /// The class of operations.
        class: String,
        /// Key → what it held.
        readings: BTreeMap<String, f64>,
    },
    /// A history was held to a law.
    Judged(Box<Judged>),
    /// What every instance has used so far.
    Stats {
        /// By instance.
        instances: Vec<InstanceStats>,
    },
    /// What instances say of themselves while they are under load.
    Gauges {
        /// By instance.
        instances: Vec<InstanceGauges>,
    },
    /// A step of a search ended.
    SearchStep(SearchStep),
    /// A search ended.
    SearchEnded {
        /// Class of its requests.
        class: String,
        /// The highest rate that met the objective; none when the first already did not.
        within_per_s: Option<f64>,
        /// The lowest rate seen above it that did not; none when every tried rate met the objective.
        beyond_per_s: Option<f64>,
    },
    /// A probe was answered.
    Fact {
        /// Name of the probe.
        name: String,
        /// The answers, in order.
        values: Vec<f64>,
    },
    /// What happened to one order across services.
    Story(Box<StoryTold>),
    /// The turn ended and its system is down.
    TurnEnded,
    /// A simulation was played.
    Simulated(Simulated),
    /// Something disturbed the measurement that was no part of it.
    Disturbance(Disturbance),
    /// Something about the system that a reader should know, and nothing to worry about.
    Note {
        /// One sentence.
        text: String,
    },
    /// Something that a reader of the numbers must know.
    Warning {
        /// One sentence.
        text: String,
    },
    /// A check was decided.
    Check(CheckOutcome),
    /// The run ended; always the last event.
    RunEnded {
        /// The worst verdict of all checks.
        verdict: Verdict,
        /// Whether it was interrupted by hand.
        interrupted: bool,
        /// Why there is no more, where the run could not go on.
        failure: Option<String>,
        /// Whose fault that is. Recordings of earlier versions do not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Family>,
    },
}

/// What happened to one order across services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryTold {
    /// What is wrong with it; nothing where all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// The picture.
    pub diagram: Diagram,
}

/// What came of the simulations of one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// Its name in the scenario.
    pub name: String,
    /// By policy and number of servers.
    pub points: Vec<SimulatedPoint>,
}

/// What came of one of them; what it does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulatedPoint {
    /// The policy.
    pub policy: String,
    /// How many servers there were.
    pub servers: u32,
    /// Most requests that one server held at once; of balls into bins, on average over all repetitions.
    pub fullest: f64,
    /// Share of requests that were not answered well and in time.
    pub lost: Option<f64>,
    /// Mean time of a request, milliseconds.
    pub mean_ms: Option<f64>,
    /// 99th percentile of it, milliseconds.
    pub p99_ms: Option<f64>,
    /// Requests of the server that got most, over the mean of all.
    pub busiest_over_mean: Option<f64>,
    /// Share of requests that the slow servers got.
    pub slow_share: Option<f64>,
}

impl SimulatedPoint {
    /// One figure of it.
    #[must_use]
    pub fn figure(&self, figure: Figure) -> Option<f64> {
        match figure {
            Figure::Fullest => Some(self.fullest),
            Figure::Lost => self.lost,
            Figure::MeanMs => self.mean_ms,
            Figure::P99Ms => self.p99_ms,
            Figure::BusiestOverMean => self.busiest_over_mean,
        }
    }
}

/// What came of holding a history to a law.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Name of the law in the scenario.
    pub name: String,
    /// Which law.
    #[serde(rename = "law")]
    pub invariant: AnyInvariant,
    /// What the checker found.
    pub judgement: Judgement,
    /// The smallest proof of the first violation, as a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagram: Option<Diagram>,
}

/// What is known before anything runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// [`EVENT_VERSION`] of the writer.
    pub version: u32,
    /// Id of the run.
    pub run: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// Name of the backend.
    pub backend: String,
    /// The machine.
    pub machine: Machine,
    /// What is going to happen.
    pub plan: Plan,
    /// How long that is expected to take; recordings of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that the lab may use.
    pub cores: usize,
    /// Name of the operating system.
    pub os: String,
    /// Version of the lab.
    pub lab: String,
}

/// The parts of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The system is being brought up.
    Starting,
    /// Driven without recording.
    WarmUp,
    /// Clients act, and their operations are kept.
    Clients,
    /// Under load.
    Load,
    /// Looking for the highest rate.
    Search,
    /// Nothing more is sent; late answers are waited for.
    Draining,
    /// Waiting until no event is on its way any more.
    Settling,
    /// Asking the probes.
    Probing,
    /// The system is being brought down.
    Stopping,
}

impl Phase {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::WarmUp => "warming up",
            Self::Clients => "clients at work",
            Self::Load => "under load",
            Self::Search => "searching",
            Self::Draining => "waiting for late answers",
            Self::Settling => "waiting for events to arrive",
            Self::Probing => "asking",
            Self::Stopping => "stopping",
        }
    }
}

/// One instance as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceInfo {
    /// Its name: `gateway-1`.
    pub name: String,
    /// The service it is an instance of, as named in the system.
    pub service: String,
    /// What it is doing.
    pub state: InstanceState,
    /// For a dead one: how it died, when nobody had asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<String>,
}

/// What an instance says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceGauges {
    /// The instance's name.
    pub instance: String,
    /// Requests under way, as its balancer counts them where there is one; none where nobody knows.
    pub in_flight: Option<u32>,
    /// The longest lag of its event loop in about the last second, milliseconds; none where it does not tell.
    pub lag_ms: Option<f64>,
    /// Whether it did not answer in time.
    pub silent: bool,
    /// How long its whole process has stood still so far, milliseconds; none where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standstill_ms: Option<f64>,
    /// How often its database failed so far through no fault of the service or its clients, by reason (`locked`, `full`,
    /// `io_error`); a reason that never was is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub store_errors: BTreeMap<String, u64>,
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Started, not yet ready.
    Starting,
    /// Answers.
    Ready,
    /// Stopped by a pause.
    Paused,
    /// Ended, by a kill or on its own.
    Dead,
    /// Ended in order.
    Stopped,
}

/// One step of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchStep {
    /// Class of its requests.
    pub class: String,
    /// Rate that was driven.
    pub rate_per_s: f64,
    /// The latency at the objective's quantile; none when nothing was answered.
    pub latency_ms: Option<f64>,
    /// Share of failed requests.
    pub error_share: f64,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// How a step of a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Within the objective.
    Within,
    /// Beyond it.
    Beyond,
    /// It says nothing: the generator could not keep its schedule, the step was disturbed, or answers stayed away.
    NoEvidence,
}
