//! `lab replay`: a recorded run through the displays that showed it.

use std::future::pending;
use std::ops::ControlFlow;

use scenarios::engine::Bus;
use scenarios::event::RunEvent;
use scenarios::state::RunState;
use scenarios::summary::{Outcome, RunSummary};

use crate::arguments::Ui;
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::recording::{self, Played, Recording};
use crate::{home, output, tui};

/// How much faster than it happened a run is shown. A slower pause would be longer than any clock counts.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

/// Plays a recorded run through a display, at its own pace or faster.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub async fn run(run: &str, speed: f64, ui: Ui) -> Result<Exit, Failure> {
    if speed != 0.0 && !SPEEDS.contains(&speed) {
        return Err(Failure::usage(format!(
            "--speed {speed:e}: give 0 (at once), or from {} to {}",
            SPEEDS.start(),
            SPEEDS.end()
        )));
    }
    let state_folder = home::state_folder()?;
    let recording = Recording::read(&recording::find(&state_folder, run)?)?;
    if display::is_tui(ui) {
        return tui::replay(recording, speed, state_folder).await;
    }
    let (sink, after) = display::of(ui);
    let mut bus = Bus::new(vec![sink]);
    // At once nothing is waited for, and Ctrl-C ends the program as it ends any other.
    let mut interrupts = (speed > 0.0).then(Interrupts::listen).transpose()?;
    let interrupted = async {
        match &mut interrupts {
            Some(interrupts) => interrupts.next().await,
            None => pending().await,
        }
    };
    let show = |event: &RunEvent| {
        if !output::is_seen() {
            return ControlFlow::Break(());
        }
        bus.forward(event.clone());
        ControlFlow::Continue(())
    };
    let played = recording.play(speed, interrupted, show).await;
    let (shown, _) = bus.finish();
    let state = match played {
        Played::Whole => shown,
        Played::Stopped => return Ok(Exit::Interrupted),
        // A reader who left in the middle changes no verdict.
        Played::Refused => RunState::of(&recording.events),
    };
    if after == After::Report {
        let summary = RunSummary::of(&state);
        out!("{}", plain::report(&summary, recording.lesson(&summary).as_ref()));
    }
    Ok(Outcome::of(&state).exit())
}
