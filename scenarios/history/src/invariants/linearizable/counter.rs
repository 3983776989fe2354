//! A counter that only rises.

use contract::CountReading;
use serde_json::Value;

use super::model::{Answer, Leaves, Model, Needs, amount, answer, number, unreadable};
use super::{CONFIGURATIONS_MAX, linearizable};
use crate::invariants::invariant::{Invariant, Known};
use crate::invariants::parameter::{INITIAL, Parameter};
use crate::judgement::Judgement;
use crate::operation::Operation;
use crate::record::History;

/// A counter starts at nothing unless a scenario says otherwise.
const FROM: Parameter = Parameter {
    default: Some(0.0),
    ..INITIAL
};

/// The history is one that a single counter, asked one operation after the other, could have given.
#[derive(Debug)]
pub struct LinearizableCounter;

impl Invariant for LinearizableCounter {
    fn name(&self) -> &'static str {
        "linearizable_counter"
    }

    fn title(&self) -> &'static str {
        "linearizability"
    }

    fn demand(&self) -> &'static str {
        "The history is one that a single counter, asked one operation after the other, could have given."
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[FROM]
    }

    fn takes(&self) -> &'static str {
        "answers with a `count`, [`initial`]"
    }

    /// An increment, which answers with the new count.
    fn modelled(&self, operation: Operation, _known: &Known<'_>) -> Operation {
        Operation {
            class: "increment".to_owned(),
            input: Value::Null,
            output: CountReading::count_in(&operation.output)
                .cloned()
                .unwrap_or(Value::Null),
            ..operation
        }
    }

    fn check(&self, history: &History, known: &Known<'_>) -> Judgement {
        let counter = Counter {
            initial: FROM.whole_in(known.numbers),
        };
        linearizable(history, &counter, CONFIGURATIONS_MAX)
    }
}

/// A counter whose increments answer the new count, or nothing.
///
/// | class | input | output |
/// |---|---|---|
/// | `increment` | by how much, at least 1 (null: 1) | the new count, or null |
/// | `read` | | the count |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Where it begins.
    pub initial: i64,
}

/// One operation on a [`Counter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CounterCall {
    /// It rose by `by`; `to` is the new count, where it was told.
    Increment {
        /// At least 1.
        by: i64,
        /// The new count.
        to: Option<i64>,
    },
    /// It stood there.
    Read(i64),
}

impl Model for Counter {
    type State = i64;
    type Call = CounterCall;

    fn initial(&self) -> i64 {
        self.initial
    }

    fn call(&self, operation: &Operation, answered: bool) -> Result<Option<CounterCall>, String> {
        Ok(match (operation.class.as_str(), answer(operation, answered)) {
            (_, Answer::Nothing | Answer::Refused) => None,
            ("read", Answer::Given) => Some(CounterCall::Read(number(operation)?)),
            ("read", Answer::Open) => None,
            ("increment", Answer::Given) if !operation.output.is_null() => Some(CounterCall::Increment {
                by: amount(operation)?,
                to: Some(number(operation)?),
            }),
            ("increment", _) => Some(CounterCall::Increment {
                by: amount(operation)?,
                to: None,
            }),
            _ => return Err(unreadable(operation, "a counter knows increment and read")),
        })
    }

    fn step(&self, state: &i64, call: &CounterCall) -> Option<i64> {
        match *call {
            CounterCall::Increment { by, to } => {
                let after = state.checked_add(by)?;
                to.is_none_or(|to| to == after).then_some(after)
            }
            CounterCall::Read(value) => (*state == value).then_some(value),
        }
    }

    fn describe(&self, call: &CounterCall) -> String {
        match *call {
            CounterCall::Increment { by: 1, to: Some(to) } => format!("increment → {to}"),
            CounterCall::Increment { by: 1, to: None } => "increment".to_owned(),
            CounterCall::Increment { by, to: Some(to) } => format!("increment by {by} → {to}"),
            CounterCall::Increment { by, to: None } => format!("increment by {by}"),
            CounterCall::Read(value) => format!("read → {value}"),
        }
    }

    fn needs(&self, call: &CounterCall) -> Needs<i64> {
        match *call {
            CounterCall::Increment { by, to: Some(to) } => to.checked_sub(by).map_or(Needs::Other, Needs::Only),
            CounterCall::Increment { to: None, .. } => Needs::Other,
            CounterCall::Read(value) => Needs::Only(value),
        }
    }

    fn leaves(&self, call: &CounterCall) -> Leaves<i64> {
        match *call {
            CounterCall::Increment { to: Some(to), .. } => Leaves::Always(to),
            CounterCall::Increment { to: None, .. } => Leaves::Other,
            CounterCall::Read(_) => Leaves::Same,
        }
    }

    /// A counter never falls, and an increment leaves more than there was.
    fn never(&self, state: &i64, call: &CounterCall) -> bool {
        match *call {
            CounterCall::Increment { by, to: Some(to) } => to.saturating_sub(by) < *state,
            CounterCall::Increment { to: None, .. } => false,
            CounterCall::Read(count) => count < *state,
        }
    }

    fn forbids(&self, earlier: &CounterCall, later: &CounterCall) -> bool {
        match *earlier {
            CounterCall::Increment { to: Some(count), .. } | CounterCall::Read(count) => self.never(&count, later),
            CounterCall::Increment { to: None, .. } => false,
        }
    }
}
