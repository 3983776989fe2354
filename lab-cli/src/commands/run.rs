//! `lab run`: scenarios from nothing to a verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compose::{Backend, BackendRegistry, ProcessBackend};
use scenarios::catalog;
use scenarios::engine::{self, Bus, RunError, Sink, Site};
use scenarios::format::{Need, Scenario};
use scenarios::plan::{Options, Plan};
use scenarios::prediction::Guess;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use super::{catalogue, clean, recorded};
use crate::arguments::{Run, Ui};
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::learner::Learner;
use crate::recording::Recorder;
use crate::report::{self, Material};
use crate::{guess, home, machine, text};

/// Seeds are small enough to be typed.
const SEEDS: u32 = 1_000_000;

/// Runs scenarios one after the other; the worst of their verdicts is the exit code.
///
/// # Errors
/// When one of them cannot be run; those before it have been.
pub async fn run(arguments: Run) -> Result<Exit, Failure> {
    let scenarios = scenarios_of(&arguments)?;
    if arguments.out.is_some() && scenarios.len() > 1 {
        return Err(Failure::usage("--out takes one run, and several scenarios are named"));
    }
    let set = settings(&arguments.set)?;
    let backend = backend(&arguments.backend)?;
    let state_folder = home::state_folder()?;
    // Everything is planned before anything is started: a wrong parameter of the last must not cost the first.
    let mut planned = Vec::new();
    for scenario in scenarios {
        let options = Options {
            seed: arguments.seed.unwrap_or_else(new_seed),
            quick: arguments.quick,
            rounds: arguments.rounds,
            set: set.clone(),
            cores: machine::cores(),
        };
        let plan = Plan::make(&scenario, &options).map_err(|error| {
            Failure::usage(error.to_string()).hint(format!("lab explain {} lists its parameters", scenario.name()))
        })?;
        planned.push((scenario, plan));
    }
    planned.iter().try_for_each(|(scenario, _)| needs_met(scenario))?;
    if arguments.guess.is_some() && planned.len() > 1 {
        return Err(Failure::usage(
            "--guess answers one question, and several scenarios are named",
        ));
    }
    clean::leftovers(&state_folder).await?;
    let stop = interruptible(state_folder.clone())?;
    let mut worst = Exit::Pass;
    for (scenario, plan) in planned {
        if stop.is_cancelled() {
            break;
        }
        worst = worst.max(one(&arguments, &scenario, &plan, &backend, &state_folder, &stop).await?);
    }
    Ok(worst)
}

async fn one(
    arguments: &Run,
    scenario: &Scenario,
    plan: &Plan,
    backend: &Arc<dyn Backend>,
    state_folder: &Path,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let guess = guess(arguments, plan)?;
    let now = OffsetDateTime::now_utc().truncate_to_second();
    let (run, folder) = match &arguments.out {
        Some(folder) => named_folder(folder, scenario.name())?,
        None => home::new_run(state_folder, scenario.name(), now)?,
    };
    let recorder = Recorder::create(&folder, &scenario.source)
        .map_err(|error| Failure::environment(format!("cannot record into {}: {error}", folder.display())))?;
    let (display, after) = display::of(arguments.ui);
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(recorder), display];
    let site = Site {
        run,
        started: now
            .format(&Rfc3339)
            .map_err(|error| Failure::unexpected(error.to_string()))?,
        backend: backend.clone(),
        machine: machine::describe(),
        folder: folder.clone(),
        state_folder: state_folder.to_owned(),
        keep: arguments.keep,
        guess,
    };
    if after == After::Report {
        let what = format!(
            "{} · up to {:.0} s · seed {}",
            plan.scenario,
            plan.expected_s(),
            plan.seed
        );
        eprintln!("{}", text::wrapped(&what, 0));
    }
    let mut bus = Bus::new(sinks);
    let error = engine::run(plan, &site, &mut bus, stop).await;
    let (state, sinks) = bus.finish();
    for sink in sinks {
        if sink.dropped > 0 {
            eprintln!(
                "warning: {} missed {} events and is incomplete",
                sink.name, sink.dropped
            );
        }
        if let Some(failure) = sink.failure {
            eprintln!("warning: {} failed: {failure}", sink.name);
        }
    }
    let lesson = recorded::told(scenario, &state);
    if after == After::Report {
        print!("{}", plain::report(&state, lesson.as_ref()));
    }
    let material = Material {
        state: &state,
        lesson,
        command: recorded::command(&state),
    };
    report::write_all(&folder, &material)
        .map_err(|error| Failure::environment(format!("cannot write the report: {error}")))?;
    if let Err(error) = Learner::add(state_folder, &state) {
        eprintln!("warning: your progress could not be kept: {error}");
    }
    if after == After::Report {
        println!("{}", recorded::where_it_lies(&folder));
        if arguments.keep {
            println!("The system is still up: lab ps shows it, lab down ends it.");
        }
    }
    if stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    match error {
        Some(error) => Err(failure(error)),
        None => Ok(state.ended.map_or(Exit::Inconclusive, |ended| ended.verdict.into())),
    }
}

