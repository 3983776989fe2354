//! The race that is behind most violations: two operations read the same value before either of them wrote.

use std::collections::HashMap;

use crate::operation::{Operation, StepKind};

/// From an operation's last reading before its writing to that writing.
#[derive(Clone, Copy)]
struct Span<'a> {
    operation: &'a Operation,
    read: Option<i64>,
    from_ns: u64,
    to_ns: u64,
}

fn span(operation: &Operation) -> Option<Span<'_>> {
    let written = operation.steps.iter().position(|step| step.what == StepKind::Written)?;
    let read = operation.steps[..written]
        .iter()
        .rev()
        .find(|step| step.what == StepKind::Read)?;
    Some(Span {
        operation,
        read: read.value,
        from_ns: read.at_ns,
        to_ns: operation.steps[written].at_ns,
    })
}

/// The first two operations that read the same value, each before the other had written, and the value.
///
/// Sorted by the time of reading, spans of one value overlap somewhere exactly if two neighbours do.
pub(super) fn same_value_read<'a>(operations: &[&'a Operation]) -> Option<([&'a Operation; 2], Option<i64>)> {
    let mut spans: Vec<Span<'_>> = operations.iter().filter_map(|operation| span(operation)).collect();
    spans.sort_by_key(|span| (span.from_ns, span.to_ns));
    let mut last: HashMap<Option<i64>, Span<'_>> = HashMap::new();
    for next in spans {
        if let Some(before) = last.insert(next.read, next)
            && next.from_ns < before.to_ns
        {
            return Some(([before.operation, next.operation], next.read));
        }
    }
    None
}
