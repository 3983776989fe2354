//! Operations for the tests of the checkers.

use serde_json::Value;

use crate::operation::{Completion, Operation, Step, StepKind};

/// An operation of `buyer-<id>` that was answered.
pub(crate) fn ok(id: u64, key: &str, invoked_ns: u64, completed_ns: u64) -> Operation {
    Operation {
        id,
        actor: format!("buyer-{id}"),
        instance: None,
        class: "buy".to_owned(),
        key: key.to_owned(),
        input: Value::Null,
        output: Value::Null,
        invoked_ns,
        completed_ns: Some(completed_ns),
        outcome: Completion::Ok,
        error: None,
        steps: Vec::new(),
    }
}

/// The same with another outcome.
pub(crate) fn with_outcome(mut operation: Operation, outcome: Completion) -> Operation {
    operation.outcome = outcome;
    operation
}

/// The same with steps.
pub(crate) fn with_steps(mut operation: Operation, steps: &[Step]) -> Operation {
    operation.steps = steps.to_vec();
    operation
}

/// One step.
pub(crate) fn step(at_ns: u64, what: StepKind, value: Option<i64>) -> Step {
    Step { at_ns, what, value }
}
