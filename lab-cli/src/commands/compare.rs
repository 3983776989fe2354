//! `lab compare`: two recorded runs side by side.

use console::style;
use scenarios::compare::{Compared, Difference, Finding, NOISE, differences};
use scenarios::event::RunInfo;
use scenarios::state::RunState;
use scenarios::summary::Outcome;
use scenarios::unit::{Unit, in_unit};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::recording::{self, Recording};
use crate::text::{right_aligned, table, wrapped};
use crate::{home, output};

/// Prints what differs.
///
/// # Errors
/// When a run cannot be found or read, or the two have nothing in common.
pub fn run(first: &str, second: &str, as_json: bool) -> Result<Exit, Failure> {
    let state_folder = home::state_folder()?;
    let read = |run: &str| -> Result<RunState, Failure> {
        let recording = Recording::read(&recording::find(&state_folder, run)?)?;
        Ok(RunState::of(&recording.events))
    };
    let (first, second) = (read(first)?, read(second)?);
    let (first_info, second_info) = (info(&first)?, info(&second)?);
    let found = differences(
        Compared {
            plan: &first_info.plan,
            state: &first,
        },
        Compared {
            plan: &second_info.plan,
            state: &second,
        },
    );
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "{} and {} have no arm with requests of one class in common",
            first_info.run, second_info.run
        ))
        .hint("compare runs of one scenario"));
    }
    if as_json {
        let document = json!({
            "first": first_info.run,
            "second": second_info.run,
            "noise": NOISE,
            "settings": settings(first_info, second_info),
            "figures": found,
        });
        output::json(&document)?;
        return Ok(Exit::Pass);
    }
    outln!("first   {} ({})", first_info.run, outcome(&first));
    outln!("second  {} ({})", second_info.run, outcome(&second));
    for setting in settings(first_info, second_info) {
        outln!("{}", wrapped(&setting, 8));
    }
    outln!("\n{}\n", figures(&found));
    outln!("{}", wrapped(&summary(&found), 0));
    Ok(Exit::Pass)
}

fn info(state: &RunState) -> Result<&RunInfo, Failure> {
    state
        .info
        .as_ref()
        .ok_or_else(|| Failure::usage("the recording has no start of a run").hint("lab runs lists those that have"))
}

fn outcome(state: &RunState) -> String {
    Outcome::of(state).word().to_lowercase()
}

/// What was set differently, in words.
fn settings(first: &RunInfo, second: &RunInfo) -> Vec<String> {
    let mut words = Vec::new();
    let mut unequal = |what: &str, first: String, second: String| {
        if first != second {
            words.push(format!("{what}: {first}, then {second}"));
        }
    };
    unequal("scenario", first.plan.scenario.clone(), second.plan.scenario.clone());
    unequal("backend", first.backend.clone(), second.backend.clone());
    unequal("rounds", first.plan.rounds.to_string(), second.plan.rounds.to_string());
    unequal(
        "cores",
        first.machine.cores.to_string(),
        second.machine.cores.to_string(),
    );
    unequal("lab", first.machine.lab.clone(), second.machine.lab.clone());
    let arms = |info: &RunInfo| {
        info.plan
            .arms
            .iter()
            .map(|arm| arm.name.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    unequal("arms", arms(first), arms(second));
    for (name, value) in &first.plan.params {
        if let Some(other) = second.plan.params.get(name) {
            unequal(name, value.to_string(), other.to_string());
        }
    }
    words
}

fn figures(found: &[Difference]) -> String {
    let mut table = table(&["arm · class", "figure", "first", "second", "ratio (95 %)", ""]);
    for one in found {
        let ratio = match (one.ratio, one.interval) {
            (Some(ratio), Some((low, high))) => format!(
                "{} ({} to {})",
                in_unit(ratio, Unit::Ratio),
                in_unit(low, Unit::Ratio),
                in_unit(high, Unit::Ratio)
            ),
            (Some(ratio), None) => in_unit(ratio, Unit::Ratio),
            (None, _) => "–".to_owned(),
        };
        table.add_row(vec![
            format!("{} · {}", one.arm, one.class),
            one.figure.replace('_', " "),
            in_unit(one.first, one.unit),
            in_unit(one.second, one.unit),
            ratio,
            match one.finding {
                Finding::Higher => style("higher").yellow().to_string(),
                Finding::Lower => style("lower").yellow().to_string(),
                Finding::Same => "same".to_owned(),
                Finding::Unclear => style("unclear").dim().to_string(),
            },
        ]);
    }
    right_aligned(&mut table, 2..=4);
    table.to_string()
}

fn summary(found: &[Difference]) -> String {
    let count = |finding: Finding| found.iter().filter(|one| one.finding == finding).count();
    let beyond = count(Finding::Higher) + count(Finding::Lower);
    format!(
        "{beyond} of {} figures differ beyond noise ({} %), {} are the same within it, and of {} the intervals are too wide to say.",
        found.len(),
        NOISE * 100.0,
        count(Finding::Same),
        count(Finding::Unclear)
    )
}
