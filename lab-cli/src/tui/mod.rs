//! The terminal laboratory. It draws the state that every other display draws, and changes no measurement: what it keeps
//! itself is which page is open, what is selected and how far a text is scrolled.

mod app;
mod help;
mod job_control;
mod keys;
mod next;
mod pages;
mod panels;
mod paper;
mod picture;
mod session;
mod terminal;
mod text;
mod theme;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::job::Job;
use crate::leftovers;
use crate::recording::Recording;
use app::{App, SessionEnd};
use session::Message;
use terminal::Screen;
use theme::{Depth, Theme};

#[cfg(test)]
pub use picture::drawn;
pub use picture::picture;
pub use session::Session;

/// Messages that may wait for the screen.
const MESSAGES: usize = 4096;

/// What a terminal of this size can show of the laboratory, in words.
pub fn what_it_can(columns: u16, rows: u16) -> String {
    let theme = Theme::of_terminal();
    let colors = match theme.depth {
        Depth::None => "no colour",
        Depth::Sixteen => "16 colours",
        Depth::Many => "256 colours",
    };
    let characters = if theme.ascii {
        "ASCII (the locale is not UTF-8)"
    } else {
        "Unicode"
    };
    let room = if columns < app::SMALLEST.0 || rows < app::SMALLEST.1 {
        format!(
            "; too small for the laboratory, which needs {} by {}",
            app::SMALLEST.0,
            app::SMALLEST.1
        )
    } else {
        String::new()
    };
    format!("{columns} columns, {rows} rows, {colors}, {characters}{room}")
}

/// The curriculum, until the learner leaves it.
///
/// # Errors
/// When there is no terminal, or the state folder cannot be read.
pub async fn home(state_folder: PathBuf) -> Result<Exit, Failure> {
    let outcome = open(state_folder, App::at_home).await?;
    Ok(if outcome.interrupted {
        Exit::Interrupted
    } else {
        Exit::Pass
    })
}

/// These runs, one after the other; their verdicts are said once more when the screen is gone. With `ask`, each begins
/// with its question.
///
/// # Errors
/// When there is no terminal, or the only run could not be done.
pub async fn run(jobs: Vec<Job>, ask: bool, state_folder: PathBuf) -> Result<Exit, Failure> {
    let outcome = open(state_folder, move |app| {
        app.with_jobs(jobs, ask);
        Ok(())
    })
    .await?;
    ended(outcome)
}

/// A recorded run.
///
/// # Errors
/// When there is no terminal.
pub async fn replay(recording: Recording, speed: f64, state_folder: PathBuf) -> Result<Exit, Failure> {
    let outcome = open(state_folder, move |app| {
        app.with_replay(recording, speed);
        Ok(())
    })
    .await?;
    ended(outcome)
}

/// A playground.
///
/// # Errors
/// When there is no terminal, or its system could not be started.
pub async fn play(job: Job, state_folder: PathBuf) -> Result<Exit, Failure> {
    let outcome = open(state_folder, |app| {
        app.with_playground(job);
        Ok(())
    })
    .await?;
    ended(outcome)
}

/// Somebody else's system; `begin` gives what watches it.
///
/// # Errors
/// When there is no terminal, or nothing to watch any more.
pub async fn watch(
    begin: impl FnOnce(SyncSender<Message>) -> Session + Send + 'static,
    state_folder: PathBuf,
) -> Result<Exit, Failure> {
    let outcome = open(state_folder, |app| {
        app.with_watch(begin);
        Ok(())
    })
    .await?;
    ended(outcome)
}

fn ended(outcome: SessionEnd) -> Result<Exit, Failure> {
    for said in &outcome.said {
        outln!("{said}");
    }
    match (outcome.interrupted, outcome.failure) {
        (true, _) => Ok(Exit::Interrupted),
        (false, Some(failure)) => Err(failure),
        // A question that was left unanswered is no failure.
        (false, None) => Ok(outcome.worst.unwrap_or(Exit::Pass)),
    }
}

/// Takes the terminal and shows the laboratory until it is left. The screen has a thread of its own, as have the keys:
/// neither the engine nor the load generator ever waits for them.
async fn open(
    state_folder: PathBuf,
    begin: impl FnOnce(&mut App) -> Result<(), Failure> + Send + 'static,
) -> Result<SessionEnd, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage("the dashboard needs a terminal").hint("--ui plain works everywhere"));
    }
    let (sender, messages) = sync_channel(MESSAGES);
    let mut interrupts = Interrupts::listen()?;
    let interrupted = sender.clone();
    let listening = tokio::spawn(async move {
        loop {
            interrupts.next().await;
            if interrupted.send(Message::Interrupt).is_err() {
                return;
            }
        }
    });
    let stopped_and_continued = job_control::listen(sender.clone())?;
    let runtime = Handle::current();
    let (done, shown) = oneshot::channel();
    let folder = state_folder.clone();
    let show = move || {
        let mut app = App::new(state_folder, runtime, sender.clone(), Theme::of_terminal());
        begin(&mut app)?;
        let mut screen =
            Screen::take().map_err(|error| Failure::environment(format!("cannot draw on this terminal: {error}")))?;
        listen_to_keys(sender)?;
        app.run(&mut screen, &messages).map_err(Failure::from)
    };
    std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
        // Nobody waits for it any more when the runtime is gone.
        let _ = done.send(show());
    })?;
    let outcome = shown.await;
    listening.abort();
    stopped_and_continued.abort();
    outcome.unwrap_or_else(|_| {
        // It panicked, which ends what runs: the children die with this process, and its records go before it does.
        leftovers::end_own_systems(&folder);
        Err(Failure::unexpected("the dashboard crashed; the run was stopped"))
    })
}

/// Keys come on a thread that waits for them; it ends with the screen's end of the channel, or the process.
fn listen_to_keys(sender: SyncSender<Message>) -> std::io::Result<()> {
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        loop {
            let message = match crossterm::event::read() {
                Ok(event) => Message::Input(event),
                // The terminal has gone.
                Err(_) => {
                    let _ = sender.send(Message::Interrupt);
                    return;
                }
            };
            if sender.send(message).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
