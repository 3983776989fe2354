//! Text for terminals and pipes: width, tables, Markdown.

mod logs;
mod markdown;
mod shown;
mod table;
mod units;

use std::cell::Cell;

pub use logs::LogText;
pub use markdown::{render as markdown, render_beside as markdown_beside};
pub use shown::{ascii, json, shown, visible, visible_document};

#[cfg(test)]
pub use shown::to_ascii;
pub use table::{right_aligned, table, table_within};
pub use units::joined;

thread_local! {
    static WITHIN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Makes text for a part of the screen: whatever `make` lays out on this thread is at most so many columns wide.
pub fn within<T>(columns: usize, make: impl FnOnce() -> T) -> T {
    let before = WITHIN.replace(Some(columns));
    let made = make();
    WITHIN.set(before);
    made
}

/// Columns to write in: as [`within`] says, else the terminal's, at most 110; 100 where there is none.
pub fn width() -> usize {
    if let Some(columns) = WITHIN.get() {
        return columns;
    }
    let terminal = console::Term::stdout();
    match terminal.size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(30, 110),
        None => 100,
    }
}

/// Words wrapped to the width, each line after an indent.
pub fn wrapped(text: &str, indent: usize) -> String {
    let indent = " ".repeat(indent);
    filled(text, &indent, &indent)
}

/// Words wrapped to the width, with what stands in front of the first line and of each further one. Lines break at
/// blanks only, and not between a number and its unit: not within `200/s` or `2 s`, nor at a no-break space.
fn filled(text: &str, first: &str, rest: &str) -> String {
    let options = textwrap::Options::new(width())
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(textwrap::WordSeparator::Custom(units::words));
    textwrap::fill(text, options)
}

#[test]
fn a_unit_stays_on_the_line_of_its_number() {
    let words = "word ".repeat(40);
    for cut in 0..12 {
        let text = format!("{}200/s and 2.92\u{a0}s of it, 95 % of 3 ms", &words[cut..]);
        let text = wrapped(&text, 2);
        assert!(text.lines().any(|line| line.contains("200/s")), "{text}");
        assert!(text.lines().any(|line| line.contains("2.92\u{a0}s")), "{text}");
        assert!(text.lines().any(|line| line.contains("95 %")), "{text}");
        assert!(text.lines().any(|line| line.contains("3 ms")), "{text}");
        assert!(text.lines().count() > 1, "{text}");
    }
}
