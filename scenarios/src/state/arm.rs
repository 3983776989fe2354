//! What is known of one measurement of one arm.

use std::collections::{BTreeMap, VecDeque};

use compose::{InstanceStats, LinkConditions};
use history::Operation;
use load::{ClassSample, Histogram, Sample, Slice};
use serde_json::Value;

use crate::action::Acted;
use crate::event::{InstanceGauges, InstanceState, Judged, Phase, SLICES_PER_S, SearchStep, StoryTold};

/// How far back the share of an instance is looked at while a run goes on, seconds.
pub const RECENT_S: f64 = 3.0;

/// One measurement of one arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoundState {
    /// Round, from 1.
    pub round: u32,
    /// Index into the plan's turns.
    pub turn: usize,
    /// When it began, milliseconds since the run began.
    pub began_ms: u64,
    /// When its system was down again, milliseconds since the run began; none before that.
    pub ended_ms: Option<u64>,
    /// From when to when it was measured, milliseconds since the run began: from the end of its system's start to the start
    /// of that system's end. None before that, and without an end before that.
    pub measured_ms: Option<(u64, Option<u64>)>,
    /// How long the system took to be ready, milliseconds.
    pub startup_ms: Option<f64>,
    /// Seconds of load so far.
    pub load_s: f64,
    /// By class of requests.
    pub classes: BTreeMap<String, ClassState>,
    /// By instance, in order of their start.
    pub instances: Vec<LiveInstance>,
    /// Operations of clients, in the order of their ends.
    pub operations: Vec<Operation>,
    /// What was read at rest: class → key → value.
    pub quiescent: BTreeMap<String, BTreeMap<String, f64>>,
    /// What came of holding the histories to their laws, in the scenario's order.
    pub judged: Vec<Judged>,
    /// Stories of single orders.
    pub stories: Vec<StoryTold>,
    /// Answers of the probes.
    pub facts: BTreeMap<String, Vec<f64>>,
    /// Searches by class.
    pub searches: BTreeMap<String, SearchState>,
    /// Actions that were done, or could not be, in the order of their ends.
    pub actions: Vec<Acted>,
    /// What links do now, where an action changed it, by way: `gateway->users`.
    pub links: BTreeMap<String, LinkConditions>,
    /// Instances that died though nobody asked for it, with how.
    pub crashes: Vec<String>,
    /// Whether it was measured to its end.
    pub complete: bool,
}

/// What was measured of one class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassState {
    /// Requests that the schedule asked for.
    pub scheduled: u64,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered well.
    pub ok: u64,
    /// Failed requests by kind.
    pub errors: BTreeMap<String, u64>,
    /// Requests under way at the last sample.
    pub in_flight: u64,
    /// Requests under way over time: (seconds since the load began, request·seconds since the sample before).
    pub in_flight_over_time: Vec<(f64, f64)>,
    /// All slices together.
    pub total: Slice,
    /// By (slice of intended start, window).
    pub slices: BTreeMap<(u32, String), Slice>,
    /// By the instance that answered.
    pub by_instance: BTreeMap<String, AnsweredState>,
    /// Values collected from answers.
    pub collected: Vec<Value>,
}

/// What one instance answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnsweredState {
    /// Answers of any status.
    pub requests: u64,
    /// Latency of its good answers.
    pub response: Histogram,
    /// Answers of the last few seconds: (seconds since the load began, answers since the sample before).
    pub recent: VecDeque<(f64, u64)>,
}

impl AnsweredState {
    /// Answers of the last few seconds.
    pub fn recently(&self) -> u64 {
        self.recent.iter().map(|(_, requests)| requests).sum()
    }

    fn forget_before(&mut self, at_s: f64) {
        while self.recent.front().is_some_and(|(then_s, _)| *then_s < at_s) {
            self.recent.pop_front();
        }
    }
}

/// One instance.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveInstance {
    /// Its name.
    pub name: String,
    /// Its service, as named in the system.
    pub service: String,
    /// What it is doing.
    pub state: InstanceState,
    /// The last that the backend said of it.
    pub stats: Option<InstanceStats>,
    /// The most memory seen, bytes.
    pub resident_bytes_max: u64,
    /// The last that it said of itself under load.
    pub gauges: Option<InstanceGauges>,
}

