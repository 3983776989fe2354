//! Nothing is made and nothing is lost: `sold + left = initial`, and never less than nothing is left.

use std::collections::BTreeMap;

use super::invariant::{Invariant, Known};
use super::parameter::{INITIAL, Parameter, QUANTITY};
use super::race::same_value_read;
use crate::judgement::{Judgement, Judging, PROOF_MAX};
use crate::operation::{Completion, Operation};
use crate::record::History;

/// What was taken and what is left add up to what there was, and nothing is below zero.
#[derive(Debug)]
pub struct Conservation;

impl Invariant for Conservation {
    fn name(&self) -> &'static str {
        "conservation"
    }

    fn title(&self) -> &'static str {
        "conservation"
    }

    fn demand(&self) -> &'static str {
        "What was taken and what is left add up to what there was, and nothing is below zero."
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[INITIAL, QUANTITY]
    }

    fn needs_quiescent(&self) -> bool {
        true
    }

    fn takes(&self) -> &'static str {
        "`initial`, `at_rest`, [`quantity`: how much each operation takes, 1 unless stated]"
    }

    fn check(&self, history: &History, known: &Known<'_>) -> Judgement {
        let stock = |left: f64| Stock {
            initial: INITIAL.whole_in(known.numbers),
            left: left as i64,
        };
        let left = known.quiescent.into_iter().flatten();
        let stocks = left.map(|(key, left)| (key.clone(), stock(*left))).collect();
        conservation(history, &stocks, |_| QUANTITY.whole_in(known.numbers))
    }
}

/// What a key had and has, in pieces (or cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stock {
    /// Before the first operation.
    initial: i64,
    /// Read at rest, after the last operation.
    left: i64,
}

/// Judges whether each key's stock is conserved. `quantity` says how much an operation takes, at least 0.
///
/// What was sold lies between the sum of the answered operations and that sum plus all unknown ones, so only a value
/// outside of that range is a violation: a law that can hold through unknown operations holds. A key whose final state
/// is not in `stocks` cannot be judged.
///
/// The proof is the pair of answered operations that read the same value before either wrote, where their steps show
/// one; else the answered operations, in order of completion, up to the one that passes what the final state allows.
fn conservation(
    history: &History,
    stocks: &BTreeMap<String, Stock>,
    quantity: impl Fn(&Operation) -> i64,
) -> Judgement {
    let mut judging = Judging::default();
    let keys = history.by_key();
    for (key, operations) in &keys {
        judging.look_at(operations);
        if !stocks.contains_key(*key) {
            judging.undecided(format!(
                "what is left of {key} was not read at rest, so its sum cannot be made"
            ));
        }
    }
    for (key, stock) in stocks {
        let operations = keys.get(key.as_str()).map_or(&[][..], Vec::as_slice);
        judge_key(&mut judging, key, operations, *stock, &quantity);
    }
    judging.finish()
}

fn judge_key(
    judging: &mut Judging,
    key: &str,
    operations: &[&Operation],
    stock: Stock,
    quantity: &impl Fn(&Operation) -> i64,
) {
    let of = |outcome: Completion| {
        operations
            .iter()
            .copied()
            .filter(move |operation| operation.outcome == outcome)
    };
    let sold: i64 = of(Completion::Ok).map(quantity).sum();
    let perhaps: i64 = of(Completion::Unknown).map(quantity).sum();
    let Stock { initial, left } = stock;
    let gone = initial - left;
    if sold > gone {
        let confirmed: Vec<&Operation> = of(Completion::Ok).collect();
        let (proof, how) = overselling(key, &confirmed, gone, quantity);
        let sum = format!(
            "{sold} sold + {left} left = {}, but {initial} were there{how}",
            sold + left
        );
        judging.violated(key, format!("{key}: {sum}."), &proof);
    } else if gone > sold + perhaps {
        let proof: Vec<&Operation> = of(Completion::Ok).chain(of(Completion::Unknown)).collect();
        let known = if perhaps == 0 {
            String::new()
        } else {
            format!(" and at most {perhaps} more of unknown outcome")
        };
        let missing = gone - sold - perhaps;
        judging.violated(
            key,
            format!("{key}: {gone} of {initial} are gone, but only {sold} were sold{known}: {missing} vanished."),
            &proof,
        );
    } else if left < 0 {
        let proof: Vec<&Operation> = of(Completion::Ok).collect();
        judging.violated(
            key,
            format!("{key}: {left} are left after {sold} of {initial} were sold."),
            &proof,
        );
    }
}

