//! What a history is compared with: the sequential object.

use std::hash::Hash;

use serde_json::Value;

use crate::operation::{Completion, Operation};

/// A sequential object: what it answers when one operation follows another.
///
/// [`initial`](Model::initial), [`call`](Model::call), [`step`](Model::step) and [`describe`](Model::describe) define
/// it. The other methods only tell the search what it may rely on; their defaults claim nothing and are always right.
pub trait Model {
    /// The object's state.
    type State: Clone + Eq + Hash;
    /// One operation with its answer. Two operations with equal calls are interchangeable.
    type Call: Clone + Eq + Hash;

    /// The state before the first operation of a key.
    fn initial(&self) -> Self::State;

    /// Reads an operation; none where it says nothing about the object. `answered` is false where the answer is not (or
    /// not yet) known: such a call may be placed anywhere after its invocation, or nowhere.
    ///
    /// # Errors
    ///
    /// In words, when the operation is none of this object's.
    fn call(&self, operation: &Operation, answered: bool) -> Result<Option<Self::Call>, String>;

    /// The state after the call, or none where the object would not have answered so in this state.
    fn step(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State>;

    /// The call in words: `write 3`, `read → 2`.
    fn describe(&self, call: &Self::Call) -> String;

    /// In which states the call is legal.
    fn needs(&self, _call: &Self::Call) -> Needs<Self::State> {
        Needs::Other
    }

    /// Which state the call leaves.
    fn leaves(&self, _call: &Self::Call) -> Leaves<Self::State> {
        Leaves::Other
    }

    /// States of which, whatever state the object was in, one permits these calls at least as much as that did; none
    /// where that cannot be said. It lets a part of a history be judged whose past is left open.
    fn beginnings(&self, _calls: &[&Self::Call]) -> Option<Vec<Self::State>> {
        None
    }

    /// Whether the call is legal neither in this state nor in any that can follow.
    fn never(&self, _state: &Self::State, _call: &Self::Call) -> bool {
        false
    }

    /// Whether every legal sequence of `dropped` and `kept` calls stays legal without the dropped ones. What follows
    /// from [`needs`](Model::needs) and [`leaves`](Model::leaves) need not be claimed here.
    fn droppable(&self, _dropped: &[&Self::Call], _kept: &[&Self::Call]) -> bool {
        false
    }

    /// Whether no legal sequence whatever, from any state, has `later` somewhere after `earlier`.
    fn forbids(&self, _earlier: &Self::Call, _later: &Self::Call) -> bool {
        false
    }
}

/// In which states a call is legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs<S> {
    /// In every one.
    Any,
    /// In exactly this one.
    Only(S),
    /// In some; nothing more is claimed.
    Other,
}

/// Which state a legal call leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves<S> {
    /// The one it found: it is a reading, or a refusal.
    Same,
    /// This one, whichever it found.
    Always(S),
    /// Nothing is claimed.
    Other,
}

/// What is known of an operation's answer.
pub(super) enum Answer {
    /// It took effect, and its output is known.
    Given,
    /// It was refused, and so had no effect: its output is `false`, be the outcome `ok` or `fail`.
    Refused,
    /// It may take effect, and its output is not known.
    Open,
    /// It had no effect and says nothing of the state.
    Nothing,
}

pub(super) fn answer(operation: &Operation, answered: bool) -> Answer {
    let refused = operation.output == Value::Bool(false);
    match (operation.outcome, refused, answered) {
        (Completion::Unknown, _, _) | (Completion::Ok, false, false) => Answer::Open,
        (Completion::Ok, false, true) => Answer::Given,
        (_, true, true) => Answer::Refused,
        // It is known to have had no effect, so it may be left out wherever its answer does not count.
        (Completion::Ok, true, false) | (Completion::Fail, _, false) | (Completion::Fail, false, true) => {
            Answer::Nothing
        }
    }
}

/// An amount that was asked for: `null` is 1, a number itself, an object its `quantity`. At least 1.
pub(super) fn amount(operation: &Operation) -> Result<i64, String> {
    let input = operation.input.get("quantity").unwrap_or(&operation.input);
    let amount = if input.is_null() { Some(1) } else { input.as_i64() };
    amount
        .filter(|amount| *amount >= 1)
        .ok_or_else(|| unreadable(operation, "its input must be an amount of at least 1"))
}

/// A number that was answered.
pub(super) fn number(operation: &Operation) -> Result<i64, String> {
    operation
        .output
        .as_i64()
        .ok_or_else(|| unreadable(operation, "its output must be a whole number"))
}

pub(super) fn unreadable(operation: &Operation, why: &str) -> String {
    format!(
        "operation {} ({} of {}) cannot be judged: {why}",
        operation.id, operation.class, operation.key
    )
}
