//! Operations on small objects, by chance: class, input and output.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Class, input and output.
pub type Call = (&'static str, Value, Value);

pub fn register_call() -> impl Strategy<Value = Call> {
    (0..5, 0..3, 0..3, any::<bool>()).prop_map(|(kind, one, other, yes)| match kind {
        0 | 1 => (
            "read",
            Value::Null,
            if one == 2 && other == 2 {
                Value::Null
            } else {
                json!(one)
            },
        ),
        2 | 3 => ("write", json!(one), Value::Null),
        _ => ("cas", json!({ "from": one, "to": other }), json!(yes)),
    })
}

/// No compare-and-set: here the rule for writings that nobody needs applies.
pub fn plain_register_call() -> impl Strategy<Value = Call> {
    (any::<bool>(), 0..4).prop_map(|(write, value)| {
        if write {
            ("write", json!(value), Value::Null)
        } else {
            ("read", Value::Null, json!(value))
        }
    })
}

pub fn swap_register_call() -> impl Strategy<Value = Call> {
    (0..3, 0..4, 0..4).prop_map(|(kind, one, other)| match kind {
        0 => ("read", Value::Null, json!(one)),
        1 => ("write", json!(one), Value::Null),
        _ => ("cas", json!({ "from": one, "to": other }), json!(true)),
    })
}

pub fn counter_call() -> impl Strategy<Value = Call> {
    (0..5, 1..3, 0..6).prop_map(|(kind, by, count)| match kind {
        0 | 1 => ("read", Value::Null, json!(count)),
        2 | 3 => ("increment", json!(by), json!(count)),
        _ => ("increment", json!(by), Value::Null),
    })
}

pub fn stock_call() -> impl Strategy<Value = Call> {
    (0..5, 1..4, 0..5).prop_map(|(kind, quantity, left)| match kind {
        0 | 1 => ("read", Value::Null, json!(left)),
        2 | 3 => ("buy", json!(quantity), json!(true)),
        _ => ("buy", json!({ "quantity": quantity }), json!(false)),
    })
}
