//! Reports of a run: HTML, Markdown, JSON, CSV, percentile tables and JUnit, all formatted from one [`RunSummary`].
//!
//! Each format is one small writer. A run that is unfinished, interrupted, failed or empty has a report too: it says
//! what is missing (see [`gaps`]).

mod acted;
mod csv;
mod disturbances;
mod escape;
mod gaps;
mod hgrm;
pub mod histories;
mod html;
mod json;
mod junit;
mod lesson;
mod markdown;
pub mod simulated;
mod svg;
mod told;
pub mod words;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod attack;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod tests;

pub use html::SimMaterial;
pub use told::{LessonText, command};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scenarios::summary::RunSummary;
use thiserror::Error;

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One self-contained page.
    Html,
    /// Markdown, for a pull request or a wiki.
    Md,
    /// The figures for programs (schema 1).
    Json,
    /// One row for each arm, class of requests and round.
    Csv,
    /// Percentile tables as the HdrHistogram plotter reads them.
    Hgrm,
    /// One test case for each check, for continuous integration.
    Junit,
}

/// All that a report is made of.
#[derive(Debug, Clone)]
pub struct Material<'a> {
    /// The run.
    pub summary: RunSummary<'a>,
    /// The lesson with this run's numbers filled in, where there is one.
    pub lesson: Option<LessonText>,
    /// The command that repeats the run.
    pub command: String,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The page's template and its data do not fit together.
    #[error("the HTML report could not be laid out: {0}; this is a defect of the lab, the other formats still work")]
    Template(#[from] minijinja::Error),
    /// The figures could not be written as JSON.
    #[error("the figures could not be written as JSON: {0}; this is a defect of the lab")]
    Json(#[from] serde_json::Error),
    /// A file could not be written.
    #[error("{} could not be written: {source}; check that the folder exists, is yours and has space left", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The report in one format.
///
/// # Errors
/// When the page's template or the JSON writer fails, which only a defect of the lab can cause.
pub fn render(format: Format, material: &Material<'_>) -> Result<String, ReportError> {
    match format {
        Format::Html => html::render(material),
        Format::Md => Ok(markdown::render(material)),
        Format::Json => json::render(material),
        Format::Csv => Ok(csv::render(&material.summary)),
        Format::Hgrm => Ok(hgrm::render(&material.summary)),
        Format::Junit => Ok(junit::render(&material.summary)),
    }
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
    let report = |(name, format)| render(format, material).and_then(|text| write_whole(&folder.join(name), &text));
    let reports = [
        ("report.json", Format::Json),
        ("report.html", Format::Html),
        ("report.md", Format::Md),
    ]
    .map(report);
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
