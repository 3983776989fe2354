//! Reads a scenario folder: `scenario.toml` and `lesson.md`, from disk or from the built-in catalogue.

use std::path::Path;

use toml::de::DeTable;

use super::error::suggestion;
use super::{Document, FormatError, Problem, read, rehearsal, scan, validate};
use crate::lesson::Lesson;

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
    /// Name of the folder, which the scenario's name must equal.
    pub folder: String,
    /// Text of `scenario.toml`.
    pub scenario: String,
    /// Text of `lesson.md`.
    pub lesson: String,
}

/// A scenario that was read and found sound.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What the file says.
    pub document: Document,
    /// Its lesson.
    pub lesson: Lesson,
    /// The texts it was read from, kept for the recording.
    pub source: Source,
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
            folder: name
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            scenario: read(SCENARIO_FILE)?,
            lesson: read(LESSON_FILE)?,
        })
    }
}

impl Scenario {
    /// Reads and checks a scenario folder.
    ///
    /// # Errors
    /// When a file is missing or says something wrong; the error shows line, column and a hint.
    pub fn read(folder: &Path) -> Result<Self, FormatError> {
        Self::parse(Source::read(folder)?)
    }

    /// Understands and checks the texts of a scenario folder.
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn parse(source: Source) -> Result<Self, FormatError> {
        let wrong = |error| source.invalid(SCENARIO_FILE, vec![from_toml(&source.scenario, &error)]);
        let table = DeTable::parse(&source.scenario).map_err(wrong)?;
        let problems = scan::problems(table.get_ref());
        if !problems.is_empty() {
            return Err(source.invalid(SCENARIO_FILE, problems));
        }
        let document: Document = toml::from_str(&source.scenario).map_err(wrong)?;
        let lesson = Lesson::parse(&source.lesson).map_err(|problems| source.invalid(LESSON_FILE, problems))?;
        let problems = validate::problems(&document, &source.folder);
        if !problems.is_empty() {
            return Err(source.invalid(SCENARIO_FILE, problems));
        }
        let scenario = Self {
            document,
            lesson,
            source,
        };
        let problems = rehearsal::dry_run(&scenario);
        if !problems.is_empty() {
            return Err(scenario.source.invalid(SCENARIO_FILE, problems));
        }
        let problems = rehearsal::lesson(&scenario);
        if !problems.is_empty() {
            return Err(scenario.source.invalid(LESSON_FILE, problems));
        }
        Ok(scenario)
    }

    /// Plans the scenario with every parameter at its ends and every choice at each of its words, as `--set` may do.
    ///
    /// # Errors
    /// The first setting with which it cannot be run.
    pub fn check_settings(&self) -> Result<(), FormatError> {
        match rehearsal::settings(self) {
            None => Ok(()),
            Some(problem) => Err(self.source.invalid(SCENARIO_FILE, vec![problem])),
        }
    }

    /// The scenario's name.
    pub fn name(&self) -> &str {
        self.document.name.as_str()
    }
}

impl Source {
    fn invalid(&self, file: &str, problems: Vec<Problem>) -> FormatError {
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
