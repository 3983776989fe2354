//! The lab's texts on the screen: the same words as in pipes, with their marks of colour turned into styles.

use ansi_to_tui::IntoText;
use ratatui::text::Line;

use super::theme::Theme;
use crate::text;

/// Lays out with the functions that write for pipes, and takes their marks of colour over.
pub fn lines(width: usize, theme: Theme, make: impl FnOnce() -> String) -> Vec<Line<'static>> {
    let text = text::within(width, make);
    let text = text::shown(&text, true, theme.ascii);
    match text.as_ref().into_text() {
        Ok(text) => text.lines,
        // Marks that cannot be understood are left out, not the words.
        Err(_) => console::strip_ansi_codes(&text)
            .lines()
            .map(|line| Line::raw(line.to_owned()))
            .collect(),
    }
}

/// A lesson's part in Markdown.
pub fn markdown(width: usize, theme: Theme, markdown: &str) -> Vec<Line<'static>> {
    lines(width, theme, || text::markdown(markdown, 0))
}

/// The same in a narrow place beside something else: a figure that does not fit is replaced by these words.
pub fn markdown_beside(width: usize, theme: Theme, markdown: &str, instead_of_wide: &str) -> Vec<Line<'static>> {
    lines(width, theme, || text::markdown_beside(markdown, instead_of_wide))
}

/// Plain words, wrapped.
pub fn wrapped(width: usize, theme: Theme, words: &str) -> Vec<Line<'static>> {
    lines(width, theme, || text::wrapped(words, 0))
}
