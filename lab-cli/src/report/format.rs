//! What a format of a report says of itself.

use super::{Material, ReportError};

/// A format of a report: one file that has this and writes it, and one line in [`FORMATS`](super::FORMATS).
#[derive(Debug)]
pub struct FormatEntry {
    /// What the command line calls it.
    pub name: &'static str,
    /// What it is good for, for the help.
    pub about: &'static str,
    /// Its file in a recorded run's folder.
    pub file: &'static str,
    /// Whether it is for a browser, so that it goes to that file where no other place is named.
    pub is_page: bool,
    /// Writes it.
    pub render: fn(&Material<'_>) -> Result<String, ReportError>,
}
