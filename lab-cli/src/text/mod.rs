//! Text for terminals and pipes: width, tables, Markdown.

mod markdown;
mod table;

pub use markdown::render as markdown;
pub use table::{right_aligned, table, table_within};

/// Columns to write in: the terminal's, at most 110; 100 where there is none.
pub fn width() -> usize {
    let terminal = console::Term::stdout();
    match terminal.size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(30, 110),
        None => 100,
    }
}

/// Words wrapped to the width, each line after an indent.
pub fn wrapped(text: &str, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(width())
        .initial_indent(&indent)
        .subsequent_indent(&indent);
    textwrap::fill(text, options)
}
