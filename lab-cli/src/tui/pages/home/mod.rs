//! The curriculum: every scenario by its phase, and beside the list what is known of the selected one.

mod draw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use compose::DEFAULT_BACKEND;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use scenarios::catalog;
use scenarios::scenario::Scenario;

use crate::backends::backend;
use crate::failure::Failure;
use crate::learner::Learner;
use crate::lengths::Lengths;
use crate::recording::{self, Summary};
use crate::tui::keys::Action;
use crate::{catalogue, needs};

/// Recorded runs that are read for the list: the newest.
const RUNS_MAX: usize = 200;

/// One scenario of the list.
struct Entry {
    scenario: Scenario,
    /// How long a run takes, and a quick one, seconds.
    lengths_s: [f64; 2],
    /// What this machine lacks for it, and how to get that.
    lacks: Option<String>,
}

/// A recorded run of the list.
struct Run {
    folder: PathBuf,
    summary: Summary,
}

/// What stands beside the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    About,
    Runs,
}

/// The page.
pub struct Home {
    entries: Vec<Entry>,
    runs: BTreeMap<String, Vec<Run>>,
    learner: Learner,
    selected: usize,
    phase: Option<u8>,
    search: Option<String>,
    typing: bool,
    beside: Beside,
    run: usize,
    scrolled: usize,
    /// Rows of the list as last drawn, for the mouse: (row of the screen, index of the entry).
    rows: Vec<(u16, usize)>,
}

impl Home {
    /// Reads the catalogue, the learner's progress and the recorded runs.
    ///
    /// # Errors
    /// When the state folder cannot be read.
    pub fn read(state_folder: &Path) -> Result<(Self, Option<String>), Failure> {
        let backend = backend(DEFAULT_BACKEND)?;
        let mut entries = catalog::names()
            .into_iter()
            .map(|name| {
                let scenario = catalogue::open(name)?;
                Ok(Entry {
                    lengths_s: [0.0; 2],
                    lacks: needs::met(&scenario, backend.as_ref())
                        .err()
                        .map(|failure| failure.words()),
                    scenario,
                })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        entries.sort_by(|a, b| {
            let key = |entry: &Entry| (entry.scenario.document.phase, entry.scenario.name().to_owned());
            key(a).cmp(&key(b))
        });
        let mut home = Self {
            entries,
            runs: BTreeMap::new(),
            learner: Learner::default(),
            selected: 0,
            phase: None,
            search: None,
            typing: false,
            beside: Beside::About,
            run: 0,
            scrolled: 0,
            rows: Vec::new(),
        };
        let warning = home.refresh(state_folder)?;
        Ok((home, warning))
    }

    /// Reads again what a run may have changed.
    ///
    /// # Errors
    /// When the state folder cannot be read.
    pub fn refresh(&mut self, state_folder: &Path) -> Result<Option<String>, Failure> {
        let (learner, warning) = Learner::read(state_folder)?;
        self.learner = learner;
        let lengths = Lengths::read(state_folder);
        for entry in &mut self.entries {
            entry.lengths_s = [false, true].map(|quick| lengths.of_default_s(&entry.scenario, quick));
        }
        self.runs.clear();
        for folder in recording::all(state_folder)?.into_iter().take(RUNS_MAX) {
            if let Some(summary) = Summary::read(&folder) {
                let of = self.runs.entry(summary.scenario.clone()).or_default();
                of.push(Run { folder, summary });
            }
        }
        Ok(warning)
    }

    /// The selected scenario; none when nothing fits the search.
    pub fn scenario(&self) -> Option<&Scenario> {
        Some(&self.entries.get(*self.shown().get(self.selected)?)?.scenario)
    }

    /// The folder of the selected run, where the runs are looked at.
    pub fn recorded(&self) -> Option<&Path> {
        (self.beside == Beside::Runs)
            .then(|| self.runs_here().get(self.run))?
            .map(|run| run.folder.as_path())
    }

    fn runs_here(&self) -> &[Run] {
        let runs = self.scenario().and_then(|scenario| self.runs.get(scenario.name()));
        runs.map(Vec::as_slice).unwrap_or_default()
    }

    /// Indices of the entries that fit the phase and the search.
    fn shown(&self) -> Vec<usize> {
        let wanted = self.search.as_deref().unwrap_or_default().to_lowercase();
        let fits = |entry: &Entry| {
            let document = &entry.scenario.document;
            let text = format!("{} {} {}", entry.scenario.name(), document.title, document.question).to_lowercase();
            self.phase.is_none_or(|phase| document.phase == phase) && text.contains(&wanted)
        };
        (0..self.entries.len())
            .filter(|index| fits(&self.entries[*index]))
            .collect()
    }

    /// Takes a key of the search. Gives whether it was one.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        if !self.typing {
            return false;
        }
        let search = self.search.get_or_insert_default();
        match key.code {
            KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => search.push(c),
            KeyCode::Backspace => {
                search.pop();
            }
            KeyCode::Enter | KeyCode::Up | KeyCode::Down => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.search = None;
            }
            _ => return false,
        }
        self.selected = 0;
        // Enter ends the search and no more; arrows go on as arrows.
        !matches!(key.code, KeyCode::Up | KeyCode::Down)
    }

    /// Does what a key asks for. Gives whether it was one of the list's own.
    pub fn act(&mut self, action: Action) -> bool {
        let last = self.shown().len().saturating_sub(1);
        let runs = self.runs_here().len();
        match (action, self.beside) {
            (Action::Up, Beside::Runs) => self.run = self.run.saturating_sub(1),
            (Action::Down, Beside::Runs) => self.run = (self.run + 1).min(runs.saturating_sub(1)),
            (Action::Up, Beside::About) => self.select(self.selected.saturating_sub(1)),
            (Action::Down, Beside::About) => self.select((self.selected + 1).min(last)),
            (Action::Top, _) => self.select(0),
            (Action::Bottom, _) => self.select(last),
            (Action::PageUp, _) => self.scrolled = self.scrolled.saturating_sub(8),
            (Action::PageDown, _) => self.scrolled += 8,
            (Action::NextTab | Action::PreviousTab, Beside::About) => self.beside = Beside::Runs,
            (Action::NextTab | Action::PreviousTab, Beside::Runs) => self.beside = Beside::About,
            (Action::Search, _) => {
                self.search = Some(String::new());
                self.typing = true;
            }
            (Action::Phase(phase), _) => {
                self.phase = (self.phase != Some(phase)).then_some(phase);
                self.select(0);
            }
            (Action::Back, Beside::Runs) => self.beside = Beside::About,
            (Action::Back, _) if self.search.is_some() || self.phase.is_some() => {
                (self.search, self.phase) = (None, None);
                self.select(0);
            }
            _ => return false,
        }
        true
    }

    /// Selects the scenario that was clicked on.
    pub fn click(&mut self, row: u16) {
        if let Some((_, index)) = self.rows.iter().find(|(y, _)| *y == row)
            && let Some(at) = self.shown().iter().position(|shown| shown == index)
        {
            self.select(at);
        }
    }

    fn select(&mut self, index: usize) {
        (self.selected, self.run, self.scrolled) = (index, 0, 0);
    }
}
