//! `lab replay`: a recorded run through the displays that showed it.

use std::time::Duration;

use scenarios::engine::Bus;
use scenarios::summary::{Outcome, RunSummary};

use crate::arguments::Ui;
use crate::display::{self, After, plain};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::recording::{self, Recording};
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
    let mut shown_ms = 0;
    // At once nothing is waited for, and Ctrl-C ends the program as it ends any other.
    let mut interrupts = (speed > 0.0).then(Interrupts::listen).transpose()?;
    for event in &recording.events {
        let gap_ms = event.elapsed_ms.saturating_sub(shown_ms);
        shown_ms = event.elapsed_ms;
        if let Some(interrupts) = &mut interrupts
            && gap_ms > 0
        {
            let pause = tokio::time::sleep(Duration::from_secs_f64(gap_ms as f64 / 1000.0 / speed));
            tokio::select! {
                () = pause => {}
                () = interrupts.next() => { bus.finish(); return Ok(Exit::Interrupted); }
            }
        }
        if !output::is_seen() {
            break;
        }
        bus.forward(event.clone());
    }
    let (state, _) = bus.finish();
    if after == After::Report {
        let summary = RunSummary::of(&state);
        out!("{}", plain::report(&summary, recording.lesson(&summary).as_ref()));
    }
    Ok(Outcome::of(&state).exit())
}
