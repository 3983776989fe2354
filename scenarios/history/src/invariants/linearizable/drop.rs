//! Which writings a proof can lose and stay a proof.

use std::collections::{HashMap, HashSet};

use super::entry::Entry;
use super::model::{Leaves, Model, Needs};

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

#[cfg(test)]
mod tests {
    use super::super::register::{Register, RegisterCall};
    use super::super::search::{Found, search};
    use super::*;
    use proptest::prelude::*;

    fn call() -> impl Strategy<Value = RegisterCall> {
        (0..7, 0_i64..3, 0_i64..3).prop_map(|(kind, one, other)| match kind {
            0..2 => RegisterCall::Read(Some(one)),
            2..5 => RegisterCall::Write(Some(one)),
            5 => RegisterCall::Cas(Some(one), Some(other)),
            _ => RegisterCall::CasRefused(Some(one)),
        })
    }

    /// A call, its invocation, how long it took, whether it must be placed, and whether it is dropped.
    fn part() -> impl Strategy<Value = (RegisterCall, u64, u64, bool, bool)> {
        (call(), 0_u64..12, 0_u64..5, prop::bool::weighted(0.8), any::<bool>())
    }

    fn has_order(entries: &[Entry<RegisterCall>]) -> bool {
        search(&Register { initial: Some(0) }, Some(0), entries, &mut 100_000).found == Found::Order
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// What makes a smaller history a proof: if the whole had an order, it would have one too.
        #[test]
        fn without_what_nobody_notices_a_history_keeps_its_order(
            parts in prop::collection::vec(part(), 0..8),
        ) {
            let mut parts = parts;
            parts.sort_by_key(|part| part.1);
            let entries = (0..).zip(&parts).map(|(operation, (call, from_ns, length, required, _))| Entry {
                operation,
                call: *call,
                invoked_ns: *from_ns,
                due_ns: required.then_some(from_ns + length),
            });
            let (dropped, kept): (Vec<_>, Vec<_>) = entries.clone().partition(|entry| parts[entry.operation].4);
            let explained = has_order(&entries.collect::<Vec<_>>());
            if explained && is_unnoticed(&Register { initial: Some(0) }, &dropped, &kept) {
                prop_assert!(has_order(&kept), "{dropped:?} was noticed by {kept:?}");
            }
        }
    }
}
