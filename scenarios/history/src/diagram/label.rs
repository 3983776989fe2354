//! What an event is called, in a few words.

use serde_json::Value;

use crate::operation::{Completion, Operation, Step, StepKind};

/// Longer ones are cut; a diagram is no log.
const LABEL_CHARS_MAX: usize = 40;

pub(super) fn invocation(operation: &Operation) -> String {
    joined(&operation.class, " ", &value(&operation.input))
}

pub(super) fn completion(operation: &Operation) -> String {
    let error = operation.error.clone().unwrap_or_default();
    match (operation.outcome, &operation.output) {
        (Completion::Ok, Value::Bool(false)) => "refused".to_owned(),
        // A whole document says too much; what it did stands in the steps.
        (Completion::Ok, Value::Object(_) | Value::Array(_)) => "ok".to_owned(),
        (Completion::Ok, output) => joined("ok", " ", &value(output)),
        (Completion::Fail, _) => joined("failed", ": ", &error),
        (Completion::Unknown, _) => joined("no answer", ": ", &error),
    }
}

pub(super) fn step(step: &Step) -> String {
    let words = match step.what {
        StepKind::Acquired => "acquired",
        StepKind::Checked => "checked",
        StepKind::Read => "read",
        StepKind::Written => "wrote",
        StepKind::Refused => "refused",
        StepKind::Released => "released",
        StepKind::NotOwner => "not the owner",
        StepKind::DeletedForeign => "deleted another's",
    };
    joined(
        words,
        " ",
        &step.value.map(|value| value.to_string()).unwrap_or_default(),
    )
}

fn joined(words: &str, separator: &str, more: &str) -> String {
    let label = if more.is_empty() {
        words.to_owned()
    } else {
        format!("{words}{separator}{more}")
    };
    cut(&label, LABEL_CHARS_MAX)
}

/// The text, or its beginning and an ellipsis.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut beginning: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    beginning.push('…');
    beginning
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let field = |(name, field): (&String, &Value)| {
                format!(
                    "{name}={}",
                    field.as_str().map_or_else(|| field.to_string(), str::to_owned)
                )
            };
            fields.iter().map(field).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
