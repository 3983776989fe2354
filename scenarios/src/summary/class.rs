//! One class of requests over some rounds: counts, and figures of the whole load and of each window.

use std::collections::{BTreeMap, BTreeSet};

use load::Slice;
use serde::Serialize;
use serde_json::Value;

use super::answers::{Answers, counted};
use super::driven::{driven_s, whole};
use super::figures::{Figures, Sums};
use super::recovery::Recovery;
use crate::plan::{ArmPlan, WindowSpec};
use crate::state::{ClassState, RoundState, total_of};

/// One class of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSummary {
    /// Its name.
    pub name: String,
    /// How many requests there were.
    pub counts: Counts,
    /// Failed requests by kind; none where no request was sent.
    pub errors: Option<BTreeMap<String, u64>>,
    /// The whole load.
    pub whole: WindowSummary,
    /// Each planned window.
    pub windows: Vec<WindowSummary>,
    /// How it recovered from what was done to the system; none where nothing is done under its load.
    pub recovery: Option<Recovery>,
    /// Answers by the instance that gave them, as far as answers name one.
    pub by_instance: BTreeMap<String, Answered>,
    /// Numbers collected from answers.
    pub collected: Answers,
    /// Answers that repeat one given before in the same round.
    pub duplicates: Option<f64>,
}

/// Counts of requests; none where there was nothing to count: a load that wanted nothing measured nothing, and of what was
/// not sent nobody knows whether it would have failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// That the schedule asked for.
    pub scheduled: Option<u64>,
    /// That were sent.
    pub sent: Option<u64>,
    /// That were answered well.
    pub ok: Option<u64>,
    /// That failed.
    pub failed: Option<u64>,
}

/// One class of requests in one window, or in the whole load.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSummary {
    /// Name of the window; empty for the whole load.
    pub name: String,
    /// Seconds of it that were driven, over all rounds.
    pub load_s: f64,
    /// Its slices together.
    pub total: Slice,
    /// Its figures.
    pub figures: Figures,
}

/// What one instance answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Answered {
    /// Answers of any status.
    pub requests: f64,
    /// Its share of all answers of the class.
    pub share: f64,
}

impl ClassSummary {
    /// What these rounds of an arm measured of a class.
    pub fn of(plan: &ArmPlan, name: &str, rounds: &[RoundState]) -> Self {
        let states: Vec<&ClassState> = rounds.iter().filter_map(|round| round.classes.get(name)).collect();
        let (counts, errors) = counts(&states);
        let collected: Vec<f64> = states
            .iter()
            .flat_map(|state| &state.collected)
            .filter_map(Value::as_f64)
            .collect();
        Self {
            name: name.to_owned(),
            counts,
            errors,
            whole: WindowSummary::whole(plan, name, rounds),
            windows: plan
                .windows
                .iter()
                .map(|window| WindowSummary::of(plan, window, name, rounds))
                .collect(),
            recovery: Recovery::of(plan, name, rounds),
            by_instance: by_instance(&states),
            duplicates: counted(!collected.is_empty(), duplicates(&states)),
            collected: Answers::of(&collected),
        }
    }

    /// Requests that came to an end, well or not.
    pub fn answered(&self) -> u64 {
        self.counts.ok.unwrap_or(0) + self.counts.failed.unwrap_or(0)
    }
}

impl WindowSummary {
    /// The whole load of a class, over these rounds.
    pub fn whole(plan: &ArmPlan, class: &str, rounds: &[RoundState]) -> Self {
        let window = whole(plan);
        let mut states = rounds.iter().filter_map(|round| round.classes.get(class));
        let measured = states.any(|state| state.sent > 0);
        Self::with(plan, &window, class, rounds, (total_of(class, rounds), measured))
    }

    fn of(plan: &ArmPlan, window: &WindowSpec, class: &str, rounds: &[RoundState]) -> Self {
        let mut total = Slice::default();
        let mut measured = false;
        for state in rounds.iter().filter_map(|round| round.classes.get(class)) {
            for (_, slice) in state.slices.iter().filter(|((_, name), _)| *name == window.name) {
                total.merge(slice);
                measured = true;
            }
        }
        Self::with(plan, window, class, rounds, (total, measured))
    }

