//! How long runs take on this machine: what earlier runs of the same scenario on the same parts have taught.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use compose::servers::{self, Found};
use compose::{DEFAULT_BACKEND, Environment, Host};
use contract::Program;
use scenarios::format::text_of;
use scenarios::plan::{self, Expected, Learned, Options, ParamValue, Plan};
use scenarios::scenario::Scenario;
use scenarios::state::RunState;
use serde::{Deserialize, Serialize};

use crate::{home, machine, needs};

/// The file in the state folder. It speaks of this machine, and so is apart from what the learner takes along.
const FILE: &str = "lengths.json";
/// Far more than all scenarios take, bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024;
/// Of so many combinations something is kept.
const KEPT_MAX: usize = 2_000;
/// The version of the file that this build writes.
const SCHEMA: u32 = 1;

/// What is known of lengths, and of the parts that runs on this machine have.
pub struct Lengths {
    learned: BTreeMap<String, Learned>,
    host: Host,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    schema: u32,
    /// By what was run, and on what: see [`Lengths::key`].
    runs: BTreeMap<String, Learned>,
}

impl Lengths {
    /// What is kept in this state folder. A file that is missing or cannot be understood taught nothing; the next run does.
    pub fn read(state_folder: &Path) -> Self {
        Self {
            learned: kept(state_folder),
            host: Host::of_process(),
        }
    }

    /// Seconds that a run of a scenario with its own parameters takes on the default backend.
    pub fn of_default_s(&self, scenario: &Scenario, quick: bool) -> f64 {
        let document = &scenario.document;
        let firsts = document.choices.iter().filter_map(|(name, choice)| {
            let first = choice.of.first()?;
            Some((name.as_str(), first.as_str()))
        });
        let chosen: BTreeSet<(&str, &str)> = firsts.collect();
        let options = Options {
            quick,
            cores: machine::cores(),
            ..Options::default()
        };
        let learned = self.learned(scenario, quick, DEFAULT_BACKEND, &chosen);
        plan::expected_s(document, &options, learned).unwrap_or_default()
    }

    /// What is expected of a run of this plan.
    pub fn of_plan(&self, scenario: &Scenario, plan: &Plan, backend: &str) -> Expected {
        Expected::of(plan, self.learned(scenario, plan.quick, backend, &chosen(plan)))
    }

    /// Of the same run or, where there was none, of the quick one instead of the whole one or the other way round.
    fn learned(
        &self,
        scenario: &Scenario,
        quick: bool,
        backend: &str,
        chosen: &BTreeSet<(&str, &str)>,
    ) -> Option<&Learned> {
        let of = |quick| self.learned.get(&self.key(scenario, quick, backend, chosen));
        of(quick).or_else(|| of(!quick))
    }

    /// Keeps what a run has taught, if anything.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self, state_folder: &Path, scenario: &Scenario, state: &RunState) -> io::Result<()> {
        let (Some(info), Some(learned)) = (&state.info, state.learned()) else {
            return Ok(());
        };
        let key = self.key(scenario, info.plan.quick, &info.backend, &chosen(&info.plan));
        compose::private::make_state_folder(state_folder)?;
        // Two labs may end at once.
        let _lock = home::lock(&state_folder.join("lengths.lock"))?;
        let mut runs = kept(state_folder);
        if runs.len() >= KEPT_MAX && !runs.contains_key(&key) {
            runs.pop_first();
        }
        runs.insert(key, learned);
        let text = serde_json::to_string_pretty(&Kept { schema: SCHEMA, runs })? + "\n";
        compose::private::write(&state_folder.join(FILE), text.as_bytes())
    }

    /// What makes runs as long as one another: the scenario, whether it is a quick one, the backend, the servers of others
    /// that it gets, and the words of its choices, which exchange parts.
    fn key(&self, scenario: &Scenario, quick: bool, backend: &str, chosen: &BTreeSet<(&str, &str)>) -> String {
        let mode = if quick { "quick" } else { "whole" };
        let mut key = format!("{} {mode} {backend}", scenario.name());
        for need in &scenario.document.needs {
            if let Some(server) = needs::server(need) {
                let program = server.service;
                key.push_str(&format!(" {program}:{}", self.which(program, &server.env)));
            }
        }
        for (name, word) in chosen {
            key.push_str(&format!(" {name}={word}"));
        }
        key
    }

    /// Which one of the servers of this kind a system gets here.
    fn which(&self, program: Program, told: &Environment) -> &'static str {
        let located = servers::of(program).map(|server| servers::locate(server, &self.host, told));
        match located {
            Some(Ok(Found::Named(_))) => "named",
            Some(Ok(Found::StandIn)) => "built-in",
            Some(Ok(Found::Host(_) | Found::Image(_))) => "real",
            Some(Err(_)) | None => "none",
        }
    }
}

