//! `lab report`: the report of a recorded run.

use std::path::PathBuf;

use scenarios::state::RunState;
use scenarios::summary::RunSummary;

use crate::failure::{Exit, Failure};
use crate::recording::{self, Recording};
use crate::report::{self, Format, Material};
use crate::{browser, home, output};

/// Writes the report of a recorded run.
///
/// # Errors
/// When there is no such run, or the file cannot be written.
pub fn run(run: &str, format: Format, output: Option<PathBuf>, open: bool) -> Result<Exit, Failure> {
    let recording = Recording::read(&recording::find(&home::state_folder()?, run)?)?;
    let state = RunState::of(&recording.events);
    let summary = RunSummary::of(&state);
    let material = Material {
        lesson: recording.lesson(&summary),
        command: report::command(&state),
        summary,
    };
    let text = report::render(format, &material).map_err(|error| Failure::unexpected(error.to_string()))?;
    // HTML on a terminal helps nobody: it goes to the run's folder unless a file is named.
    let to = output.or_else(|| (format.is_page || open).then(|| recording.folder.join(format.file)));
    let Some(path) = to else {
        output::data(text.as_bytes());
        return Ok(Exit::Pass);
    };
    std::fs::write(&path, text)
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))?;
    outln!("{}", path.display());
    if open && !browser::open(&path) {
        outln!("No program to open it with was found; open the file above in a browser.");
    }
    Ok(Exit::Pass)
}
