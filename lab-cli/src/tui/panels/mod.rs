//! What a run looks like while it goes on: one file for each panel. A panel reads the state and draws; it keeps nothing.

mod arms;
mod axis;
mod checks;
mod events;
mod histogram;
mod histories;
mod over_time;
mod search;
mod system;

pub use arms::{Bar, arms, bars};
pub use checks::checks;
pub use events::events;
pub use histogram::histogram;
pub use histories::histories;
pub use over_time::over_time;
pub use search::search;
pub use system::system;

use load::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};
use scenarios::plan::{ArmPlan, Plan};
use scenarios::state::{ClassState, RoundState, RunState, effects};

use super::theme::Theme;
use crate::text;

/// What the panels draw: a state, and what somebody chose to look at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The run.
    pub state: &'a RunState,
    /// Its plan.
    pub plan: &'a Plan,
    /// Index of the arm that is looked at.
    pub arm: usize,
    /// The measurement that is looked at.
    pub round: &'a RoundState,
    /// The class of requests that is looked at.
    pub class: Option<&'a str>,
    /// What the histogram is compared with: a name and the latencies.
    pub ghost: Option<(&'a str, &'a Histogram)>,
    /// Seconds of the past that are looked at; none: all.
    pub last_s: Option<f64>,
    /// The instance that keys act on.
    pub selected: Option<&'a str>,
    /// Values of the checks so far, by name.
    pub so_far: &'a [(String, String)],
    /// Colours and characters.
    pub theme: Theme,
}

impl<'a> Scene<'a> {
    /// The plan of the arm that is looked at.
    pub fn arm_plan(&self) -> &'a ArmPlan {
        &self.plan.arms[self.arm]
    }

    /// What was measured of the class that is looked at.
    pub fn class_state(&self) -> Option<&'a ClassState> {
        self.round.classes.get(self.class?)
    }

    /// The latencies that the histogram shows: of the whole measurement, or of the last seconds.
    pub fn latencies(&self) -> Histogram {
        let Some(class) = self.class_state() else {
            // Where there are clients there may be no other load.
            return effects(self.round);
        };
        match self.last_s {
            None => class.total.response.clone(),
            Some(last_s) => latencies_since(class, self.round.load_s - last_s),
        }
    }
}

/// Latencies of requests that were meant to start after this, seconds.
pub fn latencies_since(class: &ClassState, from_s: f64) -> Histogram {
    let first = (from_s.max(0.0) * f64::from(scenarios::event::SLICES_PER_S)) as u32;
    let mut latencies = Histogram::new();
    for slice in class.slices.range((first, String::new())..).map(|(_, slice)| slice) {
        latencies.merge(&slice.response);
    }
    latencies
}

/// Draws the frame of a panel and gives what is inside.
pub fn frame(title: &str, right: &str, area: Rect, buf: &mut Buffer, theme: Theme) -> Rect {
    let title = words(title, theme);
    let right = words(right, theme);
    let mut block = Block::bordered()
        .border_set(theme.border())
        .border_style(theme.dim())
        .title(Line::from(Span::styled(
            format!(" {title} "),
            ratatui::style::Style::reset().add_modifier(Modifier::BOLD),
        )));
    if !right.is_empty() && usize::from(area.width) > title.chars().count() + right.chars().count() + 8 {
        block = block.title_top(Line::from(Span::styled(format!(" {right} "), theme.dim())).right_aligned());
    }
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// Text as this terminal can show it.
pub fn words(text: &str, theme: Theme) -> String {
    text::shown(text, false, theme.ascii).into_owned()
}

/// Puts lines into an area, one below the other, cut at its edges.
pub fn put(lines: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        buf.set_line(area.x, y, line, area.width);
    }
}

/// A text cut to so many columns, the end as dots.
pub fn cut(text: &str, columns: usize) -> String {
    if unicode_width::UnicodeWidthStr::width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
