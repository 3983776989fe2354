//! `lab check --swap`: does every check decide something?

mod show;

use std::ops::ControlFlow;

use indicatif::ProgressBar;
use scenarios::catalog;
use scenarios::event::RunInfo;
use scenarios::lint;
use scenarios::plan::{Options, Plan};
use scenarios::scenario::Scenario;
use scenarios::state::RunState;
use scenarios::swap::{self, Declared, Examined};
use tokio_util::sync::CancellationToken;

use super::run::interruptible;
use crate::arguments::{Check, Ui};
use crate::backends::prepare;
use crate::failure::{Exit, Failure};
use crate::job::{Job, planned};
use crate::recording::{self, Recording};
use crate::{catalogue, display, home, leftovers, needs, output};

/// Holds one scenario, or the whole catalogue, to the swap law.
///
/// # Errors
/// When a scenario is not sound, or the one that was named cannot be run here.
pub async fn run(arguments: &Check) -> Result<Exit, Failure> {
    if let Some(run) = &arguments.recorded {
        return recorded(arguments, run);
    }
    let (jobs, mut worst) = jobs(arguments)?;
    let Some(first) = jobs.first() else { return Ok(worst) };
    let state_folder = home::state_folder()?;
    leftovers::remove(&state_folder).await?;
    say_how_long(&jobs);
    let systems: Vec<_> = jobs
        .iter()
        .flat_map(|job| &job.plan.arms)
        .map(|arm| arm.system.clone())
        .collect();
    prepare(first.backend.as_ref(), &systems).await?;
    let stop = interruptible(state_folder, "what was judged so far follows")?;
    let mut rows = Vec::new();
    for job in &jobs {
        match one(job, &stop).await {
            Ok(Some(examined)) => {
                out!("{}", show::scenario(job.scenario.name(), &examined));
                worst = worst.max(examined.verdict().into());
                rows.push((job.scenario.name().to_owned(), examined));
            }
            Ok(None) => {
                worst = Exit::Interrupted;
                break;
            }
            // What cannot be run is told, and costs the others nothing.
            Err(failure) if jobs.len() > 1 => {
                errln!("{}:", job.scenario.name());
                failure.print();
                worst = worst.max(failure.exit());
            }
            Err(failure) => return Err(failure),
        }
    }
    out!("{}", show::in_all(&rows));
    Ok(worst)
}

/// The runs that are needed, and how the command ends where some cannot be made: of the catalogue, what this machine lacks
/// something for is left out and told.
fn jobs(arguments: &Check) -> Result<(Vec<Job>, Exit), Failure> {
    if let Some(name) = &arguments.folder {
        let scenario = catalogue::open(name)?;
        lint::check(&scenario).map_err(|error| catalogue::in_its_place(&error))?;
        let job = planned::for_swaps(scenario, &arguments.backend)?;
        needs::met(&job.scenario, job.backend.as_ref())?;
        return Ok((vec![job], Exit::Pass));
    }
    let (mut jobs, mut exit) = (Vec::new(), Exit::Pass);
    for name in catalog::names() {
        let job = planned::for_swaps(catalogue::open(name)?, &arguments.backend)?;
        match needs::met(&job.scenario, job.backend.as_ref()) {
            Ok(()) => jobs.push(job),
            Err(failure) => {
                output::warn(&format!("{name} is left out: {}", failure.words()));
                exit = exit.max(Exit::Environment);
            }
        }
    }
    Ok((jobs, exit))
}

fn say_how_long(jobs: &[Job]) {
    let seconds: f64 = jobs.iter().map(|job| job.expected().whole_s(&job.plan)).sum();
    let scenarios = match jobs {
        [one] => one.scenario.name().to_owned(),
        all => format!("{} scenarios", all.len()),
    };
    if seconds < 90.0 {
        errln!("{scenarios}: one quick run of every arm, about {seconds:.0} s");
    } else {
        errln!(
            "{scenarios}: one quick run of every arm, about {:.0} min",
            (seconds / 60.0).ceil()
        );
    }
}

/// Runs one scenario and judges it; nothing where somebody stopped it.
async fn one(job: &Job, stop: &CancellationToken) -> Result<Option<Examined>, Failure> {
    if stop.is_cancelled() {
        return Ok(None);
    }
    errln!("{}", job.scenario.name());
    let (display, _) = display::of(Ui::Plain);
    let outcome = job.measure(display, stop).await?;
    for warning in &outcome.warnings {
        output::warn(warning);
    }
    if stop.is_cancelled() {
        return Ok(None);
    }
    match outcome.error {
        Some(error) => Err(error),
        None => Ok(judge(&job.plan, &outcome.state, &job.scenario, stop)),
    }
}

/// Judges every swap, with a bar where somebody watches.
fn judge(plan: &Plan, state: &RunState, scenario: &Scenario, stop: &CancellationToken) -> Option<Examined> {
    let bar = console::user_attended_stderr().then(|| {
        let bar = ProgressBar::new(0);
        bar.set_style(display::bar("{spinner} judging the swaps {bar:16} {pos}/{len}"));
        bar
    });
    let declared = Declared::by(&scenario.document);
    let examined = swap::examine(plan, state, &declared, |done, of| {
        if let Some(bar) = &bar {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
        match stop.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    examined
}

/// Judges a recorded run by the checks of its scenario as they are now.
fn recorded(arguments: &Check, run: &str) -> Result<Exit, Failure> {
    let recording = Recording::read(&recording::find(&home::state_folder()?, run)?)?;
    let state = RunState::of(&recording.events);
    let Some(info) = &state.info else {
        return Err(Failure::usage("the recording has no start of a run").hint("lab runs lists those that have"));
    };
    let scenario = match &arguments.folder {
        Some(name) => catalogue::open(name)?,
        None => catalogue::open(&info.plan.scenario)?,
    };
    let plan = with_checks_of(&scenario, info)?;
    let examined = judge(&plan, &state, &scenario, &CancellationToken::new());
    let Some(examined) = examined else {
        return Ok(Exit::Interrupted);
    };
    out!("{}", show::scenario(scenario.name(), &examined));
    let exit = examined.verdict().into();
    out!("{}", show::in_all(&[(scenario.name().to_owned(), examined)]));
    Ok(exit)
}

/// What was planned for a recorded run, with the checks that the scenario has now.
fn with_checks_of(scenario: &Scenario, info: &RunInfo) -> Result<Plan, Failure> {
    let recorded = &info.plan;
    let options = Options {
        seed: recorded.seed,
        quick: recorded.quick,
        every_arm: recorded.arms.iter().any(|arm| arm.stands_in.is_some()),
        rounds: Some(recorded.rounds),
        set: recorded
            .overridden
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect(),
        cores: info.machine.cores,
    };
    let now = catalogue::planned(scenario, &options)?;
    let arms = |plan: &Plan| plan.arms.iter().map(|arm| arm.name.clone()).collect::<Vec<_>>();
    if arms(&now) != arms(recorded) {
        return Err(Failure::usage(format!(
            "the arms of {} are no longer those of that run",
            scenario.name()
        ))
        .hint("leave --recorded out, and the scenario is run"));
    }
    Ok(Plan {
        checks: now.checks,
        ..recorded.clone()
    })
}
