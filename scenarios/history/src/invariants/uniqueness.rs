//! At most one: a seat is booked once.

use super::invariant::{Invariant, Known};
use super::race::same_value_read;
use crate::judgement::{Judgement, Judging};
use crate::operation::{Completion, Operation};
use crate::record::History;

/// At most one operation on each key succeeds.
#[derive(Debug)]
pub struct Uniqueness;

impl Invariant for Uniqueness {
    fn name(&self) -> &'static str {
        "uniqueness"
    }

    fn title(&self) -> &'static str {
        "uniqueness"
    }

    fn demand(&self) -> &'static str {
        "At most one operation on each key succeeds."
    }

    fn check(&self, history: &History, _known: &Known<'_>) -> Judgement {
        uniqueness(history)
    }
}

/// Judges whether each key has at most one answered operation.
///
/// The proof is two answered operations of the key: those that looked before either had written, where their steps
/// show such a pair, else the first two in order of completion.
fn uniqueness(history: &History) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        let mut won: Vec<&Operation> = operations
            .into_iter()
            .filter(|operation| operation.outcome == Completion::Ok)
            .collect();
        if won.len() < 2 {
            continue;
        }
        won.sort_by_key(|operation| (operation.completed_ns, operation.id));
        let (pair, how) = match same_value_read(&won) {
            Some((pair, _)) => (pair, ", both of whom looked before either of them wrote"),
            None => ([won[0], won[1]], ""),
        };
        let count = won.len();
        let message = format!(
            "{key} was given {count} times, to {} and {}{how}.",
            pair[0].actor, pair[1].actor
        );
        judging.violated(key, message, &pair);
    }
    judging.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, step, with_outcome, with_steps};
    use crate::judgement::InvariantVerdict;
    use crate::operation::StepKind::{Read, Written};

    #[test]
    fn one_winner_a_seat_holds_whatever_the_others_were_told() {
        let history = History::new(vec![
            ok(1, "seat 1", 0, 10),
            with_outcome(ok(2, "seat 1", 0, 10), Completion::Fail),
            with_outcome(ok(3, "seat 1", 0, 10), Completion::Unknown),
            ok(4, "seat 2", 0, 10),
        ]);
        let judgement = uniqueness(&history);
        assert_eq!(
            (judgement.verdict, judgement.checked, judgement.unknown),
            (InvariantVerdict::Holds, 4, 1)
        );
    }

    #[test]
    fn two_winners_are_the_proof() {
        let history = History::new(vec![
            ok(1, "seat 1", 5, 30),
            ok(2, "seat 1", 0, 20),
            ok(3, "seat 1", 6, 40),
        ]);
        let judgement = uniqueness(&history);
        assert_eq!(judgement.found, 1);
        assert_eq!(judgement.violations[0].operations, [2, 1]);
        assert_eq!(
            judgement.violations[0].message,
            "seat 1 was given 3 times, to buyer-2 and buyer-1."
        );
    }

    #[test]
    fn those_who_looked_at_the_same_time_are_the_better_proof() {
        let looked = |id, from, to| {
            with_steps(
                ok(id, "seat 1", from - 1, to + 1),
                &[step(from, Read, None), step(to, Written, None)],
            )
        };
        let history = History::new(vec![looked(1, 10, 20), looked(2, 30, 50), looked(3, 40, 60)]);
        assert_eq!(uniqueness(&history).violations[0].operations, [2, 3]);
    }

    #[test]
    fn violations_beyond_the_hundredth_are_counted_but_not_kept() {
        let pair = |seat: u64| {
            [
                ok(2 * seat, &format!("seat {seat}"), 0, 1),
                ok(2 * seat + 1, &format!("seat {seat}"), 0, 1),
            ]
        };
        let judgement = uniqueness(&History::new((0..150).flat_map(pair).collect()));
        assert_eq!((judgement.found, judgement.violations.len()), (150, 100));
    }
}