/// The proof that more was sold than is gone, and how it came about.
fn overselling<'a>(
    key: &str,
    confirmed: &[&'a Operation],
    gone: i64,
    quantity: &impl Fn(&Operation) -> i64,
) -> (Vec<&'a Operation>, String) {
    if let Some((pair, value)) = same_value_read(confirmed) {
        let read = value.map_or_else(|| key.to_owned(), |value| value.to_string());
        let how = format!(
            ": {} and {} both read {read} before either of them wrote",
            pair[0].actor, pair[1].actor
        );
        return (pair.to_vec(), how);
    }
    let mut ordered = confirmed.to_vec();
    ordered.sort_by_key(|operation| (operation.completed_ns, operation.id));
    let mut sum = 0;
    let enough = ordered.iter().position(|operation| {
        sum += quantity(operation);
        sum > gone
    });
    let proof = &ordered[..enough.map_or(ordered.len(), |last| last + 1)];
    (proof[proof.len().saturating_sub(PROOF_MAX)..].to_vec(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, step, with_outcome, with_steps};
    use crate::judgement::InvariantVerdict;
    use crate::operation::StepKind::{Read, Written};
    use proptest::prelude::*;

    fn judge(operations: Vec<Operation>, initial: i64, left: i64) -> Judgement {
        let stocks = BTreeMap::from([("product 1".to_owned(), Stock { initial, left })]);
        conservation(&History::new(operations), &stocks, |_| 1)
    }

    fn buy(id: u64, outcome: Completion) -> Operation {
        with_outcome(ok(id, "product 1", id * 10, id * 10 + 25), outcome)
    }

    #[test]
    fn a_right_sum_holds() {
        let judgement = judge(
            vec![buy(1, Completion::Ok), buy(2, Completion::Fail), buy(3, Completion::Ok)],
            5,
            3,
        );
        assert_eq!(
            (judgement.verdict, judgement.checked, judgement.found),
            (InvariantVerdict::Holds, 3, 0)
        );
    }

    #[test]
    fn overselling_is_proved_by_the_two_that_read_the_same_value() {
        let racing = |id, from, to| {
            let steps = [step(from, Read, Some(1)), step(to, Written, Some(0))];
            with_steps(buy(id, Completion::Ok), &steps)
        };
        let operations = vec![buy(1, Completion::Ok), racing(2, 25, 40), racing(3, 35, 50)];
        let judgement = judge(operations, 1, 0);
        assert_eq!(judgement.verdict, InvariantVerdict::Violated);
        assert_eq!(judgement.violations[0].operations, [2, 3]);
        assert_eq!(
            judgement.violations[0].message,
            "product 1: 3 sold + 0 left = 3, but 1 were there: buyer-2 and buyer-3 both read 1 before either of them \
             wrote."
        );
    }

    #[test]
    fn a_reading_after_the_others_writing_is_no_race() {
        let serial = |id, from, to| {
            with_steps(
                buy(id, Completion::Ok),
                &[step(from, Read, Some(1)), step(to, Written, Some(0))],
            )
        };
        let judgement = judge(vec![serial(1, 10, 20), serial(2, 20, 30), buy(3, Completion::Ok)], 1, 0);
        assert_eq!(
            judgement.violations[0].operations,
            [1, 2],
            "the first two already pass what was there"
        );
    }

    #[test]
    fn a_lost_update_is_found_although_nothing_was_oversold() {
        let judgement = judge(vec![buy(1, Completion::Ok), buy(2, Completion::Ok)], 10, 9);
        assert_eq!(
            judgement.violations[0].message,
            "product 1: 2 sold + 9 left = 11, but 10 were there."
        );
        assert_eq!(judgement.violations[0].operations, [1, 2]);
    }

    #[test]
    fn unknown_operations_may_have_sold_or_not() {
        let operations = || {
            vec![
                buy(1, Completion::Ok),
                buy(2, Completion::Unknown),
                buy(3, Completion::Unknown),
            ]
        };
        for left in [7, 8, 9] {
            assert_eq!(
                judge(operations(), 10, left).verdict,
                InvariantVerdict::Holds,
                "{left} left"
            );
        }
        for left in [6, 10] {
            assert_eq!(
                judge(operations(), 10, left).verdict,
                InvariantVerdict::Violated,
                "{left} left"
            );
        }
        assert_eq!(judge(operations(), 10, 8).unknown, 2);
    }

    #[test]
    fn less_than_nothing_is_never_left() {
        let judgement = judge(vec![buy(1, Completion::Ok), buy(2, Completion::Ok)], 1, -1);
        assert_eq!(
            judgement.violations[0].message,
            "product 1: -1 are left after 2 of 1 were sold."
        );
    }

    #[test]
    fn a_stock_that_nobody_bought_from_is_judged_too_and_one_that_nobody_read_cannot_be() {
        assert_eq!(judge(Vec::new(), 3, 2).verdict, InvariantVerdict::Violated);
        let unread = conservation(&History::new(vec![buy(1, Completion::Ok)]), &BTreeMap::new(), |_| 1);
        assert!(matches!(unread.verdict, InvariantVerdict::Undecided(_)));
    }

    fn any_outcome() -> impl Strategy<Value = Completion> {
        prop::sample::select(vec![Completion::Ok, Completion::Fail, Completion::Unknown])
    }

    proptest! {
        /// The oracle tries every choice of unknown purchases that took place.
        #[test]
        fn holds_exactly_if_some_choice_of_unknown_effects_explains_the_sum(
            outcomes in prop::collection::vec(any_outcome(), 0..7),
            initial in 0_i64..5,
            left in -2_i64..6,
        ) {
            let operations: Vec<_> = (1..).zip(&outcomes).map(|(id, outcome)| buy(id, *outcome)).collect();
            let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count() as i64;
            let explained = (0..=count(Completion::Unknown)).any(|more| count(Completion::Ok) + more + left == initial);
            let holds = judge(operations, initial, left).verdict == InvariantVerdict::Holds;
            prop_assert_eq!(holds, explained && left >= 0);
        }
    }
}
