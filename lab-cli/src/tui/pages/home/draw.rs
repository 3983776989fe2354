//! The curriculum as it is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use scenarios::verdict::Verdict;

use super::{Beside, Entry, Home};
use crate::learner::{self, Progress};
use crate::needs;
use crate::tui::pages::lesson::heading;
use crate::tui::panels::{cut, frame, put, words};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// How many misconceptions stand beside the list; lab learner shows all.
const BELIEFS_SHOWN: usize = 2;
/// What stands for a figure that does not fit beside the list.
const WIDE_FIGURE: &str = "(too wide here: l opens the lesson)";
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
impl Home {
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
        let verdict = progress.and_then(|progress| progress.last_verdict);
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
        let needs = needs::words(&document.needs);
        let [whole_s, quick_s] = entry.lengths_s;
        let takes = format!("{whole_s:.0} s, quick {quick_s:.0} s");
        lines.push(fact("takes", takes, Style::new()));
        lines.push(fact("needs", needs, Style::new()));
        if let Some(lacks) = &entry.lacks {
            for line in text::wrapped(width, theme, lacks) {
                lines.push(line.style(theme.style(Role::Bad)));
            }
        }
        let progress = self.progress(entry);
        let last = progress.map_or_else(
            || "not tried yet".to_owned(),
            |progress| {
                let verdict = progress.last_verdict.map_or("–", Verdict::as_str);
                format!("{verdict}, {} runs", progress.runs)
            },
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
        lines.extend(self.tendencies(entry, width, theme));
        // The idea often holds the answer, so it comes after the guess.
        let guessed = progress.is_some_and(|progress| progress.guesses > 0);
        let asks = document.predict.is_some() && !guessed;
        let parts: &[&str] = if asks {
            &["What to watch"]
        } else {
            &["The idea", "What to watch"]
        };
        for part in parts {
            lines.push(Line::default());
            lines.push(heading(part, theme));
            let section = entry.scenario.lesson.section(part);
            lines.extend(text::markdown_beside(width, theme, section, WIDE_FIGURE));
        }
        if asks {
            lines.push(Line::default());
            let words = "The idea comes after your guess; i shows it now.";
            lines.push(Line::styled(words, theme.dim()));
        }
        lines
    }

    /// What the learner tends to believe wrongly, the most often chosen first.
    fn tendencies(&self, entry: &Entry, width: usize, theme: Theme) -> Vec<Line<'static>> {
        let beliefs = self.learner.open_beliefs();
        if beliefs.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Line::default(), heading("You tend to believe", theme)];
        for (name, belief) in beliefs.into_iter().take(BELIEFS_SHOWN) {
            let times = match belief.times {
                1 => "chosen once".to_owned(),
                times => format!("chosen {times} times"),
            };
            let met = match belief.scenario == entry.scenario.name() {
                true => "this lesson meets it".to_owned(),
                false => format!("{} meets it", belief.scenario),
            };
            let words = format!("{} ({times}; {met})", learner::in_words(name));
            lines.extend(text::wrapped(width, theme, &words));
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
            let style = theme.style(theme.role_of(run.summary.verdict));
            spans.push(Span::styled(theme.mark(Some(run.summary.verdict)), style));
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
                let style = theme.style(theme.role_of(summary.verdict));
                let line = Line::from(vec![
                    Span::styled(format!("{} ", theme.mark(Some(summary.verdict))), style),
                    Span::raw(format!(
                        "{}  {:<12}  {:>4.0} s",
                        summary.started.replace('T', " ").trim_end_matches('Z'),
                        summary.verdict.as_str(),
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
