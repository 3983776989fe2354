//! Histories for the tests and the benchmark: written down, or made by a simulated object that is linearizable.
#![allow(dead_code, reason = "each test target uses its own part")]

pub mod calls;

use history::{Completion, History, Operation};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};

/// An answered operation; what is not said is empty.
pub fn operation(id: u64, class: &str, input: Value, output: Value, times_ns: (u64, u64)) -> Operation {
    Operation {
        id,
        actor: format!("client-{id}"),
        instance: None,
        class: class.to_owned(),
        key: "key".to_owned(),
        input,
        output,
        invoked_ns: times_ns.0,
        completed_ns: Some(times_ns.1),
        outcome: Completion::Ok,
        error: None,
        steps: Vec::new(),
    }
}

/// The objects that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// Every written value is new.
    UniqueRegister,
    /// Written values are 0 to 4, and there is compare-and-set, as in Jepsen's tests.
    CasRegister,
    /// Increments that answer the new count, and readings.
    Counter,
    /// Purchases of one or two from a stock that lasts for half of them, and readings.
    Stock,
}

/// What the simulated clients do.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub object: Object,
    pub operations: usize,
    pub clients: usize,
    /// Of a thousand operations, how many are never answered; half of them take effect.
    pub unknown_per_mille: u32,
    pub seed: u64,
}

struct Plan {
    invoked_ns: u64,
    effect_ns: u64,
    completed_ns: u64,
    client: usize,
    unknown: bool,
}

/// A history that is linearizable, because each effect takes place at one moment of its operation.
pub fn linearizable_history(workload: Workload) -> Vec<Operation> {
    let mut random = Pcg64::seed_from_u64(workload.seed);
    let mut free_ns = vec![0_u64; workload.clients];
    let mut plans: Vec<Plan> = (0..workload.operations)
        .map(|index| {
            let client = index % workload.clients;
            let invoked_ns = free_ns[client] + random.random_range(1..200);
            let mut effect_ns = invoked_ns + random.random_range(0..1000);
            let completed_ns = effect_ns + random.random_range(1..1000);
            free_ns[client] = completed_ns;
            let unknown = random.random_range(0..1000) < workload.unknown_per_mille;
            if unknown {
                // Long after the client gave up, or never.
                effect_ns = if random.random() {
                    effect_ns + random.random_range(0..20_000)
                } else {
                    u64::MAX
                };
            }
            Plan {
                invoked_ns,
                effect_ns,
                completed_ns,
                client,
                unknown,
            }
        })
        .collect();
    plans.sort_by_key(|plan| plan.effect_ns);
    let mut state = if workload.object == Object::Stock {
        workload.operations as i64 / 2
    } else {
        0
    };
    let mut operations: Vec<Operation> = (1..)
        .zip(plans)
        .map(|(id, plan)| {
            let (class, input, output) = act(workload.object, id, &mut state, plan.effect_ns == u64::MAX, &mut random);
            let mut operation = operation(id, class, input, output, (plan.invoked_ns, plan.completed_ns));
            operation.actor = format!("client-{}", plan.client);
            if plan.unknown {
                operation.outcome = Completion::Unknown;
                operation.output = Value::Null;
            }
            operation
        })
        .collect();
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    operations
}

fn act(object: Object, id: u64, state: &mut i64, never: bool, random: &mut Pcg64) -> (&'static str, Value, Value) {
    let before = *state;
    let reading = ("read", Value::Null, json!(before));
    let (after, action) = match (object, random.random_range(0..3)) {
        (_, 0) => (before, reading),
        (Object::UniqueRegister, _) => (id as i64, ("write", json!(id), Value::Null)),
        (Object::CasRegister, 1) => {
            let value = random.random_range(0..5);
            (value, ("write", json!(value), Value::Null))
        }
        (Object::CasRegister, _) => {
            let (from, to) = (random.random_range(0..5), random.random_range(0..5));
            let swapped = before == from;
            let output = if swapped { json!(true) } else { json!(false) };
            (
                if swapped { to } else { before },
                ("cas", json!({ "from": from, "to": to }), output),
            )
        }
        (Object::Counter, _) => (before + 1, ("increment", Value::Null, json!(before + 1))),
        (Object::Stock, _) => {
            let quantity = random.random_range(1..3);
            let enough = before >= quantity;
            (
                if enough { before - quantity } else { before },
                ("buy", json!(quantity), json!(enough)),
            )
        }
    };
    if !never {
        *state = after;
    }
    action
}

/// Breaks a history of `linearizable_history` in one place near the index, so that no order explains it.
pub fn plant_violation(object: Object, operations: &mut Vec<Operation>, near: usize) {
    let answered = |operation: &Operation, class: &str| operation.class == class && operation.outcome == Completion::Ok;
    let reading = (near..operations.len())
        .chain((0..near).rev())
        .find(|index| answered(&operations[*index], "read"))
        .expect("a third of all operations are readings");
    match object {
        Object::UniqueRegister => {
            // A value that was surely overwritten before the reading began.
            let done_before = |one: &Operation, other: &Operation| one.completed_ns < Some(other.invoked_ns);
            let writings: Vec<&Operation> = operations
                .iter()
                .filter(|one| answered(one, "write") && done_before(one, &operations[reading]))
                .collect();
            let overwriting = writings
                .iter()
                .max_by_key(|one| one.invoked_ns)
                .expect("many writings came before");
            let stale = writings
                .iter()
                .filter(|one| done_before(one, overwriting))
                .max_by_key(|one| one.invoked_ns);
            operations[reading].output = stale.expect("many writings came before").input.clone();
        }
        Object::CasRegister => {
            // A client of its own writes 5, which nobody else does, then 6, and then reads 5.
            let from_ns = operations[near].invoked_ns;
            let calls = [
                ("write", json!(5), Value::Null),
                ("write", json!(6), Value::Null),
                ("read", Value::Null, json!(5)),
            ];
            for (index, (class, input, output)) in (0_u64..).zip(calls) {
                let invoked_ns = from_ns + 2 * index;
                operations.push(operation(
                    1_000_000 + index,
                    class,
                    input,
                    output,
                    (invoked_ns, invoked_ns + 1),
                ));
            }
        }
        Object::Counter => {
            let increments = (near..operations.len()).filter(|index| answered(&operations[*index], "increment"));
            let pair: Vec<usize> = increments.take(2).collect();
            operations[pair[0]].output = operations[pair[1]].output.clone();
        }
        Object::Stock => {
            let stock = operations[reading].output.as_i64().expect("a reading of a number");
            operations[reading].output = json!(stock + 1_000_000);
        }
    }
}

/// The history of these operations.
pub fn history(operations: &[Operation]) -> History {
    History::new(operations.to_vec())
}
