//! The checks: what must hold, what it looks like so far, and what was decided.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, cut, frame, put, words};

/// Draws the panel.
pub fn checks(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let decided = scene
        .state
        .checks
        .iter()
        .filter(|check| is_own(scene, &check.name))
        .count();
    let inner = frame(
        "checks",
        &format!("{decided} of {} decided", scene.plan.checks.len()),
        area,
        buf,
        theme,
    );
    let width = usize::from(inner.width);
    // Two lines a check where there is room: what must hold, and what was found.
    let two = usize::from(inner.height) >= scene.plan.checks.len() * 2;
    let mut lines = Vec::new();
    for planned in &scene.plan.checks {
        let outcome = scene.state.checks.iter().find(|check| check.name == planned.name);
        let verdict = outcome.map(|check| check.verdict);
        let style = verdict.map_or(theme.dim(), |verdict| theme.style(theme.role_of(verdict)));
        let found = match outcome {
            Some(check) => Some(format!("{}; expected {}", check.measured, check.expected)),
            None => so_far(scene, &planned.name).map(|value| format!("so far {value}")),
        };
        let name = words(&planned.name, theme);
        let mark = Span::styled(format!("{} ", theme.mark(verdict)), style);
        match found {
            Some(found) if two => {
                lines.push(Line::from(vec![mark, Span::raw(cut(&name, width.saturating_sub(2)))]));
                let found = cut(&words(&found, theme), width.saturating_sub(4));
                lines.push(Line::styled(format!("    {found}"), theme.dim()));
            }
            Some(found) => {
                let found = words(&found, theme);
                let room = width.saturating_sub(found.chars().count() + 4).max(width / 2);
                lines.push(Line::from(vec![
                    mark,
                    Span::raw(format!("{}  ", cut(&name, room))),
                    Span::styled(found, theme.dim()),
                ]));
            }
            None => lines.push(Line::from(vec![mark, Span::raw(cut(&name, width.saturating_sub(2)))])),
        }
    }
    put(&lines, inner, buf);
}

fn so_far<'a>(scene: &Scene<'a>, name: &str) -> Option<&'a str> {
    let found = scene.so_far.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

fn is_own(scene: &Scene<'_>, name: &str) -> bool {
    scene.plan.checks.iter().any(|planned| planned.name == name)
}
