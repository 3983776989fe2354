//! What must hold of every text, list and table of a scenario file, whatever it is for: nothing hidden in texts, and sizes
//! that are those of a file that somebody writes.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;

/// The longest text, in bytes. A body of a request may be as long.
const TEXT_MAX: usize = 16 * 1024;
/// The longest name of a key or a parameter, in bytes.
const KEY_MAX: usize = 100;
/// The keys whose texts may have more than one line: a body, and an answer to a guess, which is shown as one paragraph.
const OF_MANY_LINES: [&str; 2] = ["json", "answer"];
/// The most values of a list, such as times.
const LIST_MAX: usize = 1_000;
/// The most tables of a kind, such as arms, and the most keys of one.
const TABLES_MAX: usize = 100;

/// Whether a character changes what a terminal or a reader shows of the others: control characters except for line breaks
/// and tabs, direction marks and overrides (<https://trojansource.codes>), and what has no width.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

/// The place of the first hidden character of a text, in bytes. A carriage return at the end of a line is not hidden.
pub(crate) fn first_hidden(text: &str) -> Option<(usize, char)> {
    let ends_a_line = |at: usize, character| character == '\r' && text[at + 1..].starts_with('\n');
    text.char_indices()
        .find(|(at, character)| is_hidden(*character) && !ends_a_line(*at, *character))
}

/// All problems of a file's texts, lists and tables.
pub(super) fn problems(table: &DeTable<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    of_table(table, 0..0, &mut problems);
    problems
}

fn of_table(table: &DeTable<'_>, span: Range<usize>, problems: &mut Vec<Problem>) {
    too_many(table.len(), TABLES_MAX, "keys", span, problems);
    for (key, value) in table {
        of_text(key.get_ref(), key.span(), KEY_MAX, problems);
        if let (DeValue::String(text), true) = (value.get_ref(), !OF_MANY_LINES.contains(&key.get_ref().as_ref())) {
            one_line(text, value.span(), problems);
        }
        of_value(value, problems);
    }
}

fn of_value(value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) {
    match value.get_ref() {
        DeValue::String(text) => of_text(text, value.span(), TEXT_MAX, problems),
        DeValue::Table(table) => of_table(table, value.span(), problems),
        DeValue::Array(list) => {
            let tables = list.iter().any(|item| item.get_ref().is_table());
            let (max, what) = if tables {
                (TABLES_MAX, "tables of a kind")
            } else {
                (LIST_MAX, "values")
            };
            too_many(list.len(), max, what, value.span(), problems);
            for item in list.iter() {
                of_value(item, problems);
            }
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn of_text(text: &str, span: Range<usize>, max: usize, problems: &mut Vec<Problem>) {
    if let Some((_, character)) = first_hidden(text) {
        problems.push(Problem::hidden(span.clone(), character));
    }
    if text.len() > max {
        problems.push(Problem::at(
            span,
            format!("the text is {} bytes long; at most {max} are read here", text.len()),
        ));
    }
}

/// A line break in a title, say, would let a scenario write lines that look like the lab's own.
fn one_line(text: &str, span: Range<usize>, problems: &mut Vec<Problem>) {
    if text.contains('\n') {
        problems.push(Problem::at(span, "the text holds a line break").hint("write it in one line"));
    }
}

fn too_many(count: usize, max: usize, what: &str, span: Range<usize>, problems: &mut Vec<Problem>) {
    if count > max {
        problems.push(Problem::at(
            span,
            format!("{count} {what}; at most {max} are read here"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let table = DeTable::parse(text).unwrap();
        problems(table.get_ref())
            .into_iter()
            .map(|problem| format!("{:?}: {}", problem.span.unwrap(), problem.message))
            .collect()
    }

    #[test]
    fn hidden_characters_are_found_in_texts_and_keys_wherever_they_stand_and_named() {
        for hidden in [
            "\\u001b[2J",
            "\\u009b1m",
            "\\u202e",
            "\\u2066",
            "\\u200b",
            "\\u007f",
            "\\r",
            "\\u0000",
        ] {
            let said = said(&format!("[[arm]]\nname = \"one\"\nenv = {{ A = \"x{hidden}\" }}"));
            assert_eq!(said.len(), 1, "{hidden}: {said:?}");
            assert!(said[0].contains("hidden character U+"), "{said:?}");
            assert!(!said[0].chars().any(is_hidden), "{said:?}");
        }
        assert_eq!(said("\"a\\u0007\" = 1").len(), 1);
        assert!(said("a = \"ü → 中 🎈 \\t\"\njson = '''x\r\ny'''\nanswer = \"x\\ny\"").is_empty());
        assert!(said("title = \"one\\nPASS two\"")[0].contains("line break"));
    }

    #[test]
    fn sizes_are_bounded_where_they_stand() {
        let list = |count: usize| format!("a = [{}]", "1,".repeat(count));
        assert!(said(&list(LIST_MAX)).is_empty());
        assert_eq!(said(&list(LIST_MAX + 1)).len(), 1);
        assert_eq!(said(&"[[arm]]\n".repeat(TABLES_MAX + 1)).len(), 1);
        assert_eq!(said(&format!("{} = 1", "k".repeat(KEY_MAX + 1))).len(), 1);
        assert_eq!(said(&format!("a = \"{}\"", "k".repeat(TEXT_MAX + 1))).len(), 1);
        let keys: String = (0..=TABLES_MAX).map(|key| format!("k{key} = 1\n")).collect();
        assert_eq!(said(&keys).len(), 1);
    }
}
