//! Holds the histories of a turn to their laws.

use std::collections::BTreeMap;

use history::checkers::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, linearizable};
use history::checkers::{self, Stock};
use history::{Diagram, History, Judgement, Mark, Operation, Outcome, Verdict};
use serde_json::Value;

use super::marks;
use super::rest::Readings;
use super::turn::Turn;
use crate::event::{self, Judged};
use crate::format::LawKind;
use crate::plan::LawSpec;

/// The kind of answer by which a service says that too little is left.
const OUT_OF_STOCK: &str = "urn:lab:out-of-stock";
/// The field by which a counter answers.
const COUNT: &str = "count";

/// Judges every law of the arm and tells what came of it.
pub(super) fn all(turn: &mut Turn<'_>, operations: &[Operation], readings: &Readings) {
    let arm = turn.arm;
    let round = turn.bus.state().round_now();
    let marks: Vec<Mark> = round.map(marks::all).unwrap_or_default();
    for law in &arm.laws {
        let of = operations.iter().filter(|operation| operation.class == law.of).cloned();
        let history = as_the_law_sees_it(law, History::new(of.collect()));
        let judgement = judge(law, &history, readings.get(&law.of));
        let diagram = judgement.violations.first().map(|violation| {
            let resource = resource(&law.resource, &violation.key);
            Diagram::of(&history, violation, &resource).with_marks(&marks)
        });
        turn.bus.emit(event::EventKind::Judged(Box::new(Judged {
            name: law.name.clone(),
            law: law.law,
            judgement,
            diagram,
        })));
    }
}

/// What the shared thing is called: `seat 7`, `lock on product 1`.
fn resource(what: &str, key: &str) -> String {
    if key.starts_with(what) {
        key.to_owned()
    } else {
        format!("{what} {key}")
    }
}

fn judge(law: &LawSpec, history: &History, readings: Option<&BTreeMap<String, f64>>) -> Judgement {
    match (law.law, readings) {
        (LawKind::Conservation, Some(left)) => {
            let stock = |left: &f64| Stock {
                initial: law.initial,
                left: *left as i64,
            };
            let stocks = left.iter().map(|(key, left)| (key.clone(), stock(left))).collect();
            checkers::conservation(history, &stocks, |_| law.quantity)
        }
        (LawKind::AtMostOnce, Some(effects)) => {
            let counts = effects
                .iter()
                .map(|(key, count)| (key.clone(), *count as u64))
                .collect();
            checkers::at_most_once(history, &counts)
        }
        (LawKind::Conservation | LawKind::AtMostOnce, None) => undecided(history, "nothing could be read at rest"),
        (LawKind::Uniqueness, _) => checkers::uniqueness(history),
        (LawKind::MutualExclusion, _) => checkers::mutual_exclusion(history),
        (LawKind::MonotoneTokens, _) => checkers::monotone_tokens(history),
        (LawKind::LinearizableStock, _) => {
            let stock = BoundedStock { initial: law.initial };
            linearizable(history, &stock, CONFIGURATIONS_MAX)
        }
        (LawKind::LinearizableCounter, _) => {
            linearizable(history, &Counter { initial: law.initial }, CONFIGURATIONS_MAX)
        }
    }
}

fn undecided(history: &History, why: &str) -> Judgement {
    let unknown = history
        .operations()
        .iter()
        .filter(|operation| operation.outcome == Outcome::Unknown);
    Judgement {
        checked: history.operations().len() as u64,
        unknown: unknown.count() as u64,
        verdict: Verdict::Undecided(why.to_owned()),
        found: 0,
        violations: Vec::new(),
    }
}

/// The operations in the words of the law's model, where it has one.
fn as_the_law_sees_it(law: &LawSpec, history: History) -> History {
    match law.law {
        LawKind::LinearizableStock => rewritten(&history, |operation| as_purchase(operation, law.quantity)),
        LawKind::LinearizableCounter => rewritten(&history, as_increment),
        _ => history,
    }
}

