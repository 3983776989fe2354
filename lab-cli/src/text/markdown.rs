//! Markdown as terminal text: wrapped, readable without colour.

use console::style;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{filled, table_within, visible, width};

/// Columns that a figure is moved to the right, where there is room.
const FIGURE_INDENT: usize = 4;

/// Renders Markdown, each line after an indent of this many spaces. Ends in a newline unless empty.
pub fn render(markdown: &str, indent: usize) -> String {
    let renderer = Renderer {
        indent,
        ..Renderer::default()
    };
    renderer.rendered(markdown)
}

/// Renders Markdown for a narrow place beside something else: a figure that does not fit is replaced by these words.
pub fn render_beside(markdown: &str, instead_of_wide: &str) -> String {
    let renderer = Renderer {
        instead_of_wide: Some(instead_of_wide),
        ..Renderer::default()
    };
    renderer.rendered(markdown)
}

#[derive(Default)]
struct Renderer<'a> {
    indent: usize,
    instead_of_wide: Option<&'a str>,
    out: String,
    /// The paragraph, item or cell under way.
    line: String,
    /// Numbers of the open lists; none for bullets.
    lists: Vec<Option<u64>>,
    /// What the next wrapped line begins with: a bullet or a number.
    marker: String,
    in_code: bool,
    /// The figure or the piece of code under way.
    figure: String,
    rows: Vec<Vec<String>>,
}

impl Renderer<'_> {
    fn rendered(mut self, markdown: &str) -> String {
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            self.event(event);
        }
        self.out
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.figure.push_str(&text),
            Event::Text(text) => self.line.push_str(&visible(&text)),
            Event::Code(code) => self.line.push_str(&style(visible(&code)).cyan().to_string()),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Rule => self.put(&"─".repeat(width().saturating_sub(self.indent).min(40))),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.lists.is_empty() => self.gap(),
            Tag::Heading { .. } | Tag::Table(_) => {
                self.gap();
                self.rows.clear();
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.gap();
                self.in_code = true;
                // The language is for editors; it says nothing to a reader.
                let (CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) = kind;
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "• ".to_owned(),
                };
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.line);
                let text = if level <= HeadingLevel::H2 {
                    style(text).bold().underlined()
                } else {
                    style(text).bold()
                };
                self.put(&text.to_string());
            }
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.figure();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.table(),
            _ => {}
        }
    }

    /// A blank line before a block, except at the very beginning.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(&" ".repeat(self.indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Writes the text under way, wrapped, behind its marker.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.line);
        if text.trim().is_empty() {
            return;
        }
        let base = self.indent + 2 * self.lists.len().saturating_sub(1);
        let marker = std::mem::take(&mut self.marker);
        let hanging = if self.lists.is_empty() {
            0
        } else {
            marker.chars().count().max(2)
        };
        let first = format!("{}{marker:<hanging$}", " ".repeat(base));
        let rest = " ".repeat(base + hanging);
        self.out.push_str(&filled(text.trim(), &first, &rest));
        self.out.push('\n');
    }

    /// Writes the figure under way. One that is too wide first gives up the blanks on its left.
    fn figure(&mut self) {
        let figure = std::mem::take(&mut self.figure);
        let figure = visible(&figure);
        let room = width().saturating_sub(self.indent);
        let (blanks, widest) = extent(&figure);
        if let Some(words) = self.instead_of_wide.filter(|_| widest - blanks > room) {
            let words = filled(words, "", "");
            self.out.push_str(&style(words).dim().to_string());
            self.out.push('\n');
            return;
        }
        let left = (FIGURE_INDENT + blanks).min(room.saturating_sub(widest - blanks));
        for line in figure.lines() {
            let line = line.get(blanks..).unwrap_or_default();
            self.put(format!("{:left$}{line}", "").trim_end());
        }
    }

    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let Some((head, body)) = rows.split_first() else {
            return;
        };
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let mut table = table_within(&head, width().saturating_sub(self.indent));
        table.add_rows(body);
        for line in table.to_string().lines() {
            self.put(line.trim_end());
        }
    }
}

/// Blanks that all lines of a figure begin with, and the columns of its widest line.
fn extent(figure: &str) -> (usize, usize) {
    let drawn = || figure.lines().filter(|line| !line.trim().is_empty());
    let blanks = drawn()
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min();
    let widest = drawn().map(console::measure_text_width).max();
    (blanks.unwrap_or(0), widest.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_stand_apart_and_lists_hang() {
        console::set_colors_enabled(false);
        let text = render(
            "# Title\n\nOne `code` word\nand more.\n\n- first\n- second\n\n1. one\n2. two\n\n```sh\nlab run x\n```\n",
            2,
        );
        let expected =
            "  Title\n\n  One code word and more.\n\n  • first\n  • second\n\n  1. one\n  2. two\n\n      lab run x";
        assert_eq!(text.trim_end(), expected);
    }

    #[test]
    fn a_figure_gives_up_blanks_before_it_is_too_wide() {
        console::set_colors_enabled(false);
        let figure = "```text\n  a ──▶ b\n\n    └─ c\n```\n";
        let drawn = |columns| crate::text::within(columns, || render(figure, 0));
        assert_eq!(drawn(40), "      a ──▶ b\n\n        └─ c\n");
        assert_eq!(drawn(9), "  a ──▶ b\n\n    └─ c\n");
        assert_eq!(drawn(7), "a ──▶ b\n\n  └─ c\n");
    }

    #[test]
    fn beside_something_else_words_stand_for_a_figure_that_is_too_wide() {
        console::set_colors_enabled(false);
        let figure = "before\n\n```text\n    a ──▶ b\n```\n\nafter\n";
        let drawn = |columns| crate::text::within(columns, || render_beside(figure, "(l shows it)"));
        assert_eq!(drawn(7), "before\n\na ──▶ b\n\nafter\n");
        assert_eq!(drawn(6), "before\n\n(l\nshows\nit)\n\nafter\n");
    }

    #[test]
    fn tables_keep_their_cells() {
        console::set_colors_enabled(false);
        let text = render("| rate | measured |\n|---|---|\n| 50 % | 10 ms |\n", 0);
        assert!(
            text.contains("rate") && text.contains("50 %") && text.contains("10 ms"),
            "{text}"
        );
    }
}
