//! Linearizability: whether all answers can be explained by one order of the operations in which each took effect at
//! one moment between its invocation and its return (Herlihy and Wing 1990).

mod counter;
mod demand;
mod drop;
mod model;
mod proof;
mod register;
mod search;
mod stock;
mod timeline;

pub use counter::{Counter, CounterCall};
pub use model::{Leaves, Model, Needs};
pub use register::{Register, RegisterCall};
pub use stock::{BoundedStock, StockCall};

use crate::judgement::{Judgement, Judging, PROOF_MAX};
use crate::operation::Operation;
use crate::record::History;
use search::{Entry, Found};

/// A bound that is ample for a history of 10,000 operations on one key: a valid one needs about one configuration for
/// each writing.
pub const CONFIGURATIONS_MAX: u64 = 1_000_000;

/// How many operations of a proof its sentence tells.
const TOLD_MAX: usize = 6;

/// Judges whether the operations of each key are linearizable. Keys are judged one by one, for a history is
/// linearizable exactly if that of each object is (Herlihy and Wing's locality, "P-compositionality").
///
/// Failed operations had no effect and are left out (but for refusals that say something of the state; see the models).
/// Unknown ones may take effect at any time after their invocation, or never. At most `configurations_max`
/// configurations are looked into for each key; where that is not enough, the key is undecided.
///
/// Each key has one violation at most. Its proof is the shortest prefix without an order, made smaller in ways that keep
/// it a proof: to two operations that contradict each other in every history ([`Model::forbids`]), else by dropping
/// operations that a legal order could lose and stay legal ([`Model::droppable`]). An operation of the proof that had
/// not returned when the last of them did counts as unknown.
#[must_use]
pub fn linearizable<M: Model>(history: &History, model: &M, configurations_max: u64) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        let whole = match proof::prefix(model, &operations, u64::MAX) {
            Ok(whole) => whole,
            Err(reason) => {
                judging.undecided(reason);
                continue;
            }
        };
        let mut budget = configurations_max;
        match search::search(model, &whole, &mut budget) {
            Found::Order => {}
            Found::NoOrder => {
                let mut proof = proof::smallest(model, &operations, whole);
                proof.sort_by_key(|entry| (entry.invoked_ns, operations[entry.operation].id));
                let message = explain(model, key, &operations, &proof);
                let proof: Vec<&Operation> = proof.iter().map(|entry| operations[entry.operation]).collect();
                judging.violated(key, message, &proof);
            }
            Found::GaveUp => judging.undecided(format!(
                "{key} has {} operations, and {configurations_max} configurations were not enough to judge them; \
                 fewer concurrent clients or more keys would make it easier",
                operations.len()
            )),
        }
    }
    judging.finish()
}

fn explain<M: Model>(model: &M, key: &str, operations: &[&Operation], proof: &[Entry<M::Call>]) -> String {
    let tell = |entry: &Entry<M::Call>| {
        let unknown = if entry.due_ns.is_none() {
            ", if it took effect"
        } else {
            ""
        };
        format!(
            "{} by {}{unknown}",
            model.describe(&entry.call),
            operations[entry.operation].actor
        )
    };
    if let [only] = proof {
        return format!("{key}: {} cannot be: nothing that was done explains it.", tell(only));
    }
    let shown = &proof[proof.len().saturating_sub(TOLD_MAX)..];
    let told = shown.iter().map(tell).collect::<Vec<_>>().join(", ");
    let count = proof.len();
    let part = if count > TOLD_MAX {
        format!("the last {TOLD_MAX} are ")
    } else {
        String::new()
    };
    let shown = if count > PROOF_MAX {
        format!(" (the last {PROOF_MAX} are shown)")
    } else {
        String::new()
    };
    format!("{key}: no order of these {count} operations explains their answers{shown}: {part}{told}.")
}
