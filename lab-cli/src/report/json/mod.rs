//! `report.json`, schema 1: the figures of a run for programs. Additions do not change the schema's number.

mod arms;

use std::collections::BTreeMap;

use scenarios::event::SimulatedPoint;
use scenarios::plan::{LeftOut, ParamValue};
use scenarios::prediction::Guessed;
use scenarios::unit::Unit;
use scenarios::verdict::CheckOutcome;
use serde::{Deserialize, Serialize};

use crate::text;

use super::disturbances::{Disturbed, disturbances};
use super::format::FormatEntry;
use super::gaps::gaps;
use super::simulated::{Simulation, simulations};
use super::{Material, ReportError};
use arms::{Arm, arm};

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
    guess: Option<Guessed>,
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

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "json",
    about: "The figures for programs (schema 1)",
    file: "report.json",
    is_page: false,
    render,
};

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
    let summary = &material.summary;
    let (state, plan) = (summary.state, summary.plan());
    let info = state.info.as_ref();
    let ended = state.ended.as_ref();
    let turns = plan.map_or(0, |plan| plan.turns.len());
    Report {
        schema: 1,
        scenario: plan.map(|plan| plan.scenario.clone()),
        title: plan.map(|plan| plan.title.clone()),
        question: plan.map(|plan| plan.question.clone()),
        run: info.map(|info| info.run.clone()),
        verdict: summary.outcome.verdict().as_str().to_owned(),
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
        guess: summary.guess.clone(),
        arms: summary.arms.iter().map(arm).collect(),
        left_out: plan
            .map(|plan| plan.left_out.iter().map(missing).collect())
            .unwrap_or_default(),
        simulations: simulations(state).iter().map(simulation).collect(),
        checks: summary.checks.iter().map(check).collect(),
        disturbances: disturbances(state),
        notes: state.notes.clone(),
        warnings: state.warnings.clone(),
        not_measured: gaps(summary),
        missing_events: state.missing_events,
    }
}

fn check(check: &CheckOutcome) -> Check {
    Check {
        name: check.name.clone(),
        verdict: check.verdict.as_str().to_owned(),
        expected: check.expected.clone(),
        measured: check.measured.clone(),
        why: check.why.clone(),
        value: check.value,
        interval: check.interval,
        unit: check.unit,
    }
}
