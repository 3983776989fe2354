//! `lab play`: a system under steady load that keys change.

use scenarios::catalog;
use scenarios::format::Scenario;
use scenarios::plan::{Options, Plan};

use super::{backends, catalogue, clean, run};
use crate::arguments::Play;
use crate::conduct::Job;
use crate::failure::{Exit, Failure};
use crate::{home, machine, tui};

/// Opens the playground.
///
/// # Errors
/// When there is no such scenario or arm, nothing to play with, or no terminal.
pub async fn run(arguments: &Play) -> Result<Exit, Failure> {
    let job = of(arguments)?;
    let state_folder = home::state_folder()?;
    clean::leftovers(&state_folder).await?;
    tui::play(job, state_folder).await
}

/// The playground that the arguments ask for.
///
/// # Errors
/// As [`job`].
pub fn of(arguments: &Play) -> Result<Job, Failure> {
    job(arguments.name.as_deref(), arguments.arm.as_deref(), &arguments.set)
}

/// A playground on a scenario's system, ready to begin; without a name the general one.
///
/// # Errors
/// When there is no such scenario, arm or parameter, or the scenario has no steady load.
pub fn job(name: Option<&str>, arm: Option<&str>, set: &[String]) -> Result<Job, Failure> {
    let scenario = match name {
        Some(name) => catalogue::open(name)?,
        None => scenario_of("playground")?,
    };
    run::needs_met(&scenario, "process")?;
    let options = Options {
        seed: run::new_seed(),
        set: run::settings(set)?,
        cores: machine::cores(),
        ..Options::default()
    };
    let plan = Plan::make(&scenario, &options)
        .and_then(|plan| plan.into_playground(arm))
        .map_err(|error| {
            let failure = Failure::usage(error.to_string());
            match name {
                Some(name) => failure.hint(format!("lab explain {name} shows arms and parameters")),
                None => failure.hint("its parameters are rate, instances, wait_ms and limit"),
            }
        })?;
    Ok(Job {
        scenario,
        plan,
        guess: None,
        backend: backends::backend("process")?,
        state_folder: home::state_folder()?,
        out: None,
        keep: false,
    })
}

/// The scenario of a plan, by its name.
///
/// # Errors
/// When the catalogue has none of that name.
pub fn scenario_of(name: &str) -> Result<Scenario, Failure> {
    if name == "playground" {
        return Scenario::parse(catalog::playground()).map_err(|error| Failure::unexpected(error.to_string()));
    }
    catalogue::open(name)
}
