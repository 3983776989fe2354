//! Holds the histories of a turn to their laws.

use std::collections::BTreeMap;

use history::checkers::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, linearizable};
use history::checkers::{self, Stock};
use history::{Diagram, EventKind, History, Judgement, Mark, Operation, Outcome, Verdict};
use serde_json::Value;

use super::rest::Readings;
use super::turn::Turn;
use crate::event::{self, Judged};
use crate::format::LawKind;
use crate::plan::LawSpec;
use crate::state::ActionMark;

/// The kind of answer by which a service says that too little is left.
const OUT_OF_STOCK: &str = "urn:lab:out-of-stock";
/// The field by which a counter answers.
const COUNT: &str = "count";

/// Judges every law of the arm and tells what came of it.
pub(super) fn all(turn: &mut Turn<'_>, operations: &[Operation], readings: &Readings) {
    let arm = turn.arm;
    let actions = turn.bus.state().round_now().map(|round| round.actions.as_slice());
    let marks: Vec<Mark> = actions.unwrap_or_default().iter().map(mark).collect();
    for law in &arm.laws {
        let of = operations.iter().filter(|operation| operation.class == law.of).cloned();
        let history = History::new(of.collect());
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

/// What was done to an instance meanwhile, for the picture: `pause inventory-1`.
fn mark(action: &ActionMark) -> Mark {
    let target = action.words.split(' ').nth(1).unwrap_or_default();
    // A process goes on as soon as it is told to, and stands still once it is known to.
    let (kind, at_s) = if action.words.starts_with("resume") || action.words.starts_with("restart") {
        (EventKind::Resume, action.began_s)
    } else {
        (EventKind::Pause, action.at_s)
    };
    Mark {
        at_ns: (at_s * 1e9) as u64,
        actor_or_instance: target.to_owned(),
        kind,
        label: action.words.clone(),
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
            linearizable(&as_purchases(history, law.quantity), &stock, CONFIGURATIONS_MAX)
        }
        (LawKind::LinearizableCounter, _) => linearizable(
            &as_increments(history),
            &Counter { initial: law.initial },
            CONFIGURATIONS_MAX,
        ),
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

/// The operations as purchases from a stock. A refusal for too little stock says something of the stock; any other
/// refusal says nothing.
fn as_purchases(history: &History, quantity: i64) -> History {
    rewritten(history, |operation| {
        "buy".clone_into(&mut operation.class);
        operation.input = quantity.into();
        let refused = operation.output.get("type").and_then(Value::as_str) == Some(OUT_OF_STOCK);
        operation.output = if refused { Value::Bool(false) } else { Value::Null };
    })
}

/// The operations as increments of a counter.
fn as_increments(history: &History) -> History {
    rewritten(history, |operation| {
        "increment".clone_into(&mut operation.class);
        operation.input = Value::Null;
        operation.output = operation.output.get(COUNT).cloned().unwrap_or(Value::Null);
    })
}

fn rewritten(history: &History, rewrite: impl Fn(&mut Operation)) -> History {
    let mut operations = history.operations().to_vec();
    operations.iter_mut().for_each(rewrite);
    History::new(operations)
}
