//! What all charts have in common.

/// Width of every chart in its own units; the page scales it.
pub(super) const WIDTH: f64 = 560.0;
/// The most that a letter of a tick's label takes, in the same units: a narrow screen enlarges it (`.shrinks` in the style).
pub(super) const TICK_LETTER: f64 = 8.8;
/// As many series look different by colour and dash.
pub(super) const STYLES: usize = 7;

/// A text of at most so many letters, the end as dots.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}
