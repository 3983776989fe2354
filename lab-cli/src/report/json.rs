//! `report.json`, schema 1: the figures of a run for programs. Additions do not change the schema's number.

use std::collections::BTreeMap;

use history::{ActionKind, Judgement, Verdict};
use load::Histogram;
use scenarios::action::Acted;
use scenarios::event::{SearchStep, SimulatedPoint, StoryTold};
use scenarios::plan::{LawSpec, LeftOut, ParamValue};
use scenarios::prediction::{self, Outcome};
use scenarios::state::{RoundState, RunState};
use scenarios::unit::Unit;
use serde::{Deserialize, Serialize};

use crate::text;

use super::disturbances::{Disturbed, disturbances};
use super::figures::{ArmFigures, ClassFigures, InstanceFigures, SearchFigures, arms, latency_row};
use super::gaps::gaps;
use super::simulated::{Simulation, simulations};
use super::{Material, ReportError};

/// The whole report.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    schema: u32,
    scenario: Option<String>,
    title: Option<String>,
    question: Option<String>,
    run: Option<String>,
    /// The verdict; `inconclusive` for a run without an end.
    verdict: String,
    interrupted: bool,
    failure: Option<String>,
    /// Whether every planned turn was measured to its end and the run has one.
    complete: bool,
    seed: Option<u64>,
    backend: Option<String>,
    started: Option<String>,
    elapsed_s: f64,
    machine: Option<Machine>,
    params: BTreeMap<String, ParamValue>,
    overridden: BTreeMap<String, ParamValue>,
    rounds: Option<u32>,
    quick: bool,
    command: String,
    /// What the learner expected, and what came of it.
    guess: Option<Outcome>,
    arms: Vec<Arm>,
    /// Arms that could not be measured with these parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Missing>,
    /// What was simulated beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    simulations: Vec<SimulationReport>,
    checks: Vec<Check>,
    /// What disturbed the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    disturbances: Vec<Disturbed>,
    notes: Vec<String>,
    warnings: Vec<String>,
    not_measured: Vec<String>,
    missing_events: u64,
}

/// A simulation: what was played and what came of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SimulationReport {
    name: String,
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    points: Vec<SimulatedPoint>,
}

fn simulation(simulation: &Simulation<'_>) -> SimulationReport {
    SimulationReport {
        name: simulation.spec.name.clone(),
        label: simulation.spec.label.clone(),
        command: simulation.spec.command(),
        points: simulation.points.to_vec(),
    }
}

/// An arm that was not measured.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Missing {
    name: String,
    label: String,
    reason: String,
}

