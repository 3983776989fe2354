//! Playgrounds: a scenario's system under steady load, for keys to change.

use std::ffi::OsStr;

use compose::DEFAULT_BACKEND;
use scenarios::lint::{self, Refused};
use scenarios::plan::{Options, PlanError};

use super::Job;
use super::planned::{new_seed, settings};
use crate::arguments::Play;
use crate::failure::Failure;
use crate::{backends, catalogue, home, machine, needs};

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
pub fn job(name: Option<&OsStr>, arm: Option<&str>, set: &[String]) -> Result<Job, Failure> {
    let scenario = match name {
        Some(name) => catalogue::open(name)?,
        None => catalogue::of_plan("playground")?,
    };
    let backend = backends::backend(DEFAULT_BACKEND)?;
    needs::met(&scenario, backend.as_ref())?;
    let options = Options {
        seed: new_seed(),
        set: settings(set)?,
        cores: machine::cores(),
        ..Options::default()
    };
    let refused = |error: PlanError| {
        let failure = Failure::usage(error.to_string());
        match name {
            Some(name) => failure.hint(format!("lab explain {} shows arms and parameters", name.display())),
            None => failure.hint("its parameters are rate, instances, wait_ms and limit"),
        }
    };
    let plan = lint::planned(&scenario, &options).map_err(|error| match error {
        Refused::Unsound(error) => catalogue::in_its_place(&error),
        Refused::Options(error) => refused(error),
    })?;
    let plan = plan.into_playground(arm).map_err(refused)?;
    Ok(Job {
        scenario,
        plan,
        guess: None,
        backend,
        state_folder: home::state_folder()?,
        out: None,
        keep: false,
    })
}
