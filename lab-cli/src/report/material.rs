//! What a report is made of, and why there is none.

use std::io;
use std::path::PathBuf;

use scenarios::summary::RunSummary;
use thiserror::Error;

use super::told::LessonText;

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
