//! What the models claim of themselves, compared with what they do.

mod support;

use std::fmt::Debug;

use history::invariants::linearizable::{BoundedStock, Counter, Leaves, Model, Needs, Register};
use proptest::prelude::*;
use serde_json::Value;
use support::calls::{counter_call, register_call, stock_call};

/// A call and the states around it.
struct Taken<M: Model> {
    before: M::State,
    call: M::Call,
    after: M::State,
}

/// Takes those of the calls that are legal, one after another.
fn walk<M: Model>(model: &M, calls: &[(&'static str, Value, Value)]) -> Vec<Taken<M>> {
    let mut before = model.initial();
    let mut taken = Vec::new();
    for (class, input, output) in calls {
        let operation = support::operation(1, class, input.clone(), output.clone(), (0, 1));
        let call = model
            .call(&operation, true)
            .expect("the test makes readable operations");
        let Some(call) = call else { continue };
        if let Some(after) = model.step(&before, &call) {
            taken.push(Taken {
                before,
                call,
                after: after.clone(),
            });
            before = after;
        }
    }
    taken
}

fn claims_hold<M: Model>(model: &M, taken: &[Taken<M>], dropped: &[bool]) -> Result<(), TestCaseError>
where
    M::State: Debug,
{
    for (index, Taken { before, call, after }) in taken.iter().enumerate() {
        let name = model.describe(call);
        match model.leaves(call) {
            Leaves::Same => prop_assert_eq!(before, after, "{}", &name),
            Leaves::Always(state) => prop_assert_eq!(&state, after, "{}", &name),
            Leaves::Other => {}
        }
        for other in taken.iter().map(|taken| &taken.before) {
            match model.needs(call) {
                Needs::Any => prop_assert!(model.step(other, call).is_some(), "{name} in {other:?}"),
                Needs::Only(state) => prop_assert_eq!(model.step(other, call).is_some(), state == *other, "{}", &name),
                Needs::Other => {}
            }
        }
        for later in &taken[index..] {
            prop_assert!(
                !model.never(before, &later.call),
                "{} after {before:?}",
                model.describe(&later.call)
            );
        }
        for later in &taken[index + 1..] {
            prop_assert!(
                !model.forbids(call, &later.call),
                "{} after {name}",
                model.describe(&later.call)
            );
        }
    }
    let of = |wanted: bool| {
        taken
            .iter()
            .zip(dropped)
            .filter(move |(_, dropped)| **dropped == wanted)
    };
    let calls = |wanted: bool| of(wanted).map(|(taken, _)| &taken.call).collect::<Vec<_>>();
    let (dropped, kept) = (calls(true), calls(false));
    if model.droppable(&dropped, &kept) {
        let end = kept
            .iter()
            .try_fold(model.initial(), |state, call| model.step(&state, call));
        prop_assert!(end.is_some(), "the rest is illegal");
    }
    Ok(())
}

fn many<T: Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 0..40)
}

fn choices() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), 40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_register_keeps_its_claims(calls in many(register_call()), dropped in choices()) {
        let model = Register { initial: Some(0) };
        claims_hold(&model, &walk(&model, &calls), &dropped)?;
    }

    #[test]
    fn a_counter_keeps_its_claims(calls in many(counter_call()), dropped in choices()) {
        let model = Counter { initial: 0 };
        claims_hold(&model, &walk(&model, &calls), &dropped)?;
    }

    #[test]
    fn a_stock_keeps_its_claims(calls in many(stock_call()), dropped in choices()) {
        let model = BoundedStock { initial: 6 };
        claims_hold(&model, &walk(&model, &calls), &dropped)?;
    }
}
