//! Runs as the command line asks for them, each planned before anything is started.

use std::collections::BTreeMap;

use compose::DEFAULT_BACKEND;
use scenarios::catalog;
use scenarios::plan::Options;
use scenarios::scenario::Scenario;
use time::OffsetDateTime;

use super::Job;
use crate::arguments::{Run, Ui};
use crate::backends::backend;
use crate::failure::Failure;
use crate::{catalogue, home, machine, needs};

/// Seeds are small enough to be typed.
const SEEDS: u32 = 1_000_000;

/// What `lab run NAME` (`--quick`) is given.
pub fn arguments(name: &str, quick: bool) -> Run {
    Run {
        names: vec![name.into()],
        phase: None,
        backend: DEFAULT_BACKEND.to_owned(),
        ui: Ui::Auto,
        set: Vec::new(),
        rounds: None,
        quick,
        seed: None,
        guess: None,
        yes: false,
        keep: false,
        out: None,
    }
}

/// What the arguments ask for, ready to begin and with no guess yet. Everything is planned before anything is started: a
/// wrong parameter of the last must not cost the first.
///
/// # Errors
/// When a name, a parameter or a combination makes no sense, or the machine lacks what a scenario needs.
pub fn jobs(arguments: &Run) -> Result<Vec<Job>, Failure> {
    let scenarios = scenarios_of(arguments)?;
    if arguments.out.is_some() && scenarios.len() > 1 {
        return Err(Failure::usage("--out takes one run, and several scenarios are named"));
    }
    let set = settings(&arguments.set)?;
    let backend = backend(&arguments.backend)?;
    let state_folder = home::state_folder()?;
    let mut jobs = Vec::new();
    for scenario in scenarios {
        let options = Options {
            seed: arguments.seed.unwrap_or_else(new_seed),
            quick: arguments.quick,
            rounds: arguments.rounds,
            set: set.clone(),
            cores: machine::cores(),
            ..Options::default()
        };
        let plan = catalogue::planned(&scenario, &options)?;
        jobs.push(Job {
            scenario,
            plan,
            guess: None,
            backend: backend.clone(),
            state_folder: state_folder.clone(),
            out: arguments.out.clone(),
            keep: arguments.keep,
        });
    }
    jobs.iter()
        .try_for_each(|job| needs::met(&job.scenario, backend.as_ref()))?;
    if arguments.guess.is_some() && jobs.len() > 1 {
        return Err(Failure::usage(
            "--guess answers one question, and several scenarios are named",
        ));
    }
    Ok(jobs)
}

/// A run that the swap law is held to: as short as a quick one, with every arm and every planted fault.
///
/// # Errors
/// When the scenario is not sound, or there is no such backend.
pub fn for_swaps(scenario: Scenario, backend_name: &str) -> Result<Job, Failure> {
    let options = Options {
        seed: new_seed(),
        quick: true,
        every_arm: true,
        cores: machine::cores(),
        ..Options::default()
    };
    let plan = catalogue::planned(&scenario, &options)?;
    Ok(Job {
        scenario,
        plan,
        guess: None,
        backend: backend(backend_name)?,
        state_folder: home::state_folder()?,
        out: None,
        keep: false,
    })
}

fn scenarios_of(arguments: &Run) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios: Vec<Scenario> = arguments.names.iter().map(catalogue::open).collect::<Result<_, _>>()?;
    if let Some(phase) = arguments.phase {
        let before = scenarios.len();
        for name in catalog::names() {
            let scenario = catalogue::open(name)?;
            if scenario.document.phase == phase {
                scenarios.push(scenario);
            }
        }
        if scenarios.len() == before {
            return Err(
                Failure::usage(format!("phase {phase} has no scenario yet")).hint("lab list shows what there is")
            );
        }
    }
    Ok(scenarios)
}

/// `KEY=VALUE` as texts by name.
///
/// # Errors
/// When one is written otherwise.
pub fn settings(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    set.iter()
        .map(|setting| {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--set {setting}: write it as KEY=VALUE")))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A seed that no run was given.
pub fn new_seed() -> u64 {
    let now = OffsetDateTime::now_utc();
    u64::from(now.nanosecond() / 1000 % SEEDS)
}
