//! What the learner has done: one portable file with the last verdict of each scenario and how good the guess was.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scenarios::event::RunInfo;
use scenarios::format::{ReadError, text_of};
use scenarios::misconceptions;
use scenarios::prediction::Guessed;
use scenarios::summary::RunSummary;
use scenarios::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::home;

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
    /// Misconceptions that were chosen where something else turned out right, by their names.
    #[serde(default)]
    pub beliefs: BTreeMap<String, Belief>,
}

/// A misconception that was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// How often.
    pub times: u32,
    /// The scenario that asked the last time.
    pub scenario: String,
    /// Id of its run.
    pub last_run: String,
    /// When that run started.
    pub last: String,
    /// Whether that scenario's question has been answered correctly since.
    #[serde(default)]
    pub overcome: bool,
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
            beliefs: BTreeMap::new(),
        }
    }
}

/// A misconception in one sentence; its name where this version of the lab does not know it.
pub fn in_words(misconception: &str) -> &str {
    misconceptions::sentence(misconception).unwrap_or(misconception)
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

    /// The misconceptions from the most often chosen to the least, those first that no right answer has followed.
    pub fn sorted_beliefs(&self) -> Vec<(&str, &Belief)> {
        let mut beliefs: Vec<(&str, &Belief)> = self
            .beliefs
            .iter()
            .map(|(name, belief)| (name.as_str(), belief))
            .collect();
        beliefs.sort_by_key(|(_, belief)| (belief.overcome, Reverse((belief.times, &belief.last))));
        beliefs
    }

    /// Those that no right answer has followed.
    pub fn open_beliefs(&self) -> Vec<(&str, &Belief)> {
        let mut beliefs = self.sorted_beliefs();
        beliefs.retain(|(_, belief)| !belief.overcome);
        beliefs
    }

    /// Takes in what came of a guess.
    fn believed(&mut self, guess: &Guessed, run: &RunInfo) {
        let scenario = &run.plan.scenario;
        if guess.right {
            let met_here = self.beliefs.values_mut().filter(|belief| belief.scenario == *scenario);
            met_here.for_each(|belief| belief.overcome = true);
        }
        if let Some(name) = &guess.misconception {
            let belief = self.beliefs.entry(name.clone()).or_default();
            *belief = Belief {
                times: belief.times + 1,
                scenario: scenario.clone(),
                last_run: run.run.clone(),
                last: run.started.clone(),
                overcome: false,
            };
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
        let _lock = home::lock(&state_folder.join("learner.lock"))?;
        let (mut learner, warning) = Self::read(state_folder)?;
        let progress = learner.scenarios.entry(info.plan.scenario.clone()).or_default();
        progress.runs += 1;
        progress.last_run.clone_from(&info.run);
        progress.last_verdict = Some(summary.outcome.verdict());
        // A guess that the run did not answer is neither right nor wrong.
        if let Some(guess) = summary.guess.as_ref().filter(|guess| guess.was.is_some()) {
            progress.guesses += 1;
            progress.guesses_right += u32::from(guess.right);
            progress.last_guess = Some(guess.clone());
            learner.believed(guess, info);
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
    use scenarios::state::RunState;

    use super::*;
    use crate::report::fixture;

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

    #[test]
    fn a_file_without_misconceptions_is_still_read() {
        let folder = tempfile::tempdir().unwrap();
        let before = r#"{ "schema": 1, "scenarios": { "saga": { "runs": 2, "last_run": "x", "last_verdict": "pass",
            "guesses": 1, "guesses_right": 0, "last_guess":
            { "question": "How many?", "guess": "5", "was": "0", "right": false, "sentence": "You guessed 5." } } } }"#;
        fs::write(folder.path().join(FILE), before).unwrap();
        let (learner, warning) = Learner::read(folder.path()).unwrap();
        assert!(warning.is_none() && learner.beliefs.is_empty());
        let guess = learner.scenarios["saga"].last_guess.clone().unwrap();
        assert_eq!((guess.misconception, guess.answer), (None, None));
    }

    #[test]
    fn what_was_chosen_most_comes_first_and_a_right_answer_sets_it_behind() {
        let state = RunState::of(&fixture::comparison());
        let mut run = state.info.unwrap();
        let guess = |misconception: Option<&str>| Guessed {
            question: String::new(),
            guess: String::new(),
            was: None,
            right: misconception.is_none(),
            sentence: String::new(),
            misconception: misconception.map(str::to_owned),
            answer: None,
        };
        let mut learner = Learner::default();
        let mut chosen = |scenario: &str, misconception| {
            scenario.clone_into(&mut run.plan.scenario);
            learner.believed(&guess(misconception), &run);
            let sorted = learner.sorted_beliefs().into_iter();
            sorted
                .map(|(name, belief)| format!("{name} {} {}", belief.times, belief.overcome))
                .collect::<Vec<_>>()
        };
        chosen("outbox", Some("a-crash-hits-one-request"));
        chosen("race-condition", Some("races-are-rare"));
        assert_eq!(
            chosen("seat-booking", Some("races-are-rare")),
            ["races-are-rare 2 false", "a-crash-hits-one-request 1 false"]
        );
        // The question that showed it the last time is the one to answer.
        assert_eq!(chosen("race-condition", None)[0], "races-are-rare 2 false");
        assert_eq!(
            chosen("seat-booking", None),
            ["a-crash-hits-one-request 1 false", "races-are-rare 2 true"]
        );
        assert_eq!(chosen("overdraft", Some("races-are-rare"))[0], "races-are-rare 3 false");
    }
}
