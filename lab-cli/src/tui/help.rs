//! The keys of a page, drawn from the table that dispatches them.

use history::ActionKind;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::keys::{self, Binding, Place};
use super::panels::words;
use super::paper::Paper;
use super::text;
use super::theme::{Role, Theme};

/// Columns for the keys.
const KEYS: usize = 18;

/// The help of a place.
pub fn help(place: Place) -> Paper {
    Paper::new("keys", move |width, theme| {
        let mut lines: Vec<Line<'static>> = Vec::new();
        for group in groups(place) {
            let names = words(&names(&group), theme);
            let explained = text::wrapped(width.saturating_sub(KEYS + 1), theme, group[0].help);
            for (index, line) in explained.into_iter().enumerate() {
                let key = if index == 0 { names.clone() } else { String::new() };
                let style = theme.style(Role::Now).add_modifier(Modifier::BOLD);
                let mut spans = vec![Span::styled(format!("{key:<KEYS$} "), style)];
                spans.extend(line.spans);
                lines.push(Line::from(spans));
            }
        }
        lines.push(Line::default());
        let more = "Ctrl-C stops what runs and keeps what was measured; a second one ends at once.";
        lines.extend(text::wrapped(width, theme, more));
        if matches!(place, Place::Live | Place::Play) {
            lines.push(Line::default());
            lines.extend(text::wrapped(width, theme, &marks(theme)));
        }
        lines
    })
}

/// The signs of what is done to a system, over the time axis and in pictures.
fn marks(theme: Theme) -> String {
    let marks = ActionKind::ALL.map(|kind| kind.legend(theme.ascii));
    format!("What was done to the system: {}.", marks.join(", "))
}

/// As many keys as have room; the first ones are those that people try first.
fn names(group: &[&Binding]) -> String {
    let mut names = String::new();
    for key in group.iter().flat_map(|binding| binding.keys) {
        let name = key.name();
        if names.chars().count() + name.chars().count() < KEYS {
            names.push_str(&name);
            names.push(' ');
        }
    }
    names
}

/// Lines of the table; those without words belong to the line above them.
fn groups(place: Place) -> Vec<Vec<&'static Binding>> {
    let mut groups: Vec<Vec<&Binding>> = Vec::new();
    for binding in keys::at(place) {
        match groups.last_mut() {
            Some(group) if binding.help.is_empty() => group.push(binding),
            _ => groups.push(vec![binding]),
        }
    }
    groups
}

/// The line at the bottom: the keys that one wants first.
pub fn hints(place: Place, width: usize, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    // How to get out and where the rest is are never what is left out.
    let (out, own): (Vec<&Binding>, Vec<&Binding>) = keys::at(place)
        .filter(|binding| !binding.hint.is_empty())
        .partition(|binding| binding.place == Place::Everywhere);
    for binding in out.into_iter().chain(own) {
        let key = words(&binding.keys[0].name(), theme);
        // A hint that begins with its keys brings them itself.
        let (key, hint) = match binding.hint.split_once(' ') {
            Some((keys, hint)) if keys.contains(&key) => (words(keys, theme), hint),
            _ => (key, binding.hint),
        };
        let length = key.chars().count() + hint.chars().count() + 3;
        if used + length > width {
            break;
        }
        used += length;
        spans.push(Span::styled(key, theme.style(Role::Now).add_modifier(Modifier::BOLD)));
        spans.push(Span::styled(format!(" {}  ", words(hint, theme)), theme.dim()));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Depth;

    #[test]
    fn the_way_out_is_shown_however_narrow_it_is() {
        let theme = Theme {
            depth: Depth::None,
            ascii: false,
        };
        for place in [
            Place::Home,
            Place::Live,
            Place::Play,
            Place::Verdict,
            Place::Paper,
            Place::Predict,
        ] {
            let line: String = hints(place, 24, theme)
                .spans
                .into_iter()
                .map(|span| span.content.into_owned())
                .collect();
            assert!(line.contains("quit") && line.contains("keys"), "{place:?}: {line}");
        }
    }
}
