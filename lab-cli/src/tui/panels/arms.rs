//! The arms side by side: a small histogram and the figures of each, on one latency axis.

use load::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use scenarios::summary::{Latencies, WindowSummary};
use scenarios::unit::{Unit, in_unit};

use super::axis::LogAxis;
use super::{Scene, cut, frame, put, words};
use crate::tui::theme::{Role, Theme};

/// Columns of a label.
const LABEL: usize = 30;

/// Draws the panel.
pub fn arms(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let inner = frame("arms", "", area, buf, scene.theme);
    let Some(class) = scene.class else { return };
    let arms = scene.plan.arms.iter().zip(&scene.state.arms).enumerate();
    let measured: Vec<(bool, &str, WindowSummary)> = arms
        .map(|(index, (plan, arm))| {
            let whole = WindowSummary::whole(plan, class, &arm.rounds);
            (index == scene.arm, plan.label.as_str(), whole)
        })
        .collect();
    let bars: Vec<Bar<'_>> = measured
        .iter()
        .map(|(is_now, label, whole)| Bar::new(*is_now, label, whole))
        .collect();
    put(&self::bars(&bars, usize::from(inner.width), scene.theme), inner, buf);
}

/// An arm with its answers of one class.
pub struct Bar<'a> {
    is_now: bool,
    label: &'a str,
    whole: &'a WindowSummary,
}

impl<'a> Bar<'a> {
    /// `is_now` brings it out.
    pub fn new(is_now: bool, label: &'a str, whole: &'a WindowSummary) -> Self {
        Self { is_now, label, whole }
    }
}

/// A line for each arm that has answers, all on one logarithmic axis, which stands below them.
pub fn bars(bars: &[Bar<'_>], width: usize, theme: Theme) -> Vec<Line<'static>> {
    let is_answered = |bar: &&Bar<'_>| !bar.whole.total.response.is_empty();
    let bars: Vec<&Bar<'_>> = bars.iter().filter(is_answered).collect();
    if bars.is_empty() {
        return Vec::new();
    }
    let label = LABEL.min(width / 3);
    let figures = 34.min(width / 3);
    let axis = LogAxis::holding(
        bars.iter().map(|bar| &bar.whole.total.response),
        width.saturating_sub(label + figures + 3).max(10),
    );
    let mut lines: Vec<Line<'static>> = bars
        .iter()
        .map(|bar| {
            let role = if bar.is_now { Role::Now } else { Role::Before };
            let name = words(&cut(bar.label, label), theme);
            Line::from(vec![
                Span::raw(format!("{name:<label$} ")),
                Span::styled(strip(&axis, &bar.whole.total.response, theme), theme.style(role)),
                Span::raw(" "),
                Span::styled(words(&said(bar.whole.figures.response), theme), theme.dim()),
            ])
        })
        .collect();
    lines.push(Line::styled(
        words(&format!("{:label$} {}", "", scale(&axis)), theme),
        theme.dim(),
    ));
    lines
}

/// A distribution in one line of bars.
fn strip(axis: &LogAxis, latencies: &Histogram, theme: Theme) -> String {
    let counts = axis.counts(latencies);
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    counts
        .iter()
        .map(|count| match *count {
            0 => theme.pick("·", " "),
            count => theme.eighths(((count as f64 / most).sqrt() * 8.0).round().max(1.0) as usize),
        })
        .collect()
}

fn said(latencies: Latencies) -> String {
    let shown = |ms: Option<f64>| ms.map_or_else(String::new, |ms| in_unit(ms, Unit::Ms));
    format!("p50 {:<8} p99 {:<8}", shown(latencies.p50), shown(latencies.p99))
}

fn scale(axis: &LogAxis) -> String {
    let mut line = String::new();
    for (cell, tick) in axis.ticks(9) {
        let used = line.chars().count();
        if used <= cell {
            line.push_str(&" ".repeat(cell - used));
            line.push_str(&tick);
        }
    }
    line
}
