//! The state of a run: one pure fold over its events. Every display and report draws this, and nothing else.

mod arm;
mod fold;
mod length;
mod operations;

pub use arm::{AnsweredState, ClassState, LiveInstance, RECENT_S, RoundState, SearchState, total_of};
pub use operations::{OperationTotals, effects};

use compose::Family;

use crate::disturbance::{Disturbance, Sufferer};
use crate::event::{Phase, RunEvent, RunInfo, Simulated};
use crate::guess::Guess;
use crate::plan::ArmPlan;
use crate::verdict::{CheckOutcome, Verdict};

/// All that is known of a run so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// What was known before it began; none before the first event.
    pub info: Option<RunInfo>,
    /// What the learner expected.
    pub guess: Option<Guess>,
    /// Arms in the order of the plan.
    pub arms: Vec<ArmState>,
    /// The turn under way.
    pub now: Option<Now>,
    /// Turns that have ended.
    pub turns_done: usize,
    /// Simulations that were played.
    pub simulated: Vec<Simulated>,
    /// What disturbed the measurement, in the order in which it was noticed.
    pub disturbances: Vec<Disturbance>,
    /// Decided checks.
    pub checks: Vec<CheckOutcome>,
    /// Notes on the systems, each once, in order.
    pub notes: Vec<String>,
    /// Warnings, in order.
    pub warnings: Vec<String>,
    /// The event log: what a person would want to have seen, in order.
    pub log: Vec<LogLine>,
    /// How it ended; none while it runs.
    pub ended: Option<Ended>,
    /// Milliseconds since the run began, as of the last event.
    pub elapsed_ms: u64,
    /// Events that are missing from the stream; 0 in a complete one.
    pub missing_events: u64,
    next_seq: u64,
}

/// What is known of one arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmState {
    /// Its measurements, one a round.
    pub rounds: Vec<RoundState>,
}

/// The turn under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Now {
    /// Index into the plan's turns.
    pub turn: usize,
    /// Index into the plan's arms.
    pub arm: usize,
    /// Round, from 1.
    pub round: u32,
    /// The part of the turn.
    pub phase: Phase,
    /// When this part began, milliseconds since the run began.
    pub phase_began_ms: u64,
    /// How long it is expected to take, seconds; 0 where nobody can say.
    pub phase_expected_s: f64,
}

/// One line of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// What happened, in words.
    pub text: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The worst verdict of all checks.
    pub verdict: Verdict,
    /// Whether it was interrupted by hand.
    pub interrupted: bool,
    /// Why it could not go on.
    pub failure: Option<String>,
    /// Whose fault that is, where it was told.
    pub fault: Option<Family>,
}

impl RunState {
    /// The state after all these events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// What is judged of a run in whose places these arms stand: what was measured, simulated and disturbed, without the
    /// story of how that came about.
    pub(crate) fn with_arms(&self, arms: Vec<ArmState>) -> Self {
        Self {
            info: self.info.clone(),
            arms,
            simulated: self.simulated.clone(),
            disturbances: self.disturbances.clone(),
            ..Self::default()
        }
    }

    /// The measurement under way.
    pub fn round_now(&self) -> Option<&RoundState> {
        let now = self.now.as_ref()?;
        self.arms.get(now.arm)?.rounds.last()
    }

    /// What disturbed a measurement while it was measured. A system is up for one turn, so what became of a part of it
    /// touches no other turn.
    pub fn disturbances_of<'a>(&'a self, round: &'a RoundState) -> impl Iterator<Item = &'a Disturbance> {
        let concerns = |disturbance: &&Disturbance| {
            let own = matches!(disturbance.who, Sufferer::Instance(_) | Sufferer::Store(_));
            let elsewhere = own && disturbance.turn.is_some_and(|turn| turn != round.turn);
            let Some((from_ms, to_ms)) = round.measured_ms else {
                return false;
            };
            !elsewhere && disturbance.touches(from_ms, to_ms)
        };
        self.disturbances.iter().filter(concerns)
    }

    /// What is planned for the arm of the turn under way.
    pub fn arm_now(&self) -> Option<&ArmPlan> {
        let now = self.now.as_ref()?;
        self.info.as_ref()?.plan.arms.get(now.arm)
    }
}
