//! The curriculum: every scenario by its phase, and beside the list what is known of the selected one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use scenarios::catalog;
use scenarios::checks::Verdict;
use scenarios::format::Scenario;

use super::lesson::heading;
use crate::commands::catalogue;
use crate::commands::recorded::Summary;
use crate::commands::run::needs_met;
use crate::failure::Failure;
use crate::learner::{Learner, Progress};
use crate::recording;
use crate::tui::keys::Action;
use crate::tui::panels::{cut, frame, put, words};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// What each phase of the curriculum is about.
const PHASES: [&str; 9] = [
    "Independent services",
    "The gateway",
    "Scaling",
    "Load balancing",
    "Events",
    "Sagas",
    "Locks",
    "Observability",
    "Beyond",
];
/// Recorded runs that are read for the list: the newest.
const RUNS_MAX: usize = 200;

/// One scenario of the list.
struct Entry {
    scenario: Scenario,
    minutes: f64,
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
        let mut entries = catalog::names()
            .into_iter()
            .map(|name| {
                let scenario = catalogue::open(name)?;
                Ok(Entry {
                    minutes: catalogue::minutes(&scenario),
                    lacks: needs_met(&scenario, "process").err().map(|failure| failure.words()),
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

    /// Draws the page.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
        self.header(head, buf, theme);
        let list = if area.width >= 100 { 44 } else { 34 };
        let [left, right] = Layout::horizontal([Constraint::Length(list), Constraint::Min(30)]).areas(body);
        self.list(left, buf, theme);
        let (title, other) = match self.beside {
            Beside::About => ("about", "Tab: recorded runs"),
            Beside::Runs => ("recorded runs", "Tab: about"),
        };
        let inner = padded(frame(title, other, right, buf, theme));
        let Some(&index) = self.shown().get(self.selected) else {
            put(&[Line::styled("nothing fits; Esc shows all", theme.dim())], inner, buf);
            return;
        };
        let lines = match self.beside {
            Beside::About => self.about(&self.entries[index], usize::from(inner.width), theme),
            Beside::Runs => self.recorded_runs(inner, theme),
        };
        self.scrolled = self.scrolled.min(lines.len().saturating_sub(usize::from(inner.height)));
        put(&lines[self.scrolled..], inner, buf);
    }

    fn header(&self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let mut spans = vec![
            Span::styled("lab", Style::new().add_modifier(Modifier::BOLD)),
            Span::styled(words("  a laboratory for distributed systems", theme), theme.dim()),
        ];
        if let Some(search) = &self.search {
            let cursor = if self.typing { theme.pick("▏", "_") } else { "" };
            spans.push(Span::styled(format!("   /{search}{cursor}"), theme.style(Role::Now)));
        }
        if let Some(phase) = self.phase {
            spans.push(Span::styled(format!("   phase {phase} only"), theme.style(Role::Now)));
        }
        buf.set_line(area.x, area.y, &Line::from(spans), area.width);
    }

    fn list(&mut self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let tried = |entry: &&Entry| self.progress(entry).is_some();
        let done = self.entries.iter().filter(tried).count();
        let count = format!("{done} of {} tried", self.entries.len());
        let inner = frame("scenarios", &count, area, buf, theme);
        let shown = self.shown();
        let mut lines: Vec<(Line<'static>, Option<usize>)> = Vec::new();
        let mut phase = None;
        for (place, &index) in shown.iter().enumerate() {
            let entry = &self.entries[index];
            if phase != Some(entry.scenario.document.phase) {
                phase = Some(entry.scenario.document.phase);
                let number = entry.scenario.document.phase;
                let name = PHASES.get(usize::from(number)).copied().unwrap_or("Beyond");
                lines.push((Line::styled(format!("{number} {name}"), theme.dim()), None));
            }
            lines.push((
                self.row(entry, place == self.selected, usize::from(inner.width), theme),
                Some(index),
            ));
        }
        let height = usize::from(inner.height);
        let selected = shown.get(self.selected).copied();
        let at = lines
            .iter()
            .position(|(_, index)| index.is_some() && *index == selected)
            .unwrap_or(0);
        // The heading above the first entry of a phase stays in sight with it.
        let first = at
            .saturating_sub(height.saturating_sub(2))
            .min(lines.len().saturating_sub(height));
        self.rows.clear();
        for ((line, index), y) in lines.into_iter().skip(first).zip(inner.top()..inner.bottom()) {
            buf.set_line(inner.x, y, &line, inner.width);
            self.rows.extend(index.map(|index| (y, index)));
        }
    }

    fn row(&self, entry: &Entry, selected: bool, width: usize, theme: Theme) -> Line<'static> {
        let progress = self.progress(entry);
        let verdict = progress.and_then(|progress| verdict(&progress.last_verdict));
        let style = verdict.map_or(theme.dim(), |verdict| theme.style(theme.role_of(verdict)));
        let guess = progress
            .and_then(|progress| progress.last_guess.as_ref())
            .map_or("", |guess| if guess.right { "guess right" } else { "guess off" });
        let note = if entry.lacks.is_some() {
            "cannot run here"
        } else {
            guess
        };
        let name = cut(entry.scenario.name(), width.saturating_sub(4));
        let room = width.saturating_sub(name.chars().count() + 5);
        let name_style = if selected { theme.selected() } else { Style::new() };
        Line::from(vec![
            Span::styled(format!(" {} ", theme.mark(verdict)), style),
            Span::styled(format!(" {name} "), name_style),
            Span::styled(format!("{:>room$}", cut(note, room)), theme.dim()),
        ])
    }

    fn progress(&self, entry: &Entry) -> Option<&Progress> {
        self.learner.scenarios.get(entry.scenario.name())
    }

    fn about(&self, entry: &Entry, width: usize, theme: Theme) -> Vec<Line<'static>> {
        let document = &entry.scenario.document;
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let mut lines: Vec<Line<'static>> = text::wrapped(width, theme, &document.question)
            .into_iter()
            .map(|line| line.style(bold))
            .collect();
        lines.push(Line::styled(words(&document.title, theme), theme.dim()));
        lines.push(Line::default());
        let fact = |name: &str, value: String, style: Style| {
            Line::from(vec![
                Span::styled(format!("{name:<9} "), theme.dim()),
                Span::styled(words(&value, theme), style),
            ])
        };
        let needs = catalogue::needs(&document.needs);
        lines.push(fact("takes", format!("{:.0} s", entry.minutes * 60.0), Style::new()));
        lines.push(fact("needs", needs, Style::new()));
        if let Some(lacks) = &entry.lacks {
            for line in text::wrapped(width, theme, lacks) {
                lines.push(line.style(theme.style(Role::Bad)));
            }
        }
        let progress = self.progress(entry);
        let last = progress.map_or_else(
            || "not tried yet".to_owned(),
            |progress| format!("{}, {} runs", progress.last_verdict, progress.runs),
        );
        lines.push(fact("last", last, Style::new()));
        if let Some(marks) = self.sparkline(theme) {
            lines.push(marks);
        }
        if let Some(progress) = progress.filter(|progress| progress.guesses > 0) {
            let right = format!("{} of {} right", progress.guesses_right, progress.guesses);
            lines.push(fact("guesses", right, Style::new()));
            let last = progress.last_guess.as_ref().map_or("", |guess| guess.sentence.as_str());
            lines.extend(text::wrapped(width, theme, last));
        }
        for part in ["The idea", "What to watch"] {
            lines.push(Line::default());
            lines.push(heading(part, theme));
            lines.extend(text::markdown(width, theme, entry.scenario.lesson.section(part)));
        }
        lines
    }

    /// The last verdicts, the newest at the right.
    fn sparkline(&self, theme: Theme) -> Option<Line<'static>> {
        let runs = self.runs_here();
        if runs.is_empty() {
            return None;
        }
        let mut spans = vec![Span::styled(format!("{:<9} ", "history"), theme.dim())];
        for run in runs.iter().take(20).rev() {
            let verdict = verdict(&run.summary.verdict);
            let style = verdict.map_or(theme.dim(), |verdict| theme.style(theme.role_of(verdict)));
            spans.push(Span::styled(theme.mark(verdict), style));
        }
        Some(Line::from(spans))
    }

    fn recorded_runs(&self, inner: Rect, theme: Theme) -> Vec<Line<'static>> {
        let runs = self.runs_here();
        if runs.is_empty() {
            return vec![Line::styled("none yet; Enter runs it", theme.dim())];
        }
        let first = self.run.saturating_sub(usize::from(inner.height).saturating_sub(1));
        runs.iter()
            .enumerate()
            .skip(first)
            .map(|(index, run)| {
                let summary = &run.summary;
                let verdict = verdict(&summary.verdict);
                let style = verdict.map_or(theme.dim(), |verdict| theme.style(theme.role_of(verdict)));
                let line = Line::from(vec![
                    Span::styled(format!("{} ", theme.mark(verdict)), style),
                    Span::raw(format!(
                        "{}  {:<12}  {:>4.0} s",
                        summary.started.replace('T', " ").trim_end_matches('Z'),
                        summary.verdict,
                        summary.elapsed_s
                    )),
                ]);
                if index == self.run {
                    line.style(theme.selected())
                } else {
                    line
                }
            })
            .collect()
    }
}

/// Text does not touch the lines around it.
fn padded(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    }
}

fn verdict(word: &str) -> Option<Verdict> {
    [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail]
        .into_iter()
        .find(|verdict| verdict.as_str() == word)
}