fn missing(out: &LeftOut) -> Missing {
    Missing {
        name: out.arm.name.clone(),
        label: out.arm.label.clone(),
        reason: out.reason.clone(),
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Machine {
    cores: usize,
    os: String,
    lab: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Arm {
    name: String,
    label: String,
    classes: Vec<Class>,
    instances: Vec<Instance>,
    /// The last answer of each probe in the last round, and `CLASS.max_rate_per_s` of each search.
    facts: BTreeMap<String, Option<f64>>,
    searches: Vec<Search>,
    histories: Vec<History>,
    rounds: Vec<Round>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Class {
    name: String,
    /// Null, as the next two, where the load asked for nothing.
    scheduled: Option<u64>,
    sent: Option<u64>,
    ok: Option<u64>,
    errors: BTreeMap<String, u64>,
    load_s: f64,
    rate_per_s: Option<f64>,
    response_ms: Latency,
    service_ms: Latency,
    send_lateness_ms: Latency,
    windows: Vec<Window>,
}

/// Figures of a distribution in milliseconds; all null when nothing was measured.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Window {
    name: String,
    load_s: f64,
    /// Null where no request had its intended start in the window.
    ok: Option<u64>,
    errors: BTreeMap<String, u64>,
    response_ms: Latency,
    service_ms: Latency,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    name: String,
    service: String,
    /// Answers that clients had from it.
    requests: u64,
    cpu_ms: Option<f64>,
    resident_bytes_max: Option<u64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Search {
    class: String,
    quantile: f64,
    within_ms: f64,
    max_rate_per_s: Option<f64>,
    rounds: Vec<SearchRound>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SearchRound {
    round: u32,
    within_per_s: Option<f64>,
    beyond_per_s: Option<f64>,
    steps: Vec<SearchStep>,
}

/// What came of holding a history to a law, over all rounds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct History {
    law: String,
    class: String,
    /// Null where a round was not judged or could not be.
    violations: Option<u64>,
    checked: u64,
    unknown: u64,
    /// The first violations of each round, in words.
    messages: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Round {
    round: u32,
    complete: bool,
    startup_ms: Option<f64>,
    load_s: f64,
    facts: BTreeMap<String, Vec<f64>>,
    actions: Vec<Action>,
    crashes: Vec<String>,
    /// What happened to single orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stories: Vec<StoryTold>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Action {
    kind: ActionKind,
    planned_s: f64,
    began_s: f64,
    /// When it was done.
    at_s: f64,
    words: String,
    failure: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Check {
    name: String,
    verdict: String,
    expected: String,
    measured: String,
    why: String,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    unit: Unit,
}

/// The report as indented JSON.
///
/// # Errors
/// When the writer fails, which none of these types can cause.
pub(super) fn render(material: &Material<'_>) -> Result<String, ReportError> {
    let text = serde_json::to_string_pretty(&report(material))?;
    Ok(text::json(&text).into_owned() + "\n")
}

/// The report as typed figures.
pub(super) fn report(material: &Material<'_>) -> Report {
    let state = material.state;
    let info = state.info.as_ref();
    let plan = info.map(|info| &info.plan);
    let ended = state.ended.as_ref();
    let turns = plan.map_or(0, |plan| plan.turns.len());
    Report {
        schema: 1,
        scenario: plan.map(|plan| plan.scenario.clone()),
        title: plan.map(|plan| plan.title.clone()),
        question: plan.map(|plan| plan.question.clone()),
        run: info.map(|info| info.run.clone()),
        verdict: ended.map_or("inconclusive", |ended| ended.verdict.as_str()).to_owned(),
        interrupted: ended.is_some_and(|ended| ended.interrupted),
        failure: ended.and_then(|ended| ended.failure.clone()),
        complete: ended.is_some() && state.turns_done == turns && state.missing_events == 0,
        seed: plan.map(|plan| plan.seed),
        backend: info.map(|info| info.backend.clone()),
        started: info.map(|info| info.started.clone()),
        elapsed_s: state.elapsed_ms as f64 / 1000.0,
        machine: info.map(|info| Machine {
            cores: info.machine.cores,
            os: info.machine.os.clone(),
            lab: info.machine.lab.clone(),
        }),
        params: plan.map(|plan| plan.params.clone()).unwrap_or_default(),
        overridden: plan.map(|plan| plan.overridden.clone()).unwrap_or_default(),
        rounds: plan.map(|plan| plan.rounds),
        quick: plan.is_some_and(|plan| plan.quick),
        command: material.command.clone(),
        guess: plan.and_then(|plan| prediction::outcome(plan, state)),
        arms: arms(state).iter().map(arm).collect(),
        left_out: plan
            .map(|plan| plan.left_out.iter().map(missing).collect())
            .unwrap_or_default(),
        simulations: simulations(state).iter().map(simulation).collect(),
        checks: checks(state),
        disturbances: disturbances(state),
        notes: state.notes.clone(),
        warnings: state.warnings.clone(),
        not_measured: gaps(state),
        missing_events: state.missing_events,
    }
}

fn checks(state: &RunState) -> Vec<Check> {
    let check = |check: &scenarios::verdict::CheckOutcome| Check {
        name: check.name.clone(),
        verdict: check.verdict.as_str().to_owned(),
        expected: check.expected.clone(),
        measured: check.measured.clone(),
        why: check.why.clone(),
        value: check.value,
        interval: check.interval,
        unit: check.unit,
    };
    state.checks.iter().map(check).collect()
}

fn arm(arm: &ArmFigures<'_>) -> Arm {
    let last_facts = arm.rounds.iter().flat_map(|round| &round.facts);
    let mut facts: BTreeMap<String, Option<f64>> = last_facts
        .map(|(name, values)| (name.clone(), values.last().copied()))
        .collect();
    for search in &arm.searches {
        facts.insert(format!("{}.max_rate_per_s", search.plan.class), search.max_rate_per_s);
    }
    Arm {
        name: arm.plan.name.clone(),
        label: arm.plan.label.clone(),
        classes: arm.classes.iter().map(class).collect(),
        instances: arm.instances.iter().map(instance).collect(),
        facts,
        searches: arm.searches.iter().map(search).collect(),
        histories: arm.plan.laws.iter().map(|law| history(law, arm.rounds)).collect(),
        rounds: arm.rounds.iter().map(round).collect(),
    }
}

fn history(law: &LawSpec, rounds: &[RoundState]) -> History {
    let judged: Vec<_> = rounds
        .iter()
        .filter_map(|round| round.judged.iter().find(|judged| judged.name == law.name))
        .map(|judged| &judged.judgement)
        .collect();
    let open = judged.len() < rounds.len()
        || judged.is_empty()
        || judged
            .iter()
            .any(|judgement| matches!(judgement.verdict, Verdict::Undecided(_)));
    let sum = |of: fn(&Judgement) -> u64| judged.iter().map(|judgement| of(judgement)).sum();
    let first = |judgement: &&Judgement| judgement.violations.first().map(|violation| violation.message.clone());
    History {
        law: law.name.clone(),
        class: law.of.clone(),
        violations: (!open).then(|| sum(|judgement| judgement.found)),
        checked: sum(|judgement| judgement.checked),
        unknown: sum(|judgement| judgement.unknown),
        messages: judged.iter().filter_map(first).collect(),
    }
}

fn class(class: &ClassFigures) -> Class {
    let windows = class.windows.iter().map(|window| Window {
        name: window.name.clone(),
        load_s: window.load_s,
        ok: window.answered().map(|_| window.total.ok),
        errors: window.total.errors.clone(),
        response_ms: latency(&window.total.response),
        service_ms: latency(&window.total.service),
    });
    let [scheduled, sent, ok, _] = class.counts();
    Class {
        name: class.name.clone(),
        scheduled,
        sent,
        ok,
        errors: class.errors.clone(),
        load_s: class.load_s,
        rate_per_s: class.rate_per_s(),
        response_ms: latency(&class.total.response),
        service_ms: latency(&class.total.service),
        send_lateness_ms: latency(&class.total.lateness),
        windows: windows.collect(),
    }
}

fn latency(latencies: &Histogram) -> Latency {
    let [mean, p50, p90, p99, p99_9, max] = latency_row(latencies);
    Latency {
        mean,
        p50,
        p90,
        p99,
        p99_9,
        max,
    }
}

fn instance(instance: &InstanceFigures) -> Instance {
    Instance {
        name: instance.name.clone(),
        service: instance.service.clone(),
        requests: instance.requests,
        cpu_ms: instance.cpu_ms,
        resident_bytes_max: instance.resident_bytes_max,
    }
}

fn search(search: &SearchFigures<'_>) -> Search {
    let rounds = search.rounds.iter().map(|(round, found)| SearchRound {
        round: *round,
        within_per_s: found.within_per_s,
        beyond_per_s: found.beyond_per_s,
        steps: found.steps.clone(),
    });
    Search {
        class: search.plan.class.clone(),
        quantile: search.plan.quantile,
        within_ms: search.plan.within_ms,
        max_rate_per_s: search.max_rate_per_s,
        rounds: rounds.collect(),
    }
}

fn round(round: &RoundState) -> Round {
    let action = |acted: &Acted| Action {
        kind: acted.command.kind(),
        planned_s: acted.planned_s,
        began_s: acted.began_s,
        at_s: acted.done_s,
        words: acted.words(),
        failure: acted.failure.clone(),
    };
    Round {
        round: round.round,
        complete: round.complete,
        startup_ms: round.startup_ms,
        load_s: round.load_s,
        facts: round.facts.clone(),
        actions: round.actions.iter().map(action).collect(),
        crashes: round.crashes.clone(),
        stories: round.stories.clone(),
    }
}
