//! The texts of a scenario folder, from a disk or built in, and what `scenario.toml` says.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::document::Document;
use super::error::{FormatError, Problem, suggestion};
use super::{read, scan};

/// Name of the file that holds the scenario.
pub const SCENARIO_FILE: &str = "scenario.toml";
/// Name of the file that holds the lesson.
pub const LESSON_FILE: &str = "lesson.md";

/// The largest file of a scenario, bytes: thirty times the largest of the catalogue.
const FILE_MAX: u64 = 256 * 1024;

/// The texts of a scenario folder, before they are understood.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it came from, as shown to people: a path or `catalog/NAME`.
    pub origin: String,
    /// Whether it is one of the lab's own, which are known to be sound.
    pub is_built_in: bool,
    /// Name of the folder, which the scenario's name must equal.
    pub folder: String,
    /// Text of `scenario.toml`.
    pub scenario: String,
    /// Text of `lesson.md`.
    pub lesson: String,
}

impl Source {
    /// Reads the two files of a folder.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(folder: &Path) -> Result<Self, FormatError> {
        let read = |name: &str| read::text_of(&folder.join(name), FILE_MAX);
        let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Ok(Self {
            origin: folder.display().to_string(),
            is_built_in: false,
            folder: name
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            scenario: read(SCENARIO_FILE)?,
            lesson: read(LESSON_FILE)?,
        })
    }

    /// What `scenario.toml` says, whether or not it makes sense.
    ///
    /// # Errors
    /// When it is not TOML, hides something, or has a key or a value that the format does not know.
    pub fn document(&self) -> Result<Document, FormatError> {
        let wrong = |error| self.invalid(SCENARIO_FILE, vec![from_toml(&self.scenario, &error)]);
        let table = DeTable::parse(&self.scenario).map_err(wrong)?;
        let problems = scan::problems(table.get_ref());
        if !problems.is_empty() {
            return Err(self.invalid(SCENARIO_FILE, problems));
        }
        Document::deserialize(Deserializer::from(table)).map_err(wrong)
    }

    /// What is wrong with one of the two files.
    pub(crate) fn invalid(&self, file: &str, problems: Vec<Problem>) -> FormatError {
        let text = if file == SCENARIO_FILE {
            &self.scenario
        } else {
            &self.lesson
        };
        FormatError::Invalid {
            file: format!("{}/{file}", self.origin),
            text: text.clone(),
            problems,
        }
    }
}

/// Turns the parser's error into ours, with a hint where an unknown key is near a known one.
fn from_toml(text: &str, error: &toml::de::Error) -> Problem {
    let message = error.message().to_owned();
    let hint = unknown_key(&message).map(|(wrong, known)| suggestion(&wrong, known.iter().map(String::as_str)));
    Problem {
        span: error
            .span()
            .map(|span| span.start.min(text.len())..span.end.min(text.len())),
        message,
        hint,
    }
}

/// Takes "unknown field `x`, expected one of `a`, `b`" apart.
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let wrong = quoted.next()?;
    Some((wrong, quoted.collect()))
}
