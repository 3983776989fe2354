//! At most once: however often a payment is tried, it is charged once.

use std::collections::{BTreeMap, BTreeSet};

use super::invariant::{Invariant, Known};
use crate::judgement::{Judgement, Judging};
use crate::operation::{Completion, Operation};
use crate::record::History;

/// Each key has its effect at most once, however often it was asked for, and once where an operation succeeded.
#[derive(Debug)]
pub struct AtMostOnce;

impl Invariant for AtMostOnce {
    fn name(&self) -> &'static str {
        "at_most_once"
    }

    fn title(&self) -> &'static str {
        "at most once"
    }

    fn demand(&self) -> &'static str {
        "Each key has its effect at most once, however often it was asked for, and once where an operation succeeded."
    }

    fn needs_quiescent(&self) -> bool {
        true
    }

    fn takes(&self) -> &'static str {
        "`at_rest`: how often it had its effect"
    }

    fn check(&self, history: &History, known: &Known<'_>) -> Judgement {
        let effects = known.quiescent.into_iter().flatten();
        let effects = effects.map(|(key, count)| (key.clone(), *count as u64));
        at_most_once(history, &effects.collect())
    }
}

/// Judges whether each key had its effect at most once, and at least once where an operation was answered.
///
/// `effects` is the number of effects that were found for each key at rest; a key that is not in it had none. All
/// operations of a key are attempts at the same thing, and all of them are the proof.
fn at_most_once(history: &History, effects: &BTreeMap<String, u64>) -> Judgement {
    let mut judging = Judging::default();
    let keys = history.by_key();
    let all: BTreeSet<&str> = keys.keys().copied().chain(effects.keys().map(String::as_str)).collect();
    for key in all {
        let operations = keys.get(key).map_or(&[][..], Vec::as_slice);
        judging.look_at(operations);
        let effects = effects.get(key).copied().unwrap_or(0);
        let answered = operations
            .iter()
            .filter(|operation| operation.outcome == Completion::Ok)
            .count();
        if effects > 1 {
            let message = format!("{key} took effect {effects} times: {}.", attempts(operations));
            judging.violated(key, message, operations);
        } else if effects == 0 && answered > 0 {
            let message = format!(
                "{key} never took effect, although it was confirmed: {}.",
                attempts(operations)
            );
            judging.violated(key, message, operations);
        }
    }
    judging.finish()
}

fn attempts(operations: &[&Operation]) -> String {
    let of = |outcome| {
        operations
            .iter()
            .filter(|operation| operation.outcome == outcome)
            .count()
    };
    let parts = [
        ("confirmed", Completion::Ok),
        ("failed", Completion::Fail),
        ("without an answer", Completion::Unknown),
    ];
    let counts = parts
        .into_iter()
        .map(|(word, outcome)| (of(outcome), word))
        .filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let word = if operations.len() == 1 { "attempt" } else { "attempts" };
    if counts.is_empty() {
        return "no attempt was recorded".to_owned();
    }
    format!("{} {word}, {}", operations.len(), counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, with_outcome};
    use crate::judgement::InvariantVerdict;

    fn judge(outcomes: &[Completion], effects: u64) -> Judgement {
        let attempt =
            |(id, outcome): (u64, &Completion)| with_outcome(ok(id, "payment 7", id * 10, id * 10 + 5), *outcome);
        let history = History::new((1..).zip(outcomes).map(attempt).collect());
        at_most_once(&history, &BTreeMap::from([("payment 7".to_owned(), effects)]))
    }

    #[test]
    fn a_retry_that_is_charged_once_holds() {
        assert_eq!(
            judge(&[Completion::Unknown, Completion::Ok], 1).verdict,
            InvariantVerdict::Holds
        );
        assert_eq!(
            judge(&[Completion::Unknown, Completion::Unknown], 0).verdict,
            InvariantVerdict::Holds
        );
        assert_eq!(judge(&[Completion::Unknown], 1).verdict, InvariantVerdict::Holds);
    }

    #[test]
    fn a_second_charge_is_proved_by_all_attempts() {
        let judgement = judge(&[Completion::Unknown, Completion::Ok], 2);
        assert_eq!(judgement.violations[0].operations, [1, 2]);
        assert_eq!(
            judgement.violations[0].message,
            "payment 7 took effect 2 times: 2 attempts, 1 confirmed, 1 without an answer."
        );
    }

    #[test]
    fn a_confirmed_payment_that_is_not_there_is_a_violation() {
        assert_eq!(judge(&[Completion::Ok], 0).verdict, InvariantVerdict::Violated);
        let nothing_found = at_most_once(&History::new(vec![ok(1, "payment 8", 0, 1)]), &BTreeMap::new());
        assert_eq!(nothing_found.verdict, InvariantVerdict::Violated);
    }

    #[test]
    fn effects_that_nobody_asked_for_twice_are_found_too() {
        let judgement = at_most_once(&History::default(), &BTreeMap::from([("payment 9".to_owned(), 3)]));
        assert_eq!(
            judgement.violations[0].message,
            "payment 9 took effect 3 times: no attempt was recorded."
        );
    }
}
