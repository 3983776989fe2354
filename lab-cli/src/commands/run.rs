//! `lab run`: scenarios from nothing to a verdict.

use std::collections::BTreeMap;
use std::path::PathBuf;

use compose::BrokerKind;
use compose::SystemSpec;
use scenarios::catalog;
use scenarios::format::{Need, Scenario};
use scenarios::guess::Guess;
use scenarios::plan::{Options, Plan};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::backends::{backend, prepare};
use super::{catalogue, clean, recorded};
use crate::arguments::{Run, Ui};
use crate::conduct::Job;
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::{guess, home, machine, output, text, tui};

/// Seeds are small enough to be typed.
const SEEDS: u32 = 1_000_000;

/// Runs scenarios one after the other; the worst of their verdicts is the exit code.
///
/// # Errors
/// When one of them cannot be run; those before it have been.
pub async fn run(arguments: Run) -> Result<Exit, Failure> {
    let mut jobs = jobs(&arguments)?;
    let state_folder = home::state_folder()?;
    clean::leftovers(&state_folder).await?;
    prepare_all(&jobs).await?;
    if display::is_tui(arguments.ui) && !(arguments.ui == Ui::Auto && arguments.yes) {
        for job in &mut jobs {
            job.guess = given(&arguments, &job.plan)?;
        }
        return tui::run(jobs, !arguments.yes, state_folder).await;
    }
    let stop = interruptible(state_folder)?;
    let mut worst = Exit::Pass;
    for mut job in jobs {
        if stop.is_cancelled() {
            break;
        }
        job.guess = guess(&arguments, &job.plan)?;
        worst = worst.max(one(&arguments, &job, &stop).await?);
    }
    Ok(worst)
}

/// Makes ready what the systems of all jobs need, before anything is measured or drawn.
async fn prepare_all(jobs: &[Job]) -> Result<(), Failure> {
    let Some(first) = jobs.first() else { return Ok(()) };
    let arms = jobs.iter().flat_map(|job| &job.plan.arms);
    let systems: Vec<SystemSpec> = arms.map(|arm| arm.system.clone()).collect();
    prepare(first.backend.as_ref(), &systems).await
}

/// What `lab run NAME` (`--quick`) is given.
pub fn arguments(name: &str, quick: bool) -> Run {
    Run {
        names: vec![name.to_owned()],
        phase: None,
        backend: "process".to_owned(),
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
        };
        let plan = Plan::make(&scenario, &options).map_err(|error| {
            Failure::usage(error.to_string()).hint(format!("lab explain {} lists its parameters", scenario.name()))
        })?;
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
        .try_for_each(|job| needs_met(&job.scenario, backend.name()))?;
    if arguments.guess.is_some() && jobs.len() > 1 {
        return Err(Failure::usage(
            "--guess answers one question, and several scenarios are named",
        ));
    }
    Ok(jobs)
}

async fn one(arguments: &Run, job: &Job, stop: &CancellationToken) -> Result<Exit, Failure> {
    let (display, after) = display::of(arguments.ui);
    if after == After::Report {
        let plan = &job.plan;
        let what = format!(
            "{} · up to {:.0} s · seed {}",
            plan.scenario,
            plan.expected_s(),
            plan.seed
        );
        errln!("{}", text::wrapped(&what, 0));
        err!("{}", plain::left_out(plan));
        if let Some(engine) = job.backend.engine() {
            errln!("on the Docker engine at {engine}");
        }
    }
    let outcome = job.conduct(display, stop).await?;
    for warning in &outcome.warnings {
        output::warn(warning);
    }
    if after == After::Report {
        out!("{}", plain::report(&outcome.state, outcome.lesson.as_ref()));
        outln!("{}", recorded::where_it_lies(&outcome.folder));
        if arguments.keep {
            outln!("The system is still up: lab ps shows it, lab down ends it.");
        }
    }
    outcome.say_what_was_lost();
    if output::is_broken() {
        errln!("{}", plain::summary(&outcome.state));
    }
    outcome.exit(stop.is_cancelled())
}

/// What the learner expects: as given, else as asked for on a terminal.
fn guess(arguments: &Run, plan: &Plan) -> Result<Option<Guess>, Failure> {
    let given = given(arguments, plan)?;
    match &plan.predict {
        Some(predict)
            if given.is_none() && !arguments.yes && arguments.ui != Ui::Json && guess::somebody_is_there() =>
        {
            Ok(guess::ask(predict)?)
        }
        _ => Ok(given),
    }
}

/// What the learner expects, where the arguments say it.
fn given(arguments: &Run, plan: &Plan) -> Result<Option<Guess>, Failure> {
    let Some(answer) = &arguments.guess else {
        return Ok(None);
    };
    let Some(predict) = &plan.predict else {
        return Err(Failure::usage(format!("{} asks for no guess", plan.scenario)));
    };
    guess::parse(answer, &predict.asked)
        .map(Some)
        .map_err(|why| Failure::usage(format!("--guess {answer}: {why}")).hint(predict.question.clone()))
}

/// Refuses a scenario that needs what this machine lacks, before anything is started.
pub fn needs_met(scenario: &Scenario, backend: &str) -> Result<(), Failure> {
    for need in &scenario.document.needs {
        match need {
            // Elsewhere, the backend itself knows where servers of others come from.
            Need::Redis if backend == "process" => drop(compose::redis_source()?),
            Need::Redis => {}
            Need::Postgres if backend == "process" => drop(compose::postgres_source()?),
            Need::Postgres => {}
            Need::Docker if backend == "docker" => {}
            Need::Docker => {
                let name = scenario.name();
                return Err(
                    Failure::usage(format!("{name} needs containers")).hint(format!("lab run {name} --backend docker"))
                );
            }
            Need::Kafka if backend == "process" => drop(compose::kafka_source(BrokerKind::Any)?),
            Need::DurableKafka if backend == "process" => drop(compose::kafka_source(BrokerKind::Apache)?),
            Need::Kafka | Need::DurableKafka => {}
        }
    }
    Ok(())
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

pub fn new_seed() -> u64 {
    let now = OffsetDateTime::now_utc();
    u64::from(now.nanosecond() / 1000 % SEEDS)
}

/// A token that the first Ctrl-C (or TERM, HUP, QUIT) cancels; the second ends the process at once.
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
        errln!("\nstopping: the report of what was measured follows; Ctrl-C again ends at once");
        interrupts.next().await;
        clean::own_systems(&state_folder);
        std::process::exit(i32::from(Exit::Interrupted.number()));
    });
    Ok(token)
}
