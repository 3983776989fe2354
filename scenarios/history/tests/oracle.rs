//! The linearizability checker against an oracle that tries every order, on small histories.

mod support;

use history::invariants::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, Model, Register, linearizable};
use history::{Completion, History, InvariantVerdict, Operation};
use proptest::prelude::*;
use serde_json::Value;
use support::calls::{counter_call, plain_register_call, register_call, stock_call, swap_register_call};

/// Tries every order: each operation that nothing unplaced precedes may be next; unknown ones may be left out.
fn some_order_explains<M: Model>(model: &M, state: &M::State, left: &[(&Operation, M::Call)]) -> bool {
    let due_ns = |operation: &Operation| match operation.outcome {
        Completion::Unknown => None,
        Completion::Ok | Completion::Fail => Some(operation.completed_ns.unwrap_or(u64::MAX)),
    };
    if left.iter().all(|(operation, _)| due_ns(operation).is_none()) {
        return true;
    }
    (0..left.len()).any(|index| {
        let (next, call) = &left[index];
        let preceded = left
            .iter()
            .any(|(other, _)| due_ns(other).is_some_and(|due_ns| due_ns < next.invoked_ns));
        let Some(after) = model.step(state, call).filter(|_| !preceded) else {
            return false;
        };
        let mut rest = left.to_vec();
        rest.remove(index);
        some_order_explains(model, &after, &rest)
    })
}

fn oracle<M: Model>(model: &M, operations: &[&Operation]) -> bool {
    let left: Vec<(&Operation, M::Call)> = operations
        .iter()
        .filter_map(|operation| {
            let answered = operation.outcome != Completion::Unknown;
            model
                .call(operation, answered)
                .expect("the test makes readable operations")
                .map(|call| (*operation, call))
        })
        .collect();
    some_order_explains(model, &model.initial(), &left)
}

/// Whether the checker agrees with the oracle, and whether its proof is one by itself.
fn agrees<M: Model>(model: &M, operations: &[Operation]) -> Result<(), TestCaseError> {
    let explained = oracle(model, &operations.iter().collect::<Vec<_>>());
    let judgement = linearizable(&History::new(operations.to_vec()), model, CONFIGURATIONS_MAX);
    let expected = if explained {
        InvariantVerdict::Holds
    } else {
        InvariantVerdict::Violated
    };
    prop_assert_eq!(&judgement.verdict, &expected, "{:?}", &judgement);
    for violation in &judgement.violations {
        let proof: Vec<&Operation> = operations
            .iter()
            .filter(|operation| violation.operations.contains(&operation.id))
            .collect();
        prop_assert!(!oracle(model, &proof), "these prove nothing: {:?}", violation);
    }
    Ok(())
}

fn outcome() -> impl Strategy<Value = Completion> {
    let weighted = [
        vec![Completion::Ok; 10],
        vec![Completion::Unknown; 3],
        vec![Completion::Fail],
    ]
    .concat();
    prop::sample::select(weighted)
}

/// Histories of up to six operations; times collide often, for the ties matter too.
fn histories(calls: impl Strategy<Value = (&'static str, Value, Value)>) -> impl Strategy<Value = Vec<Operation>> {
    let one = (calls, 0_u64..12, 0_u64..7, outcome(), prop::bool::weighted(0.05));
    prop::collection::vec(one, 0..7).prop_map(|parts| {
        let operations = (1..)
            .zip(parts)
            .map(|(id, ((class, input, output), from, length, outcome, lost))| {
                let mut operation = support::operation(id, class, input, output, (from, from + length));
                operation.outcome = outcome;
                if lost {
                    operation.completed_ns = None;
                }
                operation
            });
        operations.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_register_is_judged_as_by_trying_every_order(operations in histories(register_call())) {
        agrees(&Register { initial: Some(0) }, &operations)?;
        agrees(&Register { initial: None }, &operations)?;
    }

    #[test]
    fn a_register_without_compare_and_set_is_judged_as_by_trying_every_order(
        operations in histories(plain_register_call()),
    ) {
        agrees(&Register { initial: Some(0) }, &operations)?;
    }

    #[test]
    fn a_register_whose_swaps_all_succeed_is_judged_as_by_trying_every_order(
        operations in histories(swap_register_call()),
    ) {
        agrees(&Register { initial: Some(0) }, &operations)?;
    }

    #[test]
    fn a_counter_is_judged_as_by_trying_every_order(operations in histories(counter_call())) {
        agrees(&Counter { initial: 0 }, &operations)?;
    }

    #[test]
    fn a_stock_is_judged_as_by_trying_every_order(operations in histories(stock_call())) {
        agrees(&BoundedStock { initial: 4 }, &operations)?;
    }
}
