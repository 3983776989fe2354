//! Linearizability: whether all answers can be explained by one order of the operations in which each took effect at
//! one moment between its invocation and its return (Herlihy and Wing 1990).

mod counter;
mod demand;
mod drop;
mod entry;
mod model;
mod proof;
mod register;
mod search;
mod span;
mod stock;
mod timeline;
mod window;

pub use counter::{Counter, CounterCall, LinearizableCounter};
pub use model::{Leaves, Model, Needs};
pub use register::{Register, RegisterCall};
pub use stock::{BoundedStock, LinearizableStock, StockCall};

use crate::judgement::{Judgement, Judging, PROOF_MAX};
use crate::operation::Operation;
use crate::record::History;
use entry::Entry;
use search::Found;
use span::Span;

/// A bound that is ample for a history of 10,000 operations on one key: a valid one needs about one configuration for
/// each writing. Hundreds of unknown operations on one key may need more, for each may have taken effect at any time.
pub const CONFIGURATIONS_MAX: u64 = 1_000_000;

/// How many configurations for each operation the first look may cost.
const FIRST_CONFIGURATIONS: u64 = 4;

/// How many operations of a proof its sentence tells.
const TOLD_MAX: usize = 6;

/// Judges whether the operations of each key are linearizable. Keys are judged one by one, for a history is
/// linearizable exactly if that of each object is (Herlihy and Wing's locality, "P-compositionality").
///
/// Failed operations had no effect and are left out (but for refusals that say something of the state; see the models).
/// Unknown ones may take effect at any time after their invocation, or never. Where `configurations_max` configurations
/// are not enough to judge a key, it is undecided; looking for proofs has bounds of its own.
///
/// Each key has one violation at most. Its proof is two operations that contradict each other in every history
/// ([`Model::forbids`]), else a short part of the history that has no order whatever was before
/// ([`Model::beginnings`]), made smaller by dropping operations that a legal order could lose and stay legal
/// ([`Model::droppable`]). An operation of the proof that had not returned when the last of them did, or that was under
/// way when the part began, counts as one that may have taken effect or not.
#[must_use]
pub fn linearizable<M: Model>(history: &History, model: &M, configurations_max: u64) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        judge_key(&mut judging, model, key, &operations, configurations_max);
    }
    judging.finish()
}

fn judge_key<M: Model>(
    judging: &mut Judging,
    model: &M,
    key: &str,
    operations: &[&Operation],
    configurations_max: u64,
) {
    let whole = match Span::WHOLE.entries(model, operations) {
        Ok(whole) => whole,
        Err(reason) => return judging.undecided(reason),
    };
    // An order is mostly found at once. Where it is not, there may be none, and a part of the history may show that
    // sooner than the whole.
    let look = |mut budget: u64| search::search(model, model.initial(), &whole, &mut budget);
    let first = look(configurations_max.min(FIRST_CONFIGURATIONS * whole.len() as u64));
    if first.found == Found::Order {
        return;
    }
    let mut proof = if let Some(pair) = proof::contradiction(model, &whole) {
        pair.to_vec()
    } else if let Some(span) = window::find(model, operations, first.reached_ns) {
        proof::smallest(model, operations, span)
    } else {
        let second = if first.found == Found::NoOrder {
            first
        } else {
            look(configurations_max)
        };
        match second.found {
            Found::Order => return,
            Found::NoOrder => proof::smallest(model, operations, Span::WHOLE),
            Found::GaveUp => return judging.undecided(too_many(key, operations.len(), configurations_max)),
        }
    };
    proof.sort_by_key(|entry| (entry.invoked_ns, operations[entry.operation].id));
    let message = explain(model, key, operations, &proof);
    let proof: Vec<&Operation> = proof.iter().map(|entry| operations[entry.operation]).collect();
    judging.violated(key, message, &proof);
}

fn too_many(key: &str, operations: usize, configurations_max: u64) -> String {
    format!(
        "{key} has {operations} operations, and {configurations_max} configurations were not enough to judge them; \
         fewer concurrent clients or more keys would make it easier"
    )
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
