//! The histories of clients: operations, laws, and the picture of what broke one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use scenarios::summary::Measured;

use super::{Scene, frame, put, words};
use crate::report::histories::{proofs, rows};
use crate::tui::theme::Role;

/// Draws the panel.
pub fn histories(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let inner = frame("histories of the clients", "", area, buf, theme);
    let mut lines = Vec::new();
    let measured = Measured::of(scene.plan, scene.state);
    for row in rows(&measured.arms) {
        let [name, laws, operations, ok, failed, unknown, ..] = &row.cells()[..] else {
            continue;
        };
        let text = format!("{name}: {operations} operations, {ok} ok, {failed} refused, {unknown} unknown; {laws}");
        let style = match row.is_broken() {
            true => theme.style(Role::Bad),
            false => ratatui::style::Style::new(),
        };
        for part in textwrap::wrap(&words(&text, theme), usize::from(inner.width).max(20)) {
            lines.push(Line::styled(part.into_owned(), style));
        }
    }
    if lines.is_empty() {
        lines.push(Line::styled("clients are at work", theme.dim()));
    }
    // The newest proof: it belongs to what was just seen.
    if let Some(proof) = proofs(scene.state).pop() {
        lines.push(Line::default());
        lines.push(Line::styled(words(&proof.title, theme), theme.style(Role::Bad)));
        let picture = proof.diagram.to_text(usize::from(inner.width), theme.ascii);
        lines.extend(picture.lines().map(|line| Line::raw(line.to_owned())));
    }
    put(&lines, inner, buf);
}
