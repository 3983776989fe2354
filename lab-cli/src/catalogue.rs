//! Scenarios by name or folder, and what is wrong with one that is not sound.

use std::ffi::OsStr;
use std::path::{MAIN_SEPARATOR, Path};

use scenarios::catalog;
use scenarios::format::{FormatError, SCENARIO_FILE, is_hidden, line_and_column};
use scenarios::lint::{self, Refused};
use scenarios::plan::{Options, Plan};
use scenarios::scenario::Scenario;

use crate::failure::Failure;

/// A scenario by its name in the catalogue, or from a folder.
///
/// # Errors
/// When there is none, or it is not sound.
pub fn open(name: impl AsRef<OsStr>) -> Result<Scenario, Failure> {
    let path = Path::new(&name);
    let has_separator = name.as_ref().as_encoded_bytes().contains(&(MAIN_SEPARATOR as u8));
    if has_separator || path.join(SCENARIO_FILE).is_file() {
        return from_folder(path);
    }
    let name = path.to_string_lossy();
    catalog::scenario(&name).map_err(|hint| {
        Failure::usage(format!("there is no scenario `{name}`")).hint(format!("{hint}; lab list shows them"))
    })
}

/// The scenario of a plan, by its name.
///
/// # Errors
/// When the catalogue has none of that name.
pub fn of_plan(name: &str) -> Result<Scenario, Failure> {
    if name == "playground" {
        return Ok(catalog::playground_scenario());
    }
    open(name)
}

/// A scenario from a folder.
///
/// # Errors
/// When it cannot be read, or is not sound.
pub fn from_folder(folder: &Path) -> Result<Scenario, Failure> {
    Scenario::read(folder).map_err(|error| match &error {
        FormatError::Unreadable(_) => Failure::usage(error.to_string())
            .hint("a scenario is a folder with scenario.toml and lesson.md; lab list shows the built-in ones"),
        FormatError::Invalid { .. } => in_its_place(&error),
    })
}

/// The problems of a file, each under the line that it is about.
pub fn in_its_place(error: &FormatError) -> Failure {
    let FormatError::Invalid { file, text, problems } = error else {
        return Failure::usage(error.to_string());
    };
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| {
            let mut out = String::new();
            match &problem.span {
                Some(span) => {
                    let (line, column) = line_and_column(text, span.start);
                    let source = text.lines().nth(line - 1).unwrap_or_default();
                    let source = source.replace(is_hidden, "\u{fffd}");
                    let width = span
                        .len()
                        .clamp(1, source.chars().count().saturating_sub(column - 1).max(1));
                    out.push_str(&format!("{file}:{line}:{column}: {}\n", problem.message));
                    out.push_str(&format!("{line:>5} | {source}\n"));
                    out.push_str(&format!("      | {}{}", " ".repeat(column - 1), "^".repeat(width)));
                }
                None => out.push_str(&format!("{file}: {}", problem.message)),
            }
            if let Some(hint) = &problem.hint {
                out.push_str(&format!("\n      = {hint}"));
            }
            out
        })
        .collect();
    Failure::usage(shown.join("\n\n"))
}

/// The plan of a run of a scenario.
///
/// # Errors
/// When the scenario is not sound, or cannot be run with these options.
pub fn planned(scenario: &Scenario, options: &Options) -> Result<Plan, Failure> {
    lint::planned(scenario, options).map_err(|refused| match refused {
        Refused::Unsound(error) => in_its_place(&error),
        Refused::Options(error) => {
            Failure::usage(error.to_string()).hint(format!("lab explain {} lists its parameters", scenario.name()))
        }
    })
}
