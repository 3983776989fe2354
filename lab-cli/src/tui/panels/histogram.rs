//! The latency histogram, growing, with another one behind it.

use load::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use scenarios::unit::{Unit, in_unit};

use super::axis::LogAxis;
use super::{Scene, cut, frame, put, words};
use crate::tui::theme::{Role, Theme};

/// From this width on all figures have room.
const WIDE: u16 = 56;
/// Cells between two labels of the axis.
const LABEL: usize = 9;

/// Draws the panel.
pub fn histogram(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let title = scene
        .class
        .map_or_else(|| "latency".to_owned(), |class| format!("latency of {class}"));
    let last = scene
        .last_s
        .map_or_else(String::new, |last_s| format!("last {last_s:.0} s, "));
    let nothing = Histogram::new();
    let (ghost_name, ghost) = scene.ghost.unwrap_or(("", &nothing));
    let room = usize::from(area.width).saturating_sub(title.chars().count() + 8);
    let shadow = (!ghost.is_empty()).then(|| format!("{} {ghost_name}", theme.ghost()));
    let inner = frame(
        &title,
        &right_title(shadow.as_deref(), &format!("{last}log scale"), room),
        area,
        buf,
        theme,
    );
    if inner.height < 4 || inner.width < 20 {
        return;
    }
    let now = scene.latencies();
    let axis = LogAxis::holding([&now, ghost], usize::from(inner.width));
    let two_lines = !ghost.is_empty() && inner.height >= 7;
    let words_rows = if two_lines { 2 } else { 1 };
    let bars = Rect {
        height: inner.height - 1 - words_rows,
        ..inner
    };
    draw_bars(&axis, &now, ghost, bars, buf, theme);
    ticks(&axis, inner, bars.bottom(), buf, theme);
    let mut lines = vec![figures(&now, theme.eighths(8), theme.style(Role::Now), &inner, theme)];
    if two_lines {
        lines.push(figures(ghost, theme.ghost(), theme.style(Role::Before), &inner, theme));
    }
    let below = Rect {
        y: bars.bottom() + 1,
        height: words_rows,
        ..inner
    };
    put(&lines, below, buf);
}

/// What the shadow is and how the axis is, as far as there is room for it; the shadow matters more.
fn right_title(shadow: Option<&str>, scale: &str, room: usize) -> String {
    let Some(shadow) = shadow else {
        return scale.to_owned();
    };
    let both = format!("{shadow}, {scale}");
    if both.chars().count() < room {
        both
    } else {
        cut(shadow, room.saturating_sub(1))
    }
}

/// Bars as high as the square root of their share, so that rare slow answers can be seen; the ghost fills what is left.
fn draw_bars(axis: &LogAxis, now: &Histogram, ghost: &Histogram, area: Rect, buf: &mut Buffer, theme: Theme) {
    let (now, ghost) = (heights(axis, now), heights(axis, ghost));
    let highest = now.iter().chain(&ghost).copied().fold(0.0, f64::max);
    if highest <= 0.0 {
        return;
    }
    let rows = usize::from(area.height);
    let eighths = |height: f64| {
        if height <= 0.0 {
            0
        } else {
            ((height / highest * (rows * 8) as f64).round() as usize).max(1)
        }
    };
    for (x, (now, ghost)) in (area.left()..).zip(now.iter().zip(&ghost)) {
        let (now, ghost) = (eighths(*now), eighths(*ghost));
        for row in 0..rows {
            let y = area.bottom() - 1 - row as u16;
            let filled = now.saturating_sub(row * 8).min(8);
            let cell = &mut buf[(x, y)];
            if filled > 0 {
                cell.set_symbol(theme.eighths(filled)).set_style(theme.style(Role::Now));
            } else if ghost > row * 8 {
                cell.set_symbol(theme.ghost()).set_style(theme.style(Role::Before));
            }
        }
    }
}

/// The square root of the share of each cell.
fn heights(axis: &LogAxis, latencies: &Histogram) -> Vec<f64> {
    let total = latencies.count().max(1) as f64;
    let counts = axis.counts(latencies);
    counts.into_iter().map(|count| (count as f64 / total).sqrt()).collect()
}

fn ticks(axis: &LogAxis, inner: Rect, y: u16, buf: &mut Buffer, theme: Theme) {
    let width = usize::from(inner.width);
    for (cell, label) in axis.ticks(LABEL) {
        let label = words(&label, theme);
        let length = label.chars().count();
        let start = cell.min(width.saturating_sub(length));
        buf.set_string(inner.x + start as u16, y, label, theme.dim());
    }
}

/// `█ p50 5.1 ms  p90 1.9 s  p99 2.8 s  max 2.9 s  n 1,402`.
fn figures(latencies: &Histogram, sign: &str, style: Style, inner: &Rect, theme: Theme) -> Line<'static> {
    if latencies.is_empty() {
        return Line::styled("no answer yet", theme.dim());
    }
    let of = |q: f64| {
        latencies
            .quantile_ms(q)
            .map_or_else(String::new, |ms| in_unit(ms, Unit::Ms))
    };
    let wide = inner.width >= WIDE;
    let mut text = String::new();
    for (label, value, always) in [
        ("p50", of(0.5), true),
        ("p90", of(0.9), false),
        ("p99", of(0.99), true),
        ("max", of(1.0), true),
        ("n", in_unit(latencies.count() as f64, Unit::Count), false),
    ] {
        if !always && !wide {
            continue;
        }
        text.push_str(&format!(" {label} {value:<7}"));
    }
    Line::styled(words(&format!("{sign}{}", text.trim_end()), theme), style)
}
