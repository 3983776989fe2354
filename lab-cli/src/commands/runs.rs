//! `lab runs`: what was recorded.

use crate::failure::{Exit, Failure};
use crate::recording::{self, Summary};
use crate::text::{right_aligned, table, visible};
use crate::{home, output, text};

/// Lists recorded runs.
///
/// # Errors
/// When their folder cannot be read.
pub fn run(as_json: bool) -> Result<Exit, Failure> {
    let folders = recording::all(&home::state_folder()?)?;
    let summaries: Vec<Summary> = folders.iter().filter_map(|folder| Summary::read(folder)).collect();
    if as_json {
        output::json(&summaries)?;
        return Ok(Exit::Pass);
    }
    if folders.is_empty() {
        outln!(
            "{}",
            text::wrapped("No run is recorded yet. Make one: lab run cpu-blocking --quick", 0)
        );
        return Ok(Exit::Pass);
    }
    let mut table = table(&["run", "scenario", "verdict", "length"]);
    for folder in &folders {
        let id = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        match Summary::read(folder) {
            Some(run) => table.add_row(vec![
                id,
                visible(&run.scenario).into_owned(),
                run.verdict.as_str().to_owned(),
                format!("{:.0} s", run.elapsed_s),
            ]),
            None => table.add_row(vec![id.as_str(), "", "unfinished", ""]),
        };
    }
    right_aligned(&mut table, [3]);
    outln!("{table}");
    Ok(Exit::Pass)
}