/// A refusal for too little stock says something of the stock; any other refusal says nothing.
fn as_purchase(operation: &mut Operation, quantity: i64) {
    "buy".clone_into(&mut operation.class);
    operation.input = quantity.into();
    let refused = operation.output.get("type").and_then(Value::as_str) == Some(OUT_OF_STOCK);
    operation.output = if refused { Value::Bool(false) } else { Value::Null };
}

fn as_increment(operation: &mut Operation) {
    "increment".clone_into(&mut operation.class);
    operation.input = Value::Null;
    operation.output = operation.output.get(COUNT).cloned().unwrap_or(Value::Null);
}

fn rewritten(history: &History, rewrite: impl Fn(&mut Operation)) -> History {
    let mut operations = history.operations().to_vec();
    operations.iter_mut().for_each(rewrite);
    History::new(operations)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(id: u64, outcome: Outcome, output: Value) -> Operation {
        Operation {
            id,
            actor: format!("client-{id}"),
            instance: None,
            class: "any".to_owned(),
            key: "a".to_owned(),
            input: Value::Null,
            output,
            invoked_ns: 0,
            completed_ns: (outcome != Outcome::Unknown).then_some(10),
            outcome,
            error: None,
            steps: Vec::new(),
        }
    }

    fn verdict(kind: LawKind, operations: Vec<Operation>, left: Option<f64>) -> Verdict {
        let law = LawSpec {
            name: "l".to_owned(),
            law: kind,
            of: "any".to_owned(),
            resource: "thing".to_owned(),
            initial: 1,
            quantity: 1,
        };
        let history = as_the_law_sees_it(&law, History::new(operations));
        let readings = left.map(|left| BTreeMap::from([("a".to_owned(), left)]));
        judge(&law, &history, readings.as_ref()).verdict
    }

    #[test]
    fn a_law_about_what_is_left_is_open_until_somebody_has_looked() {
        let sold = || vec![operation(1, Outcome::Ok, Value::Null)];
        for kind in [LawKind::Conservation, LawKind::AtMostOnce] {
            assert!(matches!(verdict(kind, sold(), None), Verdict::Undecided(_)));
        }
        assert_eq!(verdict(LawKind::Conservation, sold(), Some(0.0)), Verdict::Holds);
        assert_eq!(verdict(LawKind::Conservation, sold(), Some(1.0)), Verdict::Violated);
        assert_eq!(verdict(LawKind::AtMostOnce, sold(), Some(1.0)), Verdict::Holds);
        assert_eq!(verdict(LawKind::AtMostOnce, sold(), Some(2.0)), Verdict::Violated);
    }

    #[test]
    fn only_a_refusal_for_too_little_stock_says_something_of_the_stock() {
        let kind = LawKind::LinearizableStock;
        let refused = |kind: &str| operation(2, Outcome::Fail, json!({ "type": kind }));
        // One piece, nobody bought it, and yet it was "sold out".
        assert_eq!(verdict(kind, vec![refused(OUT_OF_STOCK)], None), Verdict::Violated);
        assert_eq!(verdict(kind, vec![refused("urn:lab:lock-held")], None), Verdict::Holds);
        let sold = operation(1, Outcome::Ok, json!({ "id": 7 }));
        assert_eq!(verdict(kind, vec![sold, refused(OUT_OF_STOCK)], None), Verdict::Holds);
    }

    #[test]
    fn a_count_that_is_given_twice_is_no_counter_s() {
        let counted = |id, count: i64| operation(id, Outcome::Ok, json!({ "count": count, "instance": "x" }));
        let kind = LawKind::LinearizableCounter;
        assert_eq!(verdict(kind, vec![counted(1, 2), counted(2, 3)], None), Verdict::Holds);
        assert_eq!(
            verdict(kind, vec![counted(1, 2), counted(2, 2)], None),
            Verdict::Violated
        );
    }

    #[test]
    fn the_shared_thing_is_named_once() {
        assert_eq!(resource("item", "item 1"), "item 1");
        assert_eq!(resource("lock on", "product 1"), "lock on product 1");
    }
}
