//! Text from data made harmless in the languages of the reports.

use crate::text::visible;

/// For text and quoted attributes of HTML, SVG and XML. What cannot be seen is written out: XML 1.0 forbids most of it,
/// and the rest shows a text otherwise than it is.
pub(super) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No characters at all, and forbidden by XML 1.0.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// For running text and table cells of Markdown: one line, nothing of it is markup.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\n' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A text of others as a field of a CSV file: a spreadsheet must not take it for a formula, so one that begins like one is
/// marked as text (OWASP, CSV Injection).
pub(super) fn csv_text(text: &str) -> String {
    const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if text.starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// A field of a CSV file (RFC 4180).
pub(super) fn csv(text: &str) -> String {
    let text = visible(text);
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

/// A part of a file name: whatever is no letter, digit, `-` or `_` becomes `_`.
pub(super) fn file_name(text: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '_'
        }
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_data_is_markup() {
        assert_eq!(
            markup("<a href='x'>&\"\u{1}\u{202e}\u{ffff}"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{1}\\u{202e}\u{fffd}"
        );
        assert_eq!(markdown("a|b\n<b>*c*"), r"a\|b &lt;b>\*c\*");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(markdown("\u{1b}[2J"), r"\\u{1b}\[2J");
        assert_eq!(csv("\u{1b}[2J"), r"\u{1b}[2J");
        assert_eq!(csv("plain"), "plain");
        assert_eq!(file_name("../etc/passwd"), "___etc_passwd");
    }

    #[test]
    fn no_text_of_others_is_a_formula() {
        for begin in ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"] {
            let text = format!("{begin}cmd|' /C calc'!A0");
            assert_eq!(csv_text(&text), format!("'{text}"));
        }
        assert_eq!(csv_text("1=1"), "1=1");
        assert_eq!(csv_text(""), "");
    }
}
