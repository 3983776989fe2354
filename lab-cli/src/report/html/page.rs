//! What stands on the page, in order.

use scenarios::prediction::Guessed;
use scenarios::state::RunState;
use scenarios::verdict::CheckOutcome;
use serde::Serialize;

use crate::report::disturbances::sentences;
use crate::report::gaps::gaps;
use crate::report::simulated::{Simulation, simulations};
use crate::report::{LessonText, Material, lesson, words};

use super::pictures::{self, Pictures};
use super::tables::{self, Table};

/// All that the template shows.
#[derive(Serialize)]
pub(super) struct Page {
    style: &'static str,
    scenario: String,
    title: String,
    question: String,
    run: String,
    verdict: VerdictView,
    facts: Vec<(String, String)>,
    guess: Option<Guessed>,
    shown: Vec<Check>,
    checks: Vec<Check>,
    summary: Vec<Table>,
    simulated: Vec<Simulated>,
    lesson: Option<Lesson>,
    pictures: Pictures,
    raw: Vec<Table>,
    environment: Vec<(String, String)>,
    params: Vec<(String, String, bool)>,
    command: String,
    notes: Vec<String>,
    warnings: Vec<String>,
    disturbances: Vec<String>,
    gaps: Vec<String>,
    log: Vec<(String, String)>,
}

#[derive(Serialize)]
struct VerdictView {
    word: &'static str,
    kind: &'static str,
    sentence: String,
}

#[derive(Serialize)]
struct Check {
    mark: &'static str,
    verdict: &'static str,
    name: String,
    expected: String,
    measured: String,
    why: String,
}

/// A simulation as a table, how it was played, and what plays it again.
#[derive(Serialize)]
struct Simulated {
    table: Table,
    words: String,
    command: Option<String>,
}

/// The lesson's sections as HTML.
#[derive(Serialize)]
struct Lesson {
    idea: String,
    watch: String,
    happened: String,
    why: String,
    next: String,
    sources: String,
}

/// The page of a run.
pub(super) fn page(material: &Material<'_>, style: &'static str) -> Page {
    let summary = &material.summary;
    let (state, plan) = (summary.state, summary.plan());
    Page {
        style,
        scenario: plan.map_or_else(|| "a run of the laboratory".to_owned(), |plan| plan.scenario.clone()),
        title: plan.map(|plan| plan.title.clone()).unwrap_or_default(),
        question: plan.map_or_else(
            || "What was asked is not known.".to_owned(),
            |plan| plan.question.clone(),
        ),
        run: state.info.as_ref().map(|info| info.run.clone()).unwrap_or_default(),
        verdict: VerdictView {
            word: summary.outcome.word(),
            kind: summary.outcome.verdict().as_str(),
            sentence: summary.sentence.clone(),
        },
        facts: in_short(state),
        guess: summary.guess.clone(),
        shown: checks(summary.own_checks()),
        checks: checks(summary.checks),
        summary: tables::summary(&summary.arms),
        simulated: simulations(state).iter().filter_map(simulated).collect(),
        lesson: material.lesson.as_ref().map(sections),
        pictures: pictures::pictures(state, &summary.arms),
        raw: tables::raw(state, &summary.arms),
        environment: environment(state),
        params: plan.map(params).unwrap_or_default(),
        command: material.command.clone(),
        notes: state.notes.clone(),
        warnings: state.warnings.clone(),
        disturbances: sentences(state),
        gaps: gaps(summary),
        log: state
            .log
            .iter()
            .map(|line| (format!("{:.1} s", line.at_ms as f64 / 1000.0), line.text.clone()))
            .collect(),
    }
}

fn simulated(simulation: &Simulation<'_>) -> Option<Simulated> {
    let head = simulation.head();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    Some(Simulated {
        table: Table::new(&simulation.title(), 1, &head, simulation.rows())?,
        words: simulation.words(),
        command: simulation.spec.command(),
    })
}

fn sections(text: &LessonText) -> Lesson {
    Lesson {
        idea: lesson::to_html(&text.idea),
        watch: lesson::to_html(&text.watch),
        happened: lesson::to_html(&text.happened),
        why: lesson::to_html(&text.why),
        next: lesson::to_html(&text.next),
        sources: lesson::to_html(&text.sources),
    }
}

fn checks<'a>(outcomes: impl IntoIterator<Item = &'a CheckOutcome>) -> Vec<Check> {
    let check = |check: &CheckOutcome| Check {
        mark: words::mark(check.verdict),
        verdict: check.verdict.as_str(),
        name: check.name.clone(),
        expected: check.expected.clone(),
        measured: check.measured.clone(),
        why: check.why.clone(),
    };
    outcomes.into_iter().map(check).collect()
}

/// What a reader wants to know at once: how much was measured, where and when.
fn in_short(state: &RunState) -> Vec<(String, String)> {
    let Some(info) = &state.info else {
        return Vec::new();
    };
    let plan = &info.plan;
    let rounds = if plan.rounds == 1 {
        "1 round".to_owned()
    } else {
        format!("{} rounds, interleaved", plan.rounds)
    };
    let arms = if plan.arms.len() == 1 {
        "1 arm".to_owned()
    } else {
        format!("{} arms", plan.arms.len())
    };
    let quick = if plan.quick { ", quick run" } else { "" };
    [
        ("Measured", format!("{arms}, {rounds}{quick}")),
        ("Left out", words::left_out(plan)),
        ("On", format!("{} cores, {} backend", info.machine.cores, info.backend)),
        ("Took", format!("{:.1} s", state.elapsed_ms as f64 / 1000.0)),
        ("Began", info.started.clone()),
        ("Seed", plan.seed.to_string()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn environment(state: &RunState) -> Vec<(String, String)> {
    let Some(info) = &state.info else {
        return Vec::new();
    };
    [
        ("Scenario", info.plan.scenario.clone()),
        ("Run", info.run.clone()),
        ("Began", info.started.clone()),
        ("Backend", info.backend.clone()),
        ("Cores", info.machine.cores.to_string()),
        ("Operating system", info.machine.os.clone()),
        ("lab", info.machine.lab.clone()),
        ("Event stream", format!("version {}", info.version)),
        ("Seed", info.plan.seed.to_string()),
        ("Rounds", info.plan.rounds.to_string()),
        ("Order of the arms", order(state)),
        (
            "Bound on the generator's lateness (p99)",
            words::ms(Some(info.plan.lateness_p99_ms_max)),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn order(state: &RunState) -> String {
    let Some(info) = &state.info else {
        return String::new();
    };
    let label = |turn: &scenarios::plan::Turn| info.plan.arms.get(turn.arm).map_or("?", |arm| arm.label.as_str());
    info.plan.turns.iter().map(label).collect::<Vec<_>>().join(" → ")
}

/// (name, value, whether it was set by hand).
fn params(plan: &scenarios::plan::Plan) -> Vec<(String, String, bool)> {
    plan.params
        .iter()
        .map(|(name, value)| (name.clone(), words::param(value), plan.overridden.contains_key(name)))
        .collect()
}
