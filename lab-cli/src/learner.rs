//! What the learner has done: one portable file with the last verdict of each scenario and how good the guess was.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use scenarios::format::{ReadError, text_of};
use scenarios::prediction::Guessed;
use scenarios::summary::RunSummary;
use scenarios::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// The file in the state folder. Copied to another machine, it takes the learner's progress there.
const FILE: &str = "learner.json";
/// Far more than all scenarios take, bytes.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// The version of the file that this build writes.
const SCHEMA: u32 = 1;

/// Everything that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    schema: u32,
    /// By name of the scenario.
    #[serde(default)]
    pub scenarios: BTreeMap<String, Progress>,
}

/// What is kept of one scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// How often it was run.
    pub runs: u32,
    /// Id of the last run.
    pub last_run: String,
    /// Its verdict.
    pub last_verdict: Option<Verdict>,
    /// How many guesses were made.
    #[serde(default)]
    pub guesses: u32,
    /// How many of them were right.
    #[serde(default)]
    pub guesses_right: u32,
    /// The last guess, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_guess: Option<Guessed>,
}

impl Default for Learner {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            scenarios: BTreeMap::new(),
        }
    }
}

impl Learner {
    /// What is kept in this state folder. A file that cannot be understood is set aside; then there is a warning, too.
    ///
    /// # Errors
    /// When the file is there and cannot be read or set aside.
    pub fn read(state: &Path) -> io::Result<(Self, Option<String>)> {
        let path = state.join(FILE);
        let text = match text_of(&path, FILE_MAX) {
            Ok(text) => text,
            Err(ReadError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok((Self::default(), None));
            }
            Err(ReadError::Unreadable { source, .. }) => return Err(source),
            // It is another thing than a file of text, which is set aside as a damaged one is.
            Err(_) => String::new(),
        };
        match contract::json::from_str::<Self>(&text) {
            Ok(learner) if learner.schema == SCHEMA => Ok((learner, None)),
            _ => {
                let aside = set_aside(&path)?;
                let warning = format!("{} is damaged and was set aside as {}", path.display(), aside.display());
                Ok((Self::default(), Some(warning)))
            }
        }
    }

    /// Adds a run that has ended. Gives a warning where a damaged file was set aside.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn add(state_folder: &Path, summary: &RunSummary<'_>) -> io::Result<Option<String>> {
        let (Some(info), true) = (&summary.state.info, summary.state.ended.is_some()) else {
            return Ok(None);
        };
        compose::private::make_state_folder(state_folder)?;
        // Two labs may end at once.
        let lock = File::options()
            .create(true)
            .append(true)
            .open(state_folder.join("learner.lock"))?;
        lock.lock()?;
        let (mut learner, warning) = Self::read(state_folder)?;
        let progress = learner.scenarios.entry(info.plan.scenario.clone()).or_default();
        progress.runs += 1;
        progress.last_run.clone_from(&info.run);
        progress.last_verdict = Some(summary.outcome.verdict());
        if let Some(guess) = &summary.guess {
            progress.guesses += 1;
            progress.guesses_right += u32::from(guess.right);
            progress.last_guess = Some(guess.clone());
        }
        let text = serde_json::to_string_pretty(&learner)? + "\n";
        compose::private::write(&state_folder.join(FILE), text.as_bytes())?;
        Ok(warning)
    }
}

/// Gives a damaged file another name, so that nothing in it is lost.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let free = |number: &u32| !path.with_extension(format!("json.damaged-{number}")).exists();
    let number = (1..1000).find(free).unwrap_or(1000);
    let aside = path.with_extension(format!("json.damaged-{number}"));
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_at_first_and_a_damaged_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Learner::read(folder.path()).unwrap(), (Learner::default(), None));
        for (number, damage) in ["{", "{\"schema\": 99}"].into_iter().enumerate() {
            fs::write(folder.path().join(FILE), damage).unwrap();
            let (learner, warning) = Learner::read(folder.path()).unwrap();
            assert_eq!(learner, Learner::default());
            assert!(warning.unwrap().contains("was set aside"));
            let aside = folder.path().join(format!("learner.json.damaged-{}", number + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), damage);
        }
    }
}