    fn with(
        plan: &ArmPlan,
        window: &WindowSpec,
        class: &str,
        rounds: &[RoundState],
        (total, measured): (Slice, bool),
    ) -> Self {
        let load_s = driven_s(window, rounds);
        let mut in_flight = InFlight::default();
        for state in rounds.iter().filter_map(|round| round.classes.get(class)) {
            in_flight_over(plan, window, state).for_each(|(_, _, part)| in_flight.add(part, 1));
        }
        Self {
            name: window.name.clone(),
            load_s,
            figures: Figures::of(&Sums::of(&total, load_s, measured, in_flight.mean())),
            total,
        }
    }

    /// Requests that came to an end, well or not; none where there was none.
    pub fn answered(&self) -> Option<u64> {
        let all = self.total.ok + self.total.errors.values().sum::<u64>();
        (all > 0).then_some(all)
    }
}

/// Requests under way, integrated over a time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InFlight {
    /// Request·seconds.
    pub(super) request_s: f64,
    /// Seconds.
    pub(super) covered_s: f64,
}

impl InFlight {
    pub(super) fn add(&mut self, other: Self, times: u64) {
        self.request_s += other.request_s * times as f64;
        self.covered_s += other.covered_s * times as f64;
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.covered_s > 0.0).then(|| self.request_s / self.covered_s)
    }
}

/// The generator's own count over time within a window: (name of the planned window, middle of the time in seconds, what was
/// counted).
pub(super) fn in_flight_over<'a>(
    plan: &'a ArmPlan,
    window: &'a WindowSpec,
    state: &'a ClassState,
) -> impl Iterator<Item = (&'a str, f64, InFlight)> {
    let begins = std::iter::once(0.0).chain(state.in_flight_over_time.iter().map(|(at_s, _)| *at_s));
    let spans = begins.zip(&state.in_flight_over_time);
    let end_s = if window.to_s > 0.0 { window.to_s } else { f64::MAX };
    let inside = spans.filter(move |(from_s, (to_s, _))| *from_s >= window.from_s && *to_s <= end_s);
    inside.map(|(from_s, (to_s, request_s))| {
        let middle_s = f64::midpoint(from_s, *to_s);
        let part = InFlight {
            request_s: *request_s,
            covered_s: to_s - from_s,
        };
        (planned_at(plan, window, middle_s), middle_s, part)
    })
}

/// The window to which requests belong that were meant to start at this time.
fn planned_at<'a>(plan: &'a ArmPlan, window: &'a WindowSpec, at_s: f64) -> &'a str {
    if !window.name.is_empty() {
        return &window.name;
    }
    let holds = |window: &&WindowSpec| window.from_s <= at_s && at_s < window.to_s;
    plan.windows
        .iter()
        .find(holds)
        .map_or("", |window| window.name.as_str())
}

fn counts(states: &[&ClassState]) -> (Counts, Option<BTreeMap<String, u64>>) {
    let sum = |pick: fn(&ClassState) -> u64| states.iter().map(|state| pick(state)).sum::<u64>();
    let (scheduled, sent) = (sum(|state| state.scheduled), sum(|state| state.sent));
    let (wanted, tried) = (scheduled > 0, scheduled > 0 && sent > 0);
    let mut errors = BTreeMap::new();
    for (kind, count) in states.iter().flat_map(|state| &state.errors) {
        *errors.entry(kind.clone()).or_default() += count;
    }
    let counts = Counts {
        scheduled: wanted.then_some(scheduled),
        sent: wanted.then_some(sent),
        ok: tried.then(|| sum(|state| state.ok)),
        failed: tried.then(|| sum(ClassState::failed)),
    };
    (counts, tried.then_some(errors))
}

/// Answers that repeat one given before in the same round.
fn duplicates(states: &[&ClassState]) -> usize {
    let repeated = |values: &[Value]| {
        let distinct: BTreeSet<String> = values.iter().map(Value::to_string).collect();
        values.len() - distinct.len()
    };
    states.iter().map(|state| repeated(&state.collected)).sum()
}

fn by_instance(states: &[&ClassState]) -> BTreeMap<String, Answered> {
    let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, answered) in states.iter().flat_map(|state| &state.by_instance) {
        *requests.entry(name).or_default() += answered.requests;
    }
    let total: u64 = requests.values().sum();
    let of = |(name, count): (&str, u64)| {
        let answered = Answered {
            requests: count as f64,
            share: count as f64 / total as f64,
        };
        (name.to_owned(), answered)
    };
    requests.into_iter().map(of).collect()
}
