//! Lesson text (Markdown) as HTML that loads nothing and runs nothing.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Markdown as HTML: headings become smaller than the page's own, raw HTML is shown as text, pictures become their
/// description, and links lead only to the web, to mail or within the page.
pub(super) fn to_html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_SMART_PUNCTUATION;
    let mut rendered = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut rendered, Parser::new_ext(markdown, options).map(harmless));
    // Wide tables scroll by themselves, so that the page does not. A heading without words is none: a screen reader would
    // read it out.
    rendered
        .replace("<th></th>", "<td></td>")
        .replace("<table>", "<div class=\"scroll\"><table>")
        .replace("</table>", "</table></div>")
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
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let dest_url = if leads_somewhere_safe(&dest_url) {
                dest_url
            } else {
                CowStr::Borrowed("#")
            };
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            })
        }
        other => other,
    }
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
        ] {
            assert!(html.contains(wanted), "{wanted} not in {html}");
        }
    }

    #[test]
    fn a_corner_of_a_table_without_words_is_no_heading() {
        let html = to_html("| | one |\n|---|---|\n| a | 1 |\n");
        assert!(html.contains("<td></td><th>one</th>"), "{html}");
    }

    #[test]
    fn tables_scroll_by_themselves() {
        assert!(to_html("|a|b|\n|-|-|\n|1|2|\n").contains("<div class=\"scroll\"><table>"));
    }
}
