//! The arms side by side: a small histogram and the figures of each, on one latency axis.

use load::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use scenarios::plan::Plan;
use scenarios::state::{RunState, total_of};
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
    put(
        &bars(
            scene.state,
            scene.plan,
            class,
            Some(scene.arm),
            usize::from(inner.width),
            scene.theme,
        ),
        inner,
        buf,
    );
}

/// A line for each arm that has answers of this class, all on one logarithmic axis, which stands below them.
pub fn bars(
    state: &RunState,
    plan: &Plan,
    class: &str,
    now: Option<usize>,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let measured: Vec<(usize, Histogram)> = state
        .arms
        .iter()
        .enumerate()
        .map(|(index, arm)| (index, total_of(class, &arm.rounds).response))
        .filter(|(_, latencies)| !latencies.is_empty())
        .collect();
    if measured.is_empty() {
        return Vec::new();
    }
    let label = LABEL.min(width / 3);
    let figures = 34.min(width / 3);
    let axis = LogAxis::holding(
        measured.iter().map(|(_, latencies)| latencies),
        width.saturating_sub(label + figures + 3).max(10),
    );
    let mut lines: Vec<Line<'static>> = measured
        .iter()
        .map(|(index, latencies)| {
            let role = if now.is_none_or(|now| now == *index) {
                Role::Now
            } else {
                Role::Before
            };
            let name = words(&cut(&plan.arms[*index].label, label), theme);
            Line::from(vec![
                Span::raw(format!("{name:<label$} ")),
                Span::styled(strip(&axis, latencies, theme), theme.style(role)),
                Span::raw(" "),
                Span::styled(words(&said(latencies), theme), theme.dim()),
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

fn said(latencies: &Histogram) -> String {
    let of = |q: f64| {
        latencies
            .quantile_ms(q)
            .map_or_else(String::new, |ms| in_unit(ms, Unit::Ms))
    };
    format!("p50 {:<8} p99 {:<8}", of(0.5), of(0.99))
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
