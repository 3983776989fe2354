//! Displays of a run: each is a sink of events.

mod bar;
mod json;
pub mod plain;
mod progress;

use std::io::IsTerminal;

use scenarios::engine::Sink;

use crate::arguments::Ui;

pub use bar::bar;
pub use json::JsonLines;
pub use progress::Progress;

/// What a display leaves to be printed on stdout after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The report in words.
    Report,
    /// Nothing: stdout has the events.
    Nothing,
}

/// Whether a display of this kind is the terminal laboratory here: it needs a terminal that can be drawn on.
pub fn is_tui(ui: Ui) -> bool {
    let capable = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::env::var("TERM").is_ok_and(|term| term != "dumb");
    ui == Ui::Tui || (ui == Ui::Auto && capable)
}

/// The sink of a display that is not the terminal laboratory, and what is printed after it.
pub fn of(ui: Ui) -> (Box<dyn Sink>, After) {
    match ui {
        Ui::Json => (Box::new(JsonLines), After::Nothing),
        Ui::Auto | Ui::Plain | Ui::Tui => (Box::new(Progress::new(std::io::stderr().is_terminal())), After::Report),
    }
}
