//! `lab picture`: a screen as an SVG, for slides and handbooks.

use crate::arguments::Picture;
use crate::failure::{Exit, Failure};
use crate::recording::{self, Recording};
use crate::{home, output, tui};

/// Screens that can be drawn, columns and rows.
const SIZES: (std::ops::RangeInclusive<u16>, std::ops::RangeInclusive<u16>) = (72..=300, 20..=120);

/// Writes the picture.
///
/// # Errors
/// When there is no such run, the size makes no sense, or the file cannot be written.
pub fn run(arguments: &Picture) -> Result<Exit, Failure> {
    let size = size(&arguments.size)?;
    let state_folder = home::state_folder()?;
    let recording = match arguments.run.as_str() {
        "home" => None,
        run => Some(Recording::read(&recording::find(&state_folder, run)?)?),
    };
    let svg = tui::picture(recording, arguments.at, size, state_folder)?;
    match &arguments.output {
        None => output::data(svg.as_bytes()),
        Some(path) => {
            std::fs::write(path, svg)
                .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))?;
            outln!("{}", path.display());
        }
    }
    Ok(Exit::Pass)
}

fn size(text: &str) -> Result<(u16, u16), Failure> {
    let parsed = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    match parsed {
        Some((columns, rows)) if SIZES.0.contains(&columns) && SIZES.1.contains(&rows) => Ok((columns, rows)),
        _ => Err(
            Failure::usage(format!("--size {text}: write it as COLUMNSxROWS, such as 120x36")).hint(format!(
                "from {}x{} to {}x{}",
                SIZES.0.start(),
                SIZES.1.start(),
                SIZES.0.end(),
                SIZES.1.end()
            )),
        ),
    }
}