/// What the learner expects: as given, else as asked for on a terminal.
fn guess(arguments: &Run, plan: &Plan) -> Result<Option<Guess>, Failure> {
    let Some(predict) = &plan.predict else {
        let asked = arguments.guess.is_none();
        return if asked {
            Ok(None)
        } else {
            Err(Failure::usage(format!("{} asks for no guess", plan.scenario)))
        };
    };
    match &arguments.guess {
        Some(answer) => guess::parse(answer, &predict.asked)
            .map(Some)
            .map_err(|why| Failure::usage(format!("--guess {answer}: {why}")).hint(predict.question.clone())),
        None if !arguments.yes && arguments.ui != Ui::Json && guess::somebody_is_there() => Ok(guess::ask(predict)?),
        None => Ok(None),
    }
}

/// Refuses a scenario that needs what this machine lacks, before anything is started.
fn needs_met(scenario: &Scenario) -> Result<(), Failure> {
    for need in &scenario.document.needs {
        match need {
            Need::Redis => drop(compose::redis_source()?),
            Need::Kafka | Need::Docker => {
                let name = scenario.name();
                return Err(Failure::environment(format!(
                    "{name} needs what this version of the lab does not have: {need:?}"
                )));
            }
        }
    }
    Ok(())
}

fn failure(error: RunError) -> Failure {
    match error {
        RunError::Backend(error) => error.into(),
        RunError::Load(error) => Failure::environment(error.to_string()),
        RunError::Capability { .. } => Failure::environment(error.to_string()),
        RunError::Unexpected(_) => Failure::unexpected(error.to_string()),
    }
}

fn scenarios_of(arguments: &Run) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios: Vec<Scenario> = arguments
        .names
        .iter()
        .map(|name| catalogue::open(name))
        .collect::<Result<_, _>>()?;
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

fn settings(set: &[String]) -> Result<BTreeMap<String, f64>, Failure> {
    set.iter()
        .map(|setting| {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--set {setting}: write it as KEY=VALUE")))?;
            let number = value
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| Failure::usage(format!("--set {setting}: `{value}` is not a number")))?;
            Ok((key.to_owned(), number))
        })
        .collect()
}

/// The backend of this name, which starts this very program for every service.
///
/// # Errors
/// When there is none of that name.
pub fn backend(name: &str) -> Result<Arc<dyn Backend>, Failure> {
    let process = ProcessBackend::of_current_program()
        .map_err(|error| Failure::unexpected(format!("cannot tell which program this is: {error}")))?;
    Ok(BackendRegistry::standard(process).get(name)?)
}

fn named_folder(folder: &Path, scenario: &str) -> Result<(String, PathBuf), Failure> {
    let cannot = |error: std::io::Error| Failure::environment(format!("cannot use {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    if std::fs::read_dir(folder).map_err(cannot)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", folder.display())).hint("--out takes a new folder"));
    }
    let folder = folder.canonicalize().map_err(cannot)?;
    Ok((format!("{scenario}-{}-{}", std::process::id(), new_seed()), folder))
}

fn new_seed() -> u64 {
    let now = OffsetDateTime::now_utc();
    u64::from(now.nanosecond() / 1000 % SEEDS)
}

/// A token that the first Ctrl-C (or SIGTERM) cancels; the second ends the process at once.
///
/// # Errors
/// When the system does not take the handlers.
fn interruptible(state_folder: PathBuf) -> Result<CancellationToken, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        interrupts.next().await;
        cancelled.cancel();
        eprintln!("\nstopping: the report of what was measured follows; Ctrl-C again ends at once");
        interrupts.next().await;
        // The children die with this process; what it wrote about them goes before it does.
        clean::own_records(&state_folder);
        std::process::exit(i32::from(Exit::Interrupted.number()));
    });
    Ok(token)
}
