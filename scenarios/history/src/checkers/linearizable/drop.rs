//! Which writings a proof can lose and stay a proof.

use std::collections::{HashMap, HashSet};

use super::model::{Leaves, Model, Needs};
use super::search::Entry;

/// Whether every order that explains the dropped and the kept operations still explains the kept ones alone, where the
/// dropped are writings ([`Leaves::Always`]) and all others are writings or leave the state as they find it.
///
/// In such an order the state at any call is what the last writing before it left. So a kept call is only disturbed if
/// that writing is a dropped one. It cannot be if the call is legal everywhere, or needs another state, or returned
/// before the writing began, or began after a kept writing had returned that itself began after the dropped one had
/// returned.
///
/// Of all writings of what a kept call needs one is not given up, though the rest would prove as much: a stale reading
/// is not understood without the writing from which it comes.
pub(super) fn is_unnoticed<M: Model>(model: &M, dropped: &[Entry<M::Call>], kept: &[Entry<M::Call>]) -> bool {
    let mut witnesses: HashMap<M::State, Vec<&Entry<M::Call>>> = HashMap::new();
    let mut undemanding: Vec<&Entry<M::Call>> = Vec::new();
    let mut writings: Vec<(u64, u64)> = Vec::new();
    let mut written: HashSet<M::State> = HashSet::new();
    for entry in kept {
        match model.leaves(&entry.call) {
            Leaves::Other => return false,
            Leaves::Always(state) => {
                writings.extend(entry.due_ns.map(|due_ns| (entry.invoked_ns, due_ns)));
                written.insert(state);
            }
            Leaves::Same => {}
        }
        match model.needs(&entry.call) {
            Needs::Any => {}
            Needs::Only(state) => witnesses.entry(state).or_default().push(entry),
            Needs::Other => undemanding.push(entry),
        }
    }
    let overwritten = Overwriting::new(writings);
    dropped.iter().all(|writing| {
        let Leaves::Always(state) = model.leaves(&writing.call) else {
            return false;
        };
        let readers = witnesses.get(&state);
        if readers.is_some() && !written.contains(&state) {
            return false;
        }
        let mut witnesses = readers.into_iter().flatten().chain(&undemanding);
        witnesses.all(|witness| {
            let before = witness.due_ns.is_some_and(|due_ns| due_ns < writing.invoked_ns);
            before
                || overwritten
                    .after(writing)
                    .is_some_and(|by_ns| by_ns < witness.invoked_ns)
        })
    })
}

/// By when a writing was surely overwritten.
struct Overwriting {
    /// Invocations of writings in order, each with the earliest return of it and all later ones.
    earliest_ns: Vec<(u64, u64)>,
}

impl Overwriting {
    fn new(mut writings: Vec<(u64, u64)>) -> Self {
        writings.sort_unstable();
        let mut earliest_ns = u64::MAX;
        for (_, due_ns) in writings.iter_mut().rev() {
            earliest_ns = earliest_ns.min(*due_ns);
            *due_ns = earliest_ns;
        }
        Self { earliest_ns: writings }
    }

    /// The earliest return of a writing that was invoked after this one had returned.
    fn after<C>(&self, writing: &Entry<C>) -> Option<u64> {
        let due_ns = writing.due_ns?;
        let later = self
            .earliest_ns
            .partition_point(|(invoked_ns, _)| *invoked_ns <= due_ns);
        self.earliest_ns.get(later).map(|(_, earliest_ns)| *earliest_ns)
    }
}
