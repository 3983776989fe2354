//! A stock that can be sold out.

use contract::kind;
use serde_json::Value;

use super::model::{Answer, Leaves, Model, Needs, amount, answer, number, unreadable};
use super::{CONFIGURATIONS_MAX, linearizable};
use crate::invariants::invariant::{Invariant, Known};
use crate::invariants::parameter::{INITIAL, Parameter, QUANTITY};
use crate::judgement::Judgement;
use crate::operation::Operation;
use crate::record::History;

/// The history is one that a single stock, asked one operation after the other, could have given.
#[derive(Debug)]
pub struct LinearizableStock;

impl Invariant for LinearizableStock {
    fn name(&self) -> &'static str {
        "linearizable_stock"
    }

    fn title(&self) -> &'static str {
        "linearizability"
    }

    fn demand(&self) -> &'static str {
        "The history is one that a single stock, asked one operation after the other, could have given."
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[INITIAL, QUANTITY]
    }

    fn takes(&self) -> &'static str {
        "`initial`, [`quantity`]"
    }

    /// A purchase. A refusal for too little stock says something of the stock; any other refusal says nothing.
    fn modelled(&self, operation: Operation, known: &Known<'_>) -> Operation {
        let refused = kind::of(&operation.output) == Some(kind::OUT_OF_STOCK);
        Operation {
            class: "buy".to_owned(),
            input: QUANTITY.whole_in(known.numbers).into(),
            output: if refused { Value::Bool(false) } else { Value::Null },
            ..operation
        }
    }

    fn check(&self, history: &History, known: &Known<'_>) -> Judgement {
        let stock = BoundedStock {
            initial: INITIAL.whole_in(known.numbers),
        };
        linearizable(history, &stock, CONFIGURATIONS_MAX)
    }
}

/// A stock from which a purchase takes exactly if enough is left, and which is never filled up.
///
/// | class | input | output |
/// |---|---|---|
/// | `buy` | how many, at least 1 (null: 1; or `{"quantity": 2}`) | `false` where it was refused for too little stock |
/// | `read` | | how many are left |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundedStock {
    /// What is there at first.
    pub initial: i64,
}

/// One operation on a [`BoundedStock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StockCall {
    /// So many were bought.
    Bought(i64),
    /// So many were not to be had.
    Refused(i64),
    /// So many were left.
    Read(i64),
}

impl Model for BoundedStock {
    type State = i64;
    type Call = StockCall;

    fn initial(&self) -> i64 {
        self.initial
    }

    fn call(&self, operation: &Operation, answered: bool) -> Result<Option<StockCall>, String> {
        Ok(match (operation.class.as_str(), answer(operation, answered)) {
            (_, Answer::Nothing) => None,
            ("read", Answer::Given) => Some(StockCall::Read(number(operation)?)),
            ("read", _) => None,
            ("buy", Answer::Refused) => Some(StockCall::Refused(amount(operation)?)),
            // Where too little is left it has no effect, which is as if it never took place.
            ("buy", _) => Some(StockCall::Bought(amount(operation)?)),
            _ => return Err(unreadable(operation, "a stock knows buy and read")),
        })
    }

    fn step(&self, state: &i64, call: &StockCall) -> Option<i64> {
        match *call {
            StockCall::Bought(quantity) => (*state >= quantity).then(|| state - quantity),
            StockCall::Refused(quantity) => (*state < quantity).then_some(*state),
            StockCall::Read(left) => (*state == left).then_some(left),
        }
    }

    fn describe(&self, call: &StockCall) -> String {
        match *call {
            StockCall::Bought(quantity) => format!("buy {quantity}"),
            StockCall::Refused(quantity) => format!("buy {quantity} refused"),
            StockCall::Read(left) => format!("read → {left}"),
        }
    }

    fn needs(&self, call: &StockCall) -> Needs<i64> {
        match *call {
            StockCall::Read(left) => Needs::Only(left),
            StockCall::Bought(_) | StockCall::Refused(_) => Needs::Other,
        }
    }

    fn leaves(&self, call: &StockCall) -> Leaves<i64> {
        match call {
            StockCall::Bought(_) => Leaves::Other,
            StockCall::Refused(_) | StockCall::Read(_) => Leaves::Same,
        }
    }

    /// Without a purchase more is left for the others; only a reading or a refusal would notice.
    fn droppable(&self, _dropped: &[&StockCall], kept: &[&StockCall]) -> bool {
        kept.iter().all(|call| matches!(call, StockCall::Bought(_)))
    }

    /// A stock never rises.
    fn never(&self, state: &i64, call: &StockCall) -> bool {
        match *call {
            StockCall::Read(count) | StockCall::Bought(count) => count > *state,
            StockCall::Refused(_) => false,
        }
    }

    fn forbids(&self, earlier: &StockCall, later: &StockCall) -> bool {
        match *earlier {
            StockCall::Read(left) => self.never(&left, later),
            // Less than that was left.
            StockCall::Refused(quantity) => self.never(&(quantity - 1), later),
            StockCall::Bought(_) => false,
        }
    }
}
