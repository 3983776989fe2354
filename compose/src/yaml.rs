//! Writing YAML. What is written is plain data, so a small part of the language does.

use std::fmt::Write;

use serde_json::Value;

/// A value as a YAML document in block style; keys are in alphabetical order.
pub(crate) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if members.is_empty() => text.push_str("{}\n"),
        Value::Array(items) if items.is_empty() => text.push_str("[]\n"),
        _ => block(&mut text, value, 0),
    }
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let _ = write!(text, "{indent}{}:", scalar(&Value::String(key.clone())));
                nested(text, member, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(text, "{indent}-");
                match item {
                    Value::Object(members) if !members.is_empty() => {
                        let mut inner = String::new();
                        block(&mut inner, item, depth + 1);
                        // The first member stands on the line of the dash.
                        let _ = write!(text, " {}", inner.trim_start());
                    }
                    _ => nested(text, item, depth + 1),
                }
            }
        }
        _ => {
            let _ = writeln!(text, "{indent}{}", scalar(value));
        }
    }
}

/// What follows a key or a dash.
fn nested(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if members.is_empty() => text.push_str(" {}\n"),
        Value::Array(items) if items.is_empty() => text.push_str(" []\n"),
        Value::Object(_) | Value::Array(_) => {
            text.push('\n');
            block(text, value, depth);
        }
        Value::String(lines) if is_block(lines) => {
            text.push_str(" |\n");
            for line in lines.lines() {
                let _ = writeln!(text, "{}{line}", "  ".repeat(depth));
            }
        }
        _ => {
            let _ = writeln!(text, " {}", scalar(value));
        }
    }
}

/// Text without quotes only where nobody could take it for something else.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // A string of JSON is one of YAML too.
        other => other.to_string(),
    }
}

/// Whether text of several lines can be written as it stands: indentation and the end of a block say nothing else then.
fn is_block(text: &str) -> bool {
    let plain =
        |line: &str| !line.is_empty() && !line.starts_with(char::is_whitespace) && !line.contains(char::is_control);
    text.ends_with('\n') && text.lines().all(plain)
}

fn is_plain(text: &str) -> bool {
    const OTHER_TYPES: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "y"];
    let word = |char: char| char.is_ascii_alphanumeric() || "-_./".contains(char);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(word)
        && !OTHER_TYPES.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_data_is_written_in_blocks() {
        let value = json!({
            "a": [{ "x": 1, "z": ["p", {}] }, []],
            "b": { "port": "8080", "script": "one\ntwo\n" },
            "c": {},
        });
        let expected = "a:\n  - x: 1\n    z:\n      - p\n      - {}\n  - []\nb:\n  port: \"8080\"\n  script: |\n    one\n    two\nc: {}\n";
        assert_eq!(document(&value), expected);
    }

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~äß]{0,12}".prop_map(Value::from),
            Just(json!("no")),
            Just(json!("1e3")),
            Just(json!("two\nlines\n")),
            Just(json!("\n indented\n\nand ended without")),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z. :#]{1,6}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_by_others(value in data()) {
            let read: Value = serde_yaml_ng::from_str(&document(&value)).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
