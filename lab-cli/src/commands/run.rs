//! `lab run`: scenarios from nothing to a verdict.

use std::path::PathBuf;

use compose::SystemSpec;
use scenarios::guess::Guess;
use scenarios::plan::Plan;
use scenarios::summary::RunSummary;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Run, Ui};
use crate::backends::prepare;
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::job::{Job, planned};
use crate::{guess, home, leftovers, output, text, tui};

/// Runs scenarios one after the other; the worst of their verdicts is the exit code.
///
/// # Errors
/// When one of them cannot be run; those before it have been.
pub async fn run(arguments: Run) -> Result<Exit, Failure> {
    let mut jobs = planned::jobs(&arguments)?;
    let state_folder = home::state_folder()?;
    leftovers::remove(&state_folder).await?;
    prepare_all(&jobs).await?;
    if display::is_tui(arguments.ui) && !(arguments.ui == Ui::Auto && arguments.yes) {
        for job in &mut jobs {
            job.guess = given(&arguments, &job.plan)?;
        }
        return tui::run(jobs, !arguments.yes, state_folder).await;
    }
    let stop = interruptible(state_folder, "the report of what was measured follows")?;
    let mut worst = Exit::Pass;
    for mut job in jobs {
        if stop.is_cancelled() {
            return Ok(worst.max(Exit::Interrupted));
        }
        job.guess = guess(&arguments, &job)?;
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

async fn one(arguments: &Run, job: &Job, stop: &CancellationToken) -> Result<Exit, Failure> {
    let (display, after) = display::of(arguments.ui);
    if after == After::Report {
        let plan = &job.plan;
        let what = format!(
            "{} · about {:.0} s · seed {}",
            plan.scenario,
            job.expected().whole_s(plan),
            plan.seed
        );
        errln!("{}", text::wrapped(&what, 0));
        err!("{}", plain::left_out(plan));
        if let Some(engine) = job.backend.engine() {
            errln!("on {engine}");
        }
    }
    let outcome = job.conduct(display, stop).await?;
    for warning in &outcome.warnings {
        output::warn(warning);
    }
    if after == After::Report {
        out!(
            "{}",
            plain::report(&RunSummary::of(&outcome.state), outcome.lesson.as_ref())
        );
        outln!("{}", outcome.where_it_lies());
        if arguments.keep {
            outln!("The system is still up: lab ps shows it, lab down ends it.");
        }
    }
    outcome.say_what_was_lost();
    if output::why_broken().is_some() {
        errln!("{}", plain::in_short(&RunSummary::of(&outcome.state)));
    }
    outcome.exit()
}

/// What the learner expects: as given, else as asked for on a terminal.
fn guess(arguments: &Run, job: &Job) -> Result<Option<Guess>, Failure> {
    let given = given(arguments, &job.plan)?;
    match &job.plan.predict {
        Some(predict)
            if given.is_none() && !arguments.yes && arguments.ui != Ui::Json && guess::somebody_is_there() =>
        {
            Ok(guess::ask(predict, job.scenario.lesson.section("The idea"))?)
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

/// A token that the first Ctrl-C (or TERM, HUP, QUIT) cancels; the second ends the process at once. `then` says what happens
/// after the first.
///
/// # Errors
/// When the system does not take the handlers.
pub(super) fn interruptible(state_folder: PathBuf, then: &'static str) -> Result<CancellationToken, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        interrupts.next().await;
        cancelled.cancel();
        errln!("\nstopping: {then}; Ctrl-C again ends at once");
        interrupts.next().await;
        leftovers::end_own_systems(&state_folder);
        std::process::exit(i32::from(Exit::Interrupted.number()));
    });
    Ok(token)
}
