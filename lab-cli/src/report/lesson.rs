//! Lesson text (Markdown) as HTML that loads nothing and runs nothing.

use pulldown_cmark::{Alignment, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::text::joined;

/// Markdown as HTML: headings become smaller than the page's own, raw HTML is shown as text, pictures become their
/// description, and of links that lead neither to the web, nor to mail, nor within the page only the words are left.
/// Numbers keep their units on the same line.
pub(super) fn to_html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_SMART_PUNCTUATION;
    let mut rendered = String::with_capacity(markdown.len() * 2);
    let events = Parser::new_ext(markdown, options).map(harmless);
    let events = with_headings(with_units_joined(without_stray_links(events)));
    html::push_html(&mut rendered, events.into_iter());
    // Wide tables scroll by themselves, so that the page does not.
    rendered
        .replace("<table>", "<div class=\"scroll\"><table>")
        .replace("</table>", "</table></div>")
}

/// Writes the heads of tables out. A heading without words is an empty cell: a screen reader would read it out as a heading.
fn with_headings<'a>(events: impl Iterator<Item = Event<'a>>) -> Vec<Event<'a>> {
    let mut all: Vec<Event<'a>> = Vec::new();
    let mut columns = Vec::new().into_iter();
    let mut is_head = false;
    // Where the heading begins whose words follow.
    let mut start = 0;
    for event in events {
        match &event {
            Event::Start(Tag::Table(alignments)) => columns = alignments.clone().into_iter(),
            Event::Start(Tag::TableHead) => is_head = true,
            Event::End(TagEnd::TableHead) => is_head = false,
            Event::Start(Tag::TableCell) if is_head => start = all.len(),
            Event::End(TagEnd::TableCell) if is_head => {
                let name = if all[start..].iter().any(has_words) { "th" } else { "td" };
                let style = style(columns.next().unwrap_or(Alignment::None));
                all[start] = Event::InlineHtml(format!("<{name}{style}>").into());
                all.push(Event::InlineHtml(format!("</{name}>").into()));
                continue;
            }
            _ => {}
        }
        all.push(event);
    }
    all
}

fn has_words(event: &Event<'_>) -> bool {
    matches!(event, Event::Text(text) | Event::Code(text) if !text.trim().is_empty())
}

/// How the cells of a column are aligned, as the rows below have it, too.
const fn style(alignment: Alignment) -> &'static str {
    match alignment {
        Alignment::None => "",
        Alignment::Left => " style=\"text-align: left\"",
        Alignment::Center => " style=\"text-align: center\"",
        Alignment::Right => " style=\"text-align: right\"",
    }
}

fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::Heading { id, classes, attrs, .. }) => Event::Start(Tag::Heading {
            level: HeadingLevel::H4,
            id,
            classes,
            attrs,
        }),
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(HeadingLevel::H4)),
        other => other,
    }
}

/// Leaves out the marks of links that lead nowhere safe; their words stay. Links do not lie in one another.
fn without_stray_links<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut strays = false;
    events.filter(move |event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            strays = !leads_somewhere_safe(dest_url);
            !strays
        }
        Event::End(TagEnd::Link) => !strays,
        _ => true,
    })
}

/// Puts no-break spaces between numbers and their units. Code stays as it is: people copy it.
fn with_units_joined<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut in_code = false;
    events.map(move |event| match event {
        Event::Text(text) if !in_code => Event::Text(joined(&text).into()),
        other => {
            match other {
                Event::Start(Tag::CodeBlock(_)) => in_code = true,
                Event::End(TagEnd::CodeBlock) => in_code = false,
                _ => {}
            }
            other
        }
    })
}

fn leads_somewhere_safe(url: &str) -> bool {
    let url = url.trim().to_ascii_lowercase();
    ["https://", "http://", "mailto:", "#"]
        .iter()
        .any(|begin| url.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_laid_out_and_nothing_is_loaded_or_run() {
        let html = to_html(
            "# Head\n\nA *word* and `code`.\n\n<script src=\"http://x\"></script>\n\n![a picture](http://x/y.png) <b>bold</b> [bad](javascript:alert(1)) [good](https://example.org)\n",
        );
        for forbidden in ["<script", "<img", "<b>", "javascript:", "<h1"] {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
        for wanted in [
            "<h4>Head</h4>",
            "<em>word</em>",
            "<code>code</code>",
            "a picture",
            "https://example.org",
            " bad ",
        ] {
            assert!(html.contains(wanted), "{wanted} not in {html}");
        }
        assert_eq!(html.matches("</a>").count(), 1, "{html}");
    }

    #[test]
    fn numbers_keep_their_units_but_code_stays_as_it_is() {
        let html = to_html("At 95 % it took 2 s.\n\n```sh\nsleep 2 s\n```\n");
        assert!(html.contains("95\u{a0}% it took 2\u{a0}s."), "{html}");
        assert!(html.contains("sleep 2 s"), "{html}");
    }

    #[test]
    fn a_corner_of_a_table_without_words_is_no_heading() {
        let html = to_html("| | one |\n|---|---|\n| a | 1 |\n");
        assert!(html.contains("<td></td><th>one</th>"), "{html}");
        // Nor is one with a style, or with what nobody sees.
        for corner in ["", "&nbsp;", "![](x)"] {
            let html = to_html(&format!(
                "| {corner} | *one* | `two` | three |\n|:--|--:|:-:|---|\n| a | 1 | 2 | 3 |\n"
            ));
            let head = html
                .split_once("<tr>")
                .and_then(|(_, rest)| rest.split_once("</tr>"))
                .unwrap()
                .0;
            let [left, right, center] =
                ["left", "right", "center"].map(|side| format!(" style=\"text-align: {side}\""));
            assert!(head.starts_with(&format!("<td{left}>")), "{head}");
            let named = format!("<th{right}><em>one</em></th><th{center}><code>two</code></th><th>three</th>");
            assert!(head.ends_with(&named), "{head}");
            let row = format!("<td{left}>a</td><td{right}>1</td><td{center}>2</td><td>3</td>");
            assert!(html.contains(&row), "{html}");
        }
    }

    #[test]
    fn each_table_has_columns_of_its_own() {
        let html = to_html("| |\n|--:|\n| 1 |\n\n| a | |\n|---|:-:|\n| 1 | 2 |\n");
        let head = "<td style=\"text-align: center\"></td>";
        assert!(html.contains(&format!("<th>a</th>{head}")), "{html}");
    }

    #[test]
    fn tables_scroll_by_themselves() {
        assert!(to_html("|a|b|\n|-|-|\n|1|2|\n").contains("<div class=\"scroll\"><table>"));
    }
}
