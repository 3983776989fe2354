//! The event log: the newest lines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, cut, frame, put, words};

/// Draws the panel.
pub fn events(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let inner = frame("events", "", area, buf, theme);
    let log = &scene.state.log;
    let first = log.len().saturating_sub(usize::from(inner.height));
    let lines: Vec<Line<'_>> = log[first..]
        .iter()
        .map(|line| {
            let at = line.at_ms / 100;
            let at = format!("{:02}:{:02}.{} ", at / 600, at / 10 % 60, at % 10);
            let text = cut(&line.text, usize::from(inner.width).saturating_sub(at.len()));
            Line::from(vec![Span::styled(at, theme.dim()), Span::raw(words(&text, theme))])
        })
        .collect();
    put(&lines, inner, buf);
}
