//! Reports of a run in the formats of [`FORMATS`], all made from one [`RunSummary`](scenarios::summary::RunSummary).
//!
//! Each format is one small writer. A run that is unfinished, interrupted, failed or empty has a report too: it says
//! what is missing (see [`gaps`]).

mod acted;
mod csv;
mod disturbances;
mod escape;
mod format;
mod gaps;
mod github;
mod hgrm;
pub mod histories;
mod html;
mod json;
mod junit;
mod lesson;
mod markdown;
mod material;
mod openmetrics;
pub mod simulated;
mod svg;
mod told;
pub mod words;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod attack;
#[cfg(test)]
mod cut_short;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod guess_tests;
#[cfg(test)]
mod tests;

pub use html::SimMaterial;
pub use material::{Material, ReportError};
pub use told::{LessonText, command};

use std::fs;
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use format::FormatEntry;

/// A format of a report: one of [`FORMATS`].
pub type Format = &'static FormatEntry;

/// All formats, in the order of the help.
pub static FORMATS: &[Format] = &[
    &html::FORMAT,
    &markdown::FORMAT,
    &json::FORMAT,
    &csv::FORMAT,
    &hgrm::FORMAT,
    &junit::FORMAT,
    &openmetrics::FORMAT,
    &github::FORMAT,
];

/// Reads a format from the command line.
pub fn format_parser() -> impl TypedValueParser<Value = Format> {
    let values = FORMATS
        .iter()
        .map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(values).map(|name| format_named(&name))
}

/// The format of that name, which must be one.
pub fn format_named(name: &str) -> Format {
    let named = FORMATS.iter().find(|format| format.name == name);
    named.unwrap_or_else(|| panic!("no format is called {name}"))
}

/// The report in one format.
///
/// # Errors
/// When the page's template or the JSON writer fails, which only a defect of the lab can cause.
pub fn render(format: Format, material: &Material<'_>) -> Result<String, ReportError> {
    (format.render)(material)
}

/// The page of a simulation.
///
/// # Errors
/// When the page's template fails, which only a defect of the lab can cause.
pub fn simulation(material: SimMaterial<'_>) -> Result<String, ReportError> {
    html::render_sim(material)
}

/// Writes `report.json`, `report.html`, `report.md` and `hist/ARM.CLASS.hgrm` into a recorded run's folder, which is
/// made if need be. A reader sees each file either as it was before or whole.
///
/// Gives what could not be made or written: one file that fails is no reason to leave out the next, which may be smaller.
pub fn write_all(folder: &Path, material: &Material<'_>) -> Vec<ReportError> {
    let report =
        |format: Format| render(format, material).and_then(|text| write_whole(&folder.join(format.file), &text));
    let reports = [&json::FORMAT, &html::FORMAT, &markdown::FORMAT].map(report);
    let history = match histories::lines(material.summary.state) {
        Ok(history) if history.is_empty() => Ok(()),
        Ok(history) => write_whole(&folder.join("history.jsonl"), &history),
        Err(error) => Err(error.into()),
    };
    let histograms = hgrm::files(&material.summary.arms)
        .into_iter()
        .map(|(name, text)| write_whole(&folder.join("hist").join(name), &text));
    reports
        .into_iter()
        .chain([history])
        .chain(histograms)
        .filter_map(Result::err)
        .collect()
}

/// Writes a file beside its place and renames it there, so that nobody ever reads half of it.
fn write_whole(path: &Path, text: &str) -> Result<(), ReportError> {
    let part = path.with_added_extension("part");
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&part, text))
        .and_then(|()| fs::rename(&part, path));
    written.map_err(|source| {
        // Half a file takes space where there is none; that it cannot be removed either says nothing new.
        let _ = fs::remove_file(&part);
        ReportError::Write {
            path: path.to_owned(),
            source,
        }
    })
}
