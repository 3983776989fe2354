//! Texts as a terminal may show them: nothing in them is a command to it, and everything is in its own characters.
//!
//! Scenarios, recordings, logs, metrics and answers come from others. An escape sequence in them could clear the screen,
//! change the title or pretend a verdict. What cannot be seen is therefore written out, such as `\u{1b}`.

use std::borrow::Cow;
use std::sync::OnceLock;

use scenarios::format::is_hidden;

/// Marks of colour, as this program writes them itself: `ESC [ … m`.
const COLOR: &str = "\u{1b}[";

/// A text as it may be shown. With `colored`, marks of colour stay marks; with `ascii`, nothing lies beyond ASCII.
pub fn shown(text: &str, colored: bool, ascii: bool) -> Cow<'_, str> {
    let text = if colored { between_colors(text) } else { visible(text) };
    if ascii && !text.is_ascii() {
        Cow::Owned(to_ascii(&text))
    } else {
        text
    }
}

/// A text of others with everything written out that cannot be seen; line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    Cow::Owned(visible)
}

/// A document in JSON with everything escaped that cannot be seen: it stands in strings only. JSON itself asks for that
/// below the blank; the rest would reach a terminal as it is.
pub fn json(document: &str) -> Cow<'_, str> {
    if !document.chars().any(is_hidden) {
        return Cow::Borrowed(document);
    }
    let mut escaped = String::with_capacity(document.len() + 16);
    for character in document.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// A document of others with all of its texts made visible.
pub fn visible_document(document: &mut serde_json::Value) {
    use serde_json::Value;
    match document {
        Value::String(text) => {
            if let Cow::Owned(visible) = visible(text) {
                *text = visible;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(visible_document),
        Value::Object(members) => {
            let names: Vec<String> = members
                .keys()
                .filter(|name| name.chars().any(is_hidden))
                .cloned()
                .collect();
            for name in names {
                if let Some(member) = members.remove(&name) {
                    members.insert(visible(&name).into_owned(), member);
                }
            }
            members.values_mut().for_each(visible_document);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Makes visible what stands between marks of colour.
fn between_colors(text: &str) -> Cow<'_, str> {
    if !text.contains(COLOR) {
        return visible(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(COLOR) {
        let (before, mark) = rest.split_at(at);
        shown.push_str(&visible(before));
        let length = length_of_color(mark).unwrap_or(0);
        if length == 0 {
            shown.push_str(&visible(COLOR));
            rest = &mark[COLOR.len()..];
        } else {
            shown.push_str(&mark[..length]);
            rest = &mark[length..];
        }
    }
    shown.push_str(&visible(rest));
    Cow::Owned(shown)
}

/// Bytes of the mark of colour that a text begins with, if it is one.
fn length_of_color(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix(COLOR)?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    parameters[end..].starts_with('m').then_some(COLOR.len() + end + 1)
}

/// Whether texts for people keep to ASCII: `LAB_ASCII` says so, or the locale is not a UTF-8 one. Where no locale is set,
/// a terminal is taken at its word, as the C library does; a pipe or a file gets UTF-8.
pub fn ascii() -> bool {
    static ASCII: OnceLock<bool> = OnceLock::new();
    *ASCII.get_or_init(|| {
        let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        is_ascii(variable, std::io::IsTerminal::is_terminal(&std::io::stdout()))
    })
}

fn is_ascii(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("LAB_ASCII").is_some() {
        return true;
    }
    // As the C library decides: the first of these that is set.
    match ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set) {
        Some(locale) => {
            let locale = locale.to_ascii_uppercase();
            !locale.contains("UTF-8") && !locale.contains("UTF8")
        }
        None => terminal,
    }
}

/// Makes a text ASCII: what has a likeness gets it, the rest becomes `?`.
pub fn to_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            c if c.is_ascii() => ascii.push(c),
            other => ascii.push_str(likeness(other)),
        }
    }
    ascii
}

fn likeness(character: char) -> &'static str {
    match character {
        '·' | '•' | '–' | '—' | '─' | '━' | '╸' | '−' | '‐' | '‑' => "-",
        '═' => "=",
        '→' | '▶' => ">",
        '←' | '◀' => "<",
        '↑' | '▲' => "^",
        '↓' | '▼' => "v",
        '…' => "...",
        '×' | '✗' => "x",
        'µ' | 'μ' => "u",
        '✓' => "+",
        '≤' => "<=",
        '≥' => ">=",
        '≈' => "~",
        '’' | '‘' => "'",
        '“' | '”' | '„' => "\"",
        '│' | '┊' | '║' => "|",
        '┼' | '├' | '┤' | '└' | '┘' | '┌' | '┐' | '┴' | '┬' => "+",
        '█' | '■' | '▓' => "#",
        '░' | '▒' => ":",
        '●' | '○' => "o",
        '\u{a0}' | '\u{202f}' | '\u{2009}' => " ",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        let evil = "a\u{1b}]0;title\u{7}\u{1b}[2J\r\u{8}\u{9b}31m\u{7f}\u{202e}b\n\tc";
        let expected = "a\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{d}\\u{8}\\u{9b}31m\\u{7f}\\u{202e}b\n\tc";
        assert_eq!(visible(evil), expected);
        assert_eq!(shown(evil, true, false), expected);
        assert_eq!(visible("plain · text"), "plain · text");
    }

    #[test]
    fn marks_of_colour_stay_only_where_there_is_colour() {
        let red = "\u{1b}[31;1mFAIL\u{1b}[0m";
        assert_eq!(shown(red, true, false), red);
        assert_eq!(shown(red, false, false), "\\u{1b}[31;1mFAIL\\u{1b}[0m");
        assert_eq!(
            shown("\u{1b}[31\u{1b}[31mx\u{1b}[", true, false),
            "\\u{1b}[31\u{1b}[31mx\\u{1b}["
        );
    }

    #[test]
    fn the_locale_decides_on_ascii() {
        let decided = |variables: &[(&str, &str)], terminal| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            is_ascii(variable, terminal)
        };
        assert!(decided(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], false));
        assert!(decided(&[("LANG", "de_DE.ISO-8859-1")], false));
        assert!(decided(&[("LANG", "C.UTF-8"), ("LAB_ASCII", "1")], false));
        assert!(!decided(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")], true));
        assert!(decided(&[], true) && !decided(&[], false));
    }

    #[test]
    fn a_document_says_the_same_without_anything_hidden() {
        let mut document = serde_json::json!({"a\u{9b}": ["\u{1b}[2J", 1.5], "b": {"c": "\u{e0041}\u{7f}\n"}});
        let escaped = json(&document.to_string()).into_owned();
        assert!(!escaped.chars().any(is_hidden), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), document);
        visible_document(&mut document);
        let visible = serde_json::json!({"a\\u{9b}": ["\\u{1b}[2J", 1.5], "b": {"c": "\\u{e0041}\\u{7f}\n"}});
        assert_eq!(document, visible);
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_commands_a_terminal(text in any::<String>(), colored: bool, ascii: bool) {
            let shown = shown(&text, colored, ascii).into_owned();
            prop_assert!(!ascii || shown.is_ascii());
            let colorless = console::strip_ansi_codes(&shown);
            prop_assert!(!colorless.chars().any(is_hidden), "{shown:?}");
            prop_assert!(colored || colorless == shown);
        }

        #[test]
        fn what_is_shown_is_shown_the_same_again(text in any::<String>()) {
            let once = visible(&text).into_owned();
            prop_assert_eq!(visible(&once), once.clone());
        }
    }
}
