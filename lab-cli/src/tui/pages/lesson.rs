//! The lesson of a scenario as a text to read.

use ratatui::style::Modifier;
use ratatui::text::Line;
use scenarios::lesson::HEADINGS;
use scenarios::scenario::Scenario;

use crate::tui::paper::Paper;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// The parts that speak of a run; before one there is nothing to say in them.
const OF_A_RUN: [&str; 2] = ["What happened", "Why"];

/// The whole lesson, and what can be set.
pub fn lesson(scenario: &Scenario) -> Paper {
    let scenario = scenario.clone();
    Paper::new(format!("{} · lesson", scenario.name()), move |width, theme| {
        let mut lines = Vec::new();
        for heading in HEADINGS.into_iter().filter(|heading| !OF_A_RUN.contains(heading)) {
            lines.push(self::heading(heading, theme));
            lines.extend(text::markdown(width, theme, scenario.lesson.section(heading)));
            lines.push(Line::default());
        }
        lines.push(self::heading("Parameters", theme));
        for (name, param) in &scenario.document.params {
            let words = format!(
                "--set {name}={} ({} to {} {}): {}",
                param.default, param.min, param.max, param.unit, param.help
            );
            lines.extend(text::wrapped(width, theme, &words));
        }
        for (name, choice) in &scenario.document.choices {
            let words = format!("--set {name}={}: {}", choice.of.join(" or "), choice.help);
            lines.extend(text::wrapped(width, theme, &words));
        }
        lines
    })
}

/// Its idea, for a learner who wants to read first.
pub fn idea(scenario: &Scenario) -> Paper {
    let idea = scenario.lesson.section("The idea").to_owned();
    Paper::new(format!("{} · the idea", scenario.name()), move |width, theme| {
        text::markdown(width, theme, &idea)
    })
}

/// A heading within a text.
pub fn heading(words: &str, theme: Theme) -> Line<'static> {
    Line::styled(words.to_owned(), theme.style(Role::Now).add_modifier(Modifier::BOLD))
}
