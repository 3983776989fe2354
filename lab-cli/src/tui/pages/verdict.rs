//! What came of a run: the verdict, the arms side by side, the guess, why, and what to try next.

use std::path::PathBuf;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use scenarios::scenario::Scenario;
use scenarios::summary::{RunSummary, all_classes};

use super::lesson::heading;
use crate::display::plain;
use crate::job::{Job, RunOutcome};
use crate::report::LessonText;
use crate::tui::next::{self, Suggestion};
use crate::tui::panels::{Bar, bars, words};
use crate::tui::paper::Paper;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// Fewer answers make no distribution.
const DISTRIBUTION: u64 = 20;

/// The page.
pub struct VerdictPage {
    /// The text.
    pub paper: Paper,
    /// The report in HTML.
    pub report: PathBuf,
    /// What runs it again; none for a recorded run whose scenario was not kept.
    pub again: Option<Job>,
    /// The scenario, for its lesson.
    pub scenario: Option<Scenario>,
    /// What the lesson suggests.
    pub suggestions: Vec<Suggestion>,
}

impl VerdictPage {
    /// The page of a run that has ended.
    pub fn new(outcome: RunOutcome, again: Option<Job>, scenario: Option<Scenario>) -> Self {
        let next = outcome
            .lesson
            .as_ref()
            .map(|lesson| lesson.next.clone())
            .unwrap_or_default();
        let suggestions = next::suggestions(&next);
        let name = outcome.state.info.as_ref().map(|info| info.plan.scenario.clone());
        let report = outcome.folder.join("report.html");
        let paper = Paper::new(
            format!("{} · verdict", name.unwrap_or_default()),
            move |width, theme| lines(&outcome, width, theme),
        );
        Self {
            paper,
            report,
            again,
            scenario,
            suggestions,
        }
    }
}

fn lines(outcome: &RunOutcome, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let summary = RunSummary::of(&outcome.state);
    let mut lines = headline(&summary, width, theme);
    if let Some(error) = &outcome.error {
        for line in text::wrapped(width, theme, &error.words()) {
            lines.push(line.style(theme.style(Role::Bad)));
        }
    }
    if let Some(loss) = outcome.loss() {
        for line in text::wrapped(width, theme, &loss.words()) {
            lines.push(line.style(theme.style(Role::Bad)));
        }
    }
    for warning in &outcome.warnings {
        lines.extend(text::wrapped(width, theme, &format!("warning: {warning}")));
    }
    if summary.plan().is_none() {
        return lines;
    }
    if let Some(guess) = &summary.guess {
        lines.push(Line::default());
        lines.push(heading("Your guess", theme));
        lines.extend(text::wrapped(width, theme, &guess.question));
        let role = if guess.right { Role::Good } else { Role::Warn };
        for line in text::wrapped(width, theme, &guess.sentence) {
            lines.push(line.style(theme.style(role).add_modifier(Modifier::BOLD)));
        }
        if let Some(answer) = &guess.answer {
            lines.extend(text::wrapped(width, theme, answer));
        }
    }
    lines.push(Line::default());
    lines.extend(comparison(&summary, width, theme));
    if !summary.checks.is_empty() {
        lines.push(heading("What was checked", theme));
        lines.extend(text::lines(width, theme, || plain::checks(summary.checks)));
    }
    if let Some(lesson) = &outcome.lesson {
        // Whoever guessed has not seen it yet, unless they asked for it.
        let idea = summary.guess.as_ref().map_or("", |_| lesson.idea.as_str());
        lines.extend(explanation(lesson, idea, width, theme));
    }
    lines.push(Line::default());
    lines.extend(text::wrapped(
        width,
        theme,
        &format!(
            "The report: {} (o opens it)",
            outcome.folder.join("report.html").display()
        ),
    ));
    lines
}

fn headline(summary: &RunSummary<'_>, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let outcome = summary.outcome;
    let badge = theme.badge(outcome.verdict());
    let mut lines = vec![Line::styled(format!("  {}  ", outcome.word()), badge)];
    let question = summary.plan().map(|plan| plan.question.as_str()).unwrap_or_default();
    for line in text::wrapped(width, theme, question) {
        lines.push(line.style(Style::new().add_modifier(Modifier::BOLD)));
    }
    lines.extend(text::wrapped(width, theme, &summary.sentence));
    lines
}

/// The distributions of each class on one axis, the figures of the arms, and the histories.
fn comparison(summary: &RunSummary<'_>, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![heading("Side by side", theme)];
    for class in all_classes(&summary.arms) {
        let answers = summary.arms.iter().filter_map(|arm| arm.class(&class)?.counts.ok);
        if answers.max().unwrap_or(0) >= DISTRIBUTION {
            let title = words(
                &format!("{class}, by latency (height: square root of the share)"),
                theme,
            );
            lines.push(Line::from(Span::styled(title, theme.dim())));
            let measured = summary.arms.iter().filter_map(|arm| Some((arm, arm.class(&class)?)));
            let all: Vec<Bar<'_>> = measured
                .map(|(arm, class)| Bar::new(true, &arm.plan.label, &class.whole))
                .collect();
            lines.extend(bars(&all, width, theme));
        }
    }
    lines.push(Line::default());
    lines.extend(text::lines(width, theme, || plain::tables(summary, theme.ascii)));
    lines
}

fn explanation(lesson: &LessonText, idea: &str, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let sections = [
        ("What happened", lesson.happened.as_str()),
        ("The idea", idea),
        ("Why", lesson.why.as_str()),
        ("Try next: type its number", &next::numbered(&lesson.next)),
    ];
    for (title, markdown) in sections.into_iter().filter(|(_, markdown)| !markdown.is_empty()) {
        lines.push(Line::default());
        lines.push(heading(title, theme));
        lines.extend(text::markdown(width, theme, markdown));
    }
    lines
}
