//! A search for the highest rate: what was tried, and how it went.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use scenarios::event::StepOutcome;
use scenarios::summary::Found;
use scenarios::unit::{Unit, in_unit};

use super::{Scene, frame, put, words};
use crate::report;
use crate::tui::theme::Role;

/// Columns of a bar.
const BAR: usize = 24;

/// Draws the panel.
pub fn search(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let spec = scene.arm_plan().searches.first();
    let objective = spec.map_or_else(String::new, |spec| {
        let quantile = report::words::quantile(spec.quantile);
        format!("{quantile} within {}", in_unit(spec.within_ms, Unit::Ms))
    });
    let inner = frame("search for the highest rate", &objective, area, buf, theme);
    let mut lines = Vec::new();
    for found in scene.round.searches.values() {
        let most = found.steps.iter().map(|step| step.rate_per_s).fold(1.0, f64::max);
        for step in &found.steps {
            let (mark, role) = match step.outcome {
                StepOutcome::Within => (theme.pick("✓", "+"), Role::Good),
                StepOutcome::Beyond => (theme.pick("✗", "x"), Role::Bad),
                StepOutcome::NoEvidence => ("?", Role::Warn),
            };
            let bar = theme
                .eighths(8)
                .repeat((step.rate_per_s / most * BAR as f64).round() as usize);
            let latency = step
                .latency_ms
                .map_or_else(|| "no answer".to_owned(), |ms| in_unit(ms, Unit::Ms));
            let failed = if step.error_share > 0.0 {
                format!(", {} failed", in_unit(step.error_share, Unit::Share))
            } else {
                String::new()
            };
            lines.push(Line::from(vec![
                Span::raw(format!("{:>11} ", report::words::per_s(Some(step.rate_per_s)))),
                Span::styled(format!("{bar:<BAR$} "), theme.style(role)),
                Span::styled(format!("{mark} "), theme.style(role)),
                Span::raw(words(&format!("{latency}{failed}"), theme)),
            ]));
        }
        let found = Found::of(&[Some(found)]);
        if !found.is_nothing() {
            let text = format!("highest rate: {}", report::words::highest_rate(&found));
            lines.push(Line::styled(text, theme.style(Role::Good)));
        }
    }
    if lines.is_empty() {
        lines.push(Line::styled("the first rate is being tried", theme.dim()));
    }
    let surplus = lines.len().saturating_sub(usize::from(inner.height));
    put(&lines[surplus..], inner, buf);
}
