//! What became of the operations of one class of clients.

use history::{Completion, Operation};
use load::Histogram;

use super::RoundState;

/// The operations of one class in one arm, over all rounds.
#[derive(Debug, Clone, Default)]
pub struct OperationTotals<'a> {
    /// All of them, in order of their ends.
    pub all: Vec<&'a Operation>,
    /// How many had their effect.
    pub ok: usize,
    /// How many certainly had none.
    pub failed: usize,
    /// Of how many nobody knows.
    pub unknown: usize,
    /// From the invocation to the answer, of those that had their effect.
    pub latency: Histogram,
}

impl<'a> OperationTotals<'a> {
    /// What became of the operations of a class in these rounds.
    pub fn of(class: &str, rounds: &'a [RoundState]) -> Self {
        let mut totals = Self::default();
        let all = rounds.iter().flat_map(|round| &round.operations);
        for operation in all.filter(|operation| operation.class == class) {
            totals.all.push(operation);
            match operation.outcome {
                Completion::Ok => totals.ok += 1,
                Completion::Fail => totals.failed += 1,
                Completion::Unknown => totals.unknown += 1,
            }
            totals.latency.record_effect(operation);
        }
        totals
    }
}

/// Latencies of what clients of all classes did with success.
pub fn effects(round: &RoundState) -> Histogram {
    let mut latency = Histogram::new();
    for operation in &round.operations {
        latency.record_effect(operation);
    }
    latency
}

trait RecordEffect {
    /// Counts how long an operation took, if it had its effect.
    fn record_effect(&mut self, operation: &Operation);
}

impl RecordEffect for Histogram {
    fn record_effect(&mut self, operation: &Operation) {
        if let (Completion::Ok, Some(completed_ns)) = (operation.outcome, operation.completed_ns) {
            self.record_ns(completed_ns.saturating_sub(operation.invoked_ns));
        }
    }
}
