//! A whole history, in order of invocation.

use std::collections::BTreeMap;

use crate::operation::Operation;

/// Operations in order of their invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    operations: Vec<Operation>,
}

/// Why text is not a history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A line is not an operation.
    #[error("line {line} of the history is not an operation: {source}; each line must be one operation as JSON")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the JSON parser says.
        source: serde_json::Error,
    },
    /// Two operations have one id.
    #[error("operation {id} is in the history twice; ids must be unique, for proofs name operations by them")]
    Twice {
        /// The id.
        id: u64,
    },
}

impl History {
    /// A history of these operations, whose ids have to be unique; they are put in order of invocation.
    #[must_use]
    pub fn new(mut operations: Vec<Operation>) -> Self {
        operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
        Self { operations }
    }

    /// All operations, in order of invocation.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations of each key, in order of invocation.
    #[must_use]
    pub fn by_key(&self) -> BTreeMap<&str, Vec<&Operation>> {
        let mut keys: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
        for operation in &self.operations {
            keys.entry(&operation.key).or_default().push(operation);
        }
        keys
    }

    /// The history of one class alone.
    #[must_use]
    pub fn of_class(&self, class: &str) -> Self {
        self.only(|operation| operation.class == class)
    }

    /// The history of those operations that `keep` accepts.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Operation) -> bool) -> Self {
        let operations = self.operations.iter().filter(|operation| keep(operation));
        Self {
            operations: operations.cloned().collect(),
        }
    }

    /// Reads JSON lines, one operation a line; empty lines are passed over.
    ///
    /// # Errors
    ///
    /// When a line is not an operation, or an id is there twice.
    pub fn from_json_lines(text: &str) -> Result<Self, HistoryError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let operations = lines
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|source| HistoryError::Line {
                    line: index + 1,
                    source,
                })
            })
            .collect::<Result<Vec<Operation>, _>>()?;
        let mut ids: Vec<u64> = operations.iter().map(|operation| operation.id).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(HistoryError::Twice { id: pair[0] }),
            None => Ok(Self::new(operations)),
        }
    }

    /// Writes JSON lines, one operation a line.
    ///
    /// # Errors
    ///
    /// When an operation cannot be written as JSON.
    pub fn to_json_lines(&self) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for operation in &self.operations {
            text.push_str(&serde_json::to_string(operation)?);
            text.push('\n');
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, step};
    use crate::operation::{Completion, StepKind};
    use serde_json::json;

    #[test]
    fn operations_stand_in_order_of_invocation_and_by_key() {
        let history = History::new(vec![ok(2, "b", 50, 60), ok(1, "a", 10, 90), ok(3, "b", 20, 30)]);
        let ids: Vec<u64> = history.operations().iter().map(|operation| operation.id).collect();
        assert_eq!(ids, [1, 3, 2]);
        assert_eq!(
            history.by_key()["b"]
                .iter()
                .map(|operation| operation.id)
                .collect::<Vec<_>>(),
            [3, 2]
        );
        assert_eq!(history.only(|operation| operation.key == "a").operations().len(), 1);
    }

    #[test]
    fn json_lines_come_back_as_they_went() {
        let mut first = ok(1, "seat 7", 10, 90);
        first.instance = Some("inventory-1".to_owned());
        first.input = json!({ "quantity": 2 });
        first.output = json!(null);
        first.steps = vec![
            step(20, StepKind::DeletedForeign, None),
            step(25, StepKind::Acquired, Some(34)),
        ];
        let mut second = ok(2, "seat 7", 11, 0);
        second.completed_ns = None;
        second.outcome = Completion::Unknown;
        second.error = Some("timed out after 1 s".to_owned());
        let history = History::new(vec![first, second]);
        let text = history.to_json_lines().expect("an operation is JSON");
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains(r#""what":"deleted_foreign""#), "{text}");
        assert_eq!(History::from_json_lines(&text).expect("just written"), history);
    }

    #[test]
    fn a_broken_line_is_named() {
        let good = serde_json::to_string(&ok(1, "a", 1, 2)).expect("JSON");
        let error = History::from_json_lines(&format!("{good}\n\n{{\"id\":2}}\n")).expect_err("line 3 is incomplete");
        assert!(error.to_string().starts_with("line 3 "), "{error}");
        let error = History::from_json_lines(&format!("{good}\n{good}\n")).expect_err("the id is there twice");
        assert!(matches!(error, HistoryError::Twice { id: 1 }));
    }
}
