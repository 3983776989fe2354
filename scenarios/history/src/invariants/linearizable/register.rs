//! A register: read, write, compare-and-set.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Answer, Leaves, Model, Needs, answer, unreadable};
use crate::operation::Operation;

/// A register that holds a number or nothing.
///
/// | class | input | output |
/// |---|---|---|
/// | `read` | | the number, or null for nothing |
/// | `write` | the number, or null | |
/// | `cas` | `{"from": 1, "to": 2}` | `false` where the register held something else |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// What it holds at first.
    pub initial: Option<i64>,
}

/// One operation on a [`Register`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterCall {
    /// It held this.
    Read(Option<i64>),
    /// It holds this now.
    Write(Option<i64>),
    /// It held the first and holds the second now.
    Cas(Option<i64>, Option<i64>),
    /// It did not hold this.
    CasRefused(Option<i64>),
}

impl Model for Register {
    type State = Option<i64>;
    type Call = RegisterCall;

    fn initial(&self) -> Self::State {
        self.initial
    }

    fn call(&self, operation: &Operation, answered: bool) -> Result<Option<RegisterCall>, String> {
        let answer = answer(operation, answered);
        if matches!(answer, Answer::Nothing) {
            return Ok(None);
        }
        let value = |value: &Value| match value {
            Value::Null => Ok(None),
            other => other
                .as_i64()
                .map(Some)
                .ok_or_else(|| unreadable(operation, "a register holds whole numbers")),
        };
        Ok(match (operation.class.as_str(), answer) {
            ("read", Answer::Given) => Some(RegisterCall::Read(value(&operation.output)?)),
            // A reading without an answer says nothing.
            ("read", _) => None,
            ("write", Answer::Given | Answer::Open) => Some(RegisterCall::Write(value(&operation.input)?)),
            ("write", _) => None,
            ("cas", answer) => {
                let part = |name: &str| value(operation.input.get(name).unwrap_or(&Value::Null));
                match answer {
                    Answer::Refused => Some(RegisterCall::CasRefused(part("from")?)),
                    // Where it finds something else it has no effect, which is as if it never took place.
                    _ => Some(RegisterCall::Cas(part("from")?, part("to")?)),
                }
            }
            _ => return Err(unreadable(operation, "a register knows read, write and cas")),
        })
    }

    fn step(&self, state: &Self::State, call: &RegisterCall) -> Option<Self::State> {
        match *call {
            RegisterCall::Read(value) => (*state == value).then_some(value),
            RegisterCall::Write(value) => Some(value),
            RegisterCall::Cas(from, to) => (*state == from).then_some(to),
            RegisterCall::CasRefused(from) => (*state != from).then_some(*state),
        }
    }

    fn describe(&self, call: &RegisterCall) -> String {
        let text = |value: Option<i64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
        match *call {
            RegisterCall::Read(value) => format!("read → {}", text(value)),
            RegisterCall::Write(value) => format!("write {}", text(value)),
            RegisterCall::Cas(from, to) => format!("cas {} → {}", text(from), text(to)),
            RegisterCall::CasRefused(from) => format!("cas from {} refused", text(from)),
        }
    }

    fn needs(&self, call: &RegisterCall) -> Needs<Self::State> {
        match *call {
            RegisterCall::Write(_) => Needs::Any,
            RegisterCall::Read(value) | RegisterCall::Cas(value, _) => Needs::Only(value),
            RegisterCall::CasRefused(_) => Needs::Other,
        }
    }

    fn leaves(&self, call: &RegisterCall) -> Leaves<Self::State> {
        match *call {
            RegisterCall::Write(value) | RegisterCall::Cas(_, value) => Leaves::Always(value),
            RegisterCall::Read(_) | RegisterCall::CasRefused(_) => Leaves::Same,
        }
    }

    /// What some call needs, and one value that none of them knows: it can neither be read nor swapped, and refuses
    /// every swap.
    fn beginnings(&self, calls: &[&RegisterCall]) -> Option<Vec<Self::State>> {
        let known: BTreeSet<Option<i64>> = calls
            .iter()
            .map(|call| match **call {
                RegisterCall::Read(value) | RegisterCall::Write(value) => value,
                RegisterCall::Cas(value, _) | RegisterCall::CasRefused(value) => value,
            })
            .collect();
        let needed = calls.iter().filter_map(|call| match self.needs(call) {
            Needs::Only(value) => Some(value),
            Needs::Any | Needs::Other => None,
        });
        let unknown = (0..).map(Some).find(|value| !known.contains(value));
        let beginnings: BTreeSet<Option<i64>> = needed.chain(unknown).collect();
        Some(beginnings.into_iter().collect())
    }
}