/// A search so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchState {
    /// Its steps, in order.
    pub steps: Vec<SearchStep>,
    /// The highest rate within the objective, once it ended.
    pub within_per_s: Option<f64>,
    /// The lowest rate beyond it, once it ended.
    pub beyond_per_s: Option<f64>,
}

impl RoundState {
    /// The measurement goes on to its next part.
    pub(super) fn enter(&mut self, phase: Phase, at_ms: u64) {
        match (phase, &mut self.measured_ms) {
            (Phase::Starting, _) | (Phase::Stopping, None) => {}
            (Phase::Stopping, Some((_, to_ms))) => *to_ms = Some(at_ms),
            (_, measured) => {
                measured.get_or_insert((at_ms, None));
            }
        }
    }

    pub(super) fn add(&mut self, sample: &Sample) {
        self.load_s = self.load_s.max(sample.at_s);
        for class in &sample.classes {
            self.classes
                .entry(class.class.clone())
                .or_default()
                .add(sample.at_s, class);
        }
    }

    pub(super) fn add_stats(&mut self, all: &[InstanceStats]) {
        for stats in all {
            if let Some(instance) = self.instance_mut(&stats.instance) {
                instance.resident_bytes_max = instance.resident_bytes_max.max(stats.resident_bytes.unwrap_or(0));
                instance.stats = Some(stats.clone());
            }
        }
    }

    pub(super) fn add_gauges(&mut self, all: &[InstanceGauges]) {
        for gauges in all {
            if let Some(instance) = self.instance_mut(&gauges.instance) {
                instance.gauges = Some(gauges.clone());
            }
        }
    }

    /// Answers that clients had from an instance, over all classes; none where no answer names an instance of its service,
    /// so that nobody knows.
    pub fn answers_of(&self, instance: &str) -> Option<u64> {
        let answered = || self.classes.values().flat_map(|class| &class.by_instance);
        let service_of = |name: &str| {
            self.instances
                .iter()
                .find(|known| known.name == name)
                .map(|known| &known.service)
        };
        let service = service_of(instance);
        let is_counted = |name: &String| name == instance || (service.is_some() && service_of(name) == service);
        answered().any(|(name, _)| is_counted(name)).then(|| {
            let own = answered().filter(|(name, _)| *name == instance);
            own.map(|(_, answered)| answered.requests).sum()
        })
    }

    pub(super) fn instance_mut(&mut self, name: &str) -> Option<&mut LiveInstance> {
        self.instances.iter_mut().find(|instance| instance.name == name)
    }
}

/// All answers to requests of a class, over these rounds.
pub fn total_of(class: &str, rounds: &[RoundState]) -> Slice {
    let mut total = Slice::default();
    for state in rounds.iter().filter_map(|round| round.classes.get(class)) {
        total.merge(&state.total);
    }
    total
}

impl ClassState {
    fn add(&mut self, at_s: f64, sample: &ClassSample) {
        self.scheduled += sample.scheduled;
        self.sent += sample.sent;
        self.ok += sample.ok;
        for (kind, count) in &sample.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.in_flight = sample.in_flight_now;
        self.in_flight_over_time.push((at_s, sample.in_flight_time_s));
        for slice in &sample.slices {
            self.total.merge(slice);
            match self.slices.get_mut(&(slice.index, slice.window.clone())) {
                Some(known) => known.merge(slice),
                None => {
                    self.slices.insert((slice.index, slice.window.clone()), slice.clone());
                }
            }
        }
        for answered in &sample.by_instance {
            let state = self.by_instance.entry(answered.instance.clone()).or_default();
            state.requests += answered.requests;
            state.response.merge(&answered.response);
            state.recent.push_back((at_s, answered.requests));
        }
        for answered in self.by_instance.values_mut() {
            answered.forget_before(at_s - RECENT_S);
        }
        self.collected.extend(sample.collected.iter().cloned());
    }

    /// Lets go of the slices that are older than this, and of what was known of that time.
    pub(super) fn forget_before(&mut self, at_s: f64) {
        let first = (at_s * f64::from(SLICES_PER_S)).max(0.0) as u32;
        self.slices = self.slices.split_off(&(first, String::new()));
        self.in_flight_over_time.retain(|(then_s, _)| *then_s >= at_s);
    }

    /// Requests that failed, of any kind.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}