fn kept(state_folder: &Path) -> BTreeMap<String, Learned> {
    let text = text_of(&state_folder.join(FILE), FILE_MAX).unwrap_or_default();
    match contract::json::from_str::<Kept>(&text) {
        Ok(kept) if kept.schema == SCHEMA => kept.runs,
        _ => BTreeMap::new(),
    }
}

fn chosen(plan: &Plan) -> BTreeSet<(&str, &str)> {
    let words = plan.params.iter().filter_map(|(name, value)| match value {
        ParamValue::Word(word) => Some((name.as_str(), word.as_str())),
        ParamValue::Number(_) => None,
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use scenarios::catalog;
    use scenarios::disturbance::{Disturbance, Sufferer, Trouble};

    use super::*;
    use crate::report::fixture;

    /// The length of a recorded run, seconds.
    fn took_s(state: &RunState) -> f64 {
        state.elapsed_ms as f64 / 1e3
    }

    #[test]
    fn the_next_run_is_expected_to_take_as_long_as_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let scenario = catalog::scenario("cpu-blocking").unwrap();
        let state = RunState::of(&fixture::comparison());
        let plan = &state.info.as_ref().unwrap().plan;
        let before = Lengths::read(folder.path());
        before.add(folder.path(), &scenario, &state).unwrap();
        let after = Lengths::read(folder.path());
        let expected_s = |lengths: &Lengths| lengths.of_plan(&scenario, plan, "process").whole_s(plan);
        assert!((expected_s(&after) - took_s(&state)).abs() < 0.01 * took_s(&state));
        assert!(
            (expected_s(&before) - took_s(&state)).abs() > 0.01 * took_s(&state),
            "the fixture takes another time than an untaught lab expects, or this shows nothing"
        );
        let elsewhere = after.of_plan(&scenario, plan, "docker").whole_s(plan);
        assert_eq!(elsewhere, expected_s(&before), "another backend was not learned of");
    }

    #[test]
    fn a_run_that_was_cut_short_or_disturbed_teaches_nothing() {
        let whole = RunState::of(&fixture::comparison());
        assert!(whole.learned().is_some());
        let mut interrupted = whole.clone();
        interrupted.ended.as_mut().unwrap().interrupted = true;
        assert_eq!(interrupted.learned(), None);
        let mut unfinished = whole.clone();
        unfinished.turns_done -= 1;
        assert_eq!(unfinished.learned(), None);
        let mut running = whole.clone();
        running.ended = None;
        assert_eq!(running.learned(), None);
        let mut disturbed = whole;
        disturbed.disturbances.push(Disturbance {
            who: Sufferer::Lab,
            what: Trouble::StoodStill,
            began_ms: 100,
            lasted_ms: Some(5_000.0),
            noticed: "its own ticks".to_owned(),
            turn: Some(0),
        });
        assert_eq!(disturbed.learned(), None);
    }

    #[test]
    fn what_cannot_be_understood_has_taught_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for damaged in ["{", "{\"schema\": 99, \"runs\": {}}"] {
            std::fs::write(folder.path().join(FILE), damaged).unwrap();
            assert!(Lengths::read(folder.path()).learned.is_empty());
        }
    }

    #[test]
    fn a_quick_run_teaches_of_the_whole_one_until_there_was_one() {
        let folder = tempfile::tempdir().unwrap();
        let scenario = catalog::scenario("cpu-blocking").unwrap();
        let mut lengths = Lengths::read(folder.path());
        let untaught_s = lengths.of_default_s(&scenario, false);
        let key = lengths.key(&scenario, true, DEFAULT_BACKEND, &BTreeSet::new());
        let arms = scenario.document.arms.iter();
        let learned = Learned {
            beside_s: arms.map(|arm| (arm.name.to_string(), 5.0)).collect(),
            after_s: 0.0,
        };
        lengths.learned.insert(key, learned);
        assert!(lengths.of_default_s(&scenario, false) > untaught_s + 4.0);
        assert!(lengths.of_default_s(&scenario, true) > 5.0);
    }
}
