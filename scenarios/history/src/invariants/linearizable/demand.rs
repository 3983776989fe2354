//! Who still needs which state, and who can still bring it about.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use super::entry::Entry;
use super::model::{Leaves, Model, Needs};

/// Supply and demand of states among the operations that are not placed yet.
///
/// It knows something only where every operation either leaves the state as it is or always leaves the same one
/// (`closed`); a register is so, and a counter all of whose increments were answered.
pub(super) struct Demand<S> {
    closed: bool,
    /// Closed, and no call is choosy about states in a way that cannot be told: each is legal everywhere or in one
    /// state alone.
    transparent: bool,
    states: HashMap<S, usize>,
    accounts: Vec<Account>,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Account {
    /// Readings that need this state, also those that need not be placed: when they were invoked.
    readers: BTreeSet<(u64, u32)>,
    /// Calls that need this state and leave another.
    takers: u32,
    /// Calls that need this state and must be placed: when they are due.
    due: BTreeSet<(u64, u32)>,
    /// Calls that leave this state: when they were invoked.
    suppliers: BTreeSet<(u64, u32)>,
}

/// What one entry has to do with the states.
#[derive(Clone, Copy)]
struct Part {
    invoked_ns: u64,
    due_ns: Option<u64>,
    needs: Option<usize>,
    leaves: Option<usize>,
    anywhere: bool,
}

impl<S: Clone + Eq + Hash> Demand<S> {
    pub(super) fn new<M: Model<State = S>>(model: &M, entries: &[Entry<M::Call>]) -> Self {
        let leaves: Vec<Leaves<S>> = entries.iter().map(|entry| model.leaves(&entry.call)).collect();
        let needs: Vec<Needs<S>> = entries.iter().map(|entry| model.needs(&entry.call)).collect();
        let closed = leaves.iter().all(|leaves| !matches!(leaves, Leaves::Other));
        let transparent = closed && needs.iter().all(|needs| !matches!(needs, Needs::Other));
        let mut demand = Self {
            closed,
            transparent,
            states: HashMap::new(),
            accounts: Vec::new(),
            parts: Vec::new(),
        };
        if closed {
            for ((entry, leaves), needs) in entries.iter().zip(leaves).zip(needs) {
                demand.add(entry, leaves, needs);
            }
        }
        demand
    }

    fn add<C>(&mut self, entry: &Entry<C>, leaves: Leaves<S>, needs: Needs<S>) {
        let anywhere = matches!(needs, Needs::Any);
        let needs = if let Needs::Only(state) = needs {
            Some(self.account(state))
        } else {
            None
        };
        let leaves = if let Leaves::Always(state) = leaves {
            Some(self.account(state))
        } else {
            None
        };
        let Entry { invoked_ns, due_ns, .. } = *entry;
        self.parts.push(Part {
            invoked_ns,
            due_ns,
            needs,
            leaves,
            anywhere,
        });
        self.give_back(self.parts.len() as u32 - 1);
    }

    fn account(&mut self, state: S) -> usize {
        let next = self.accounts.len();
        let index = *self.states.entry(state).or_insert(next);
        if index == next {
            self.accounts.push(Account::default());
        }
        index
    }

    /// The entry was placed.
    pub(super) fn take(&mut self, entry: u32) {
        if !self.closed {
            return;
        }
        let part = self.parts[entry as usize];
        if let Some(needs) = part.needs {
            let account = &mut self.accounts[needs];
            if part.leaves.is_some() {
                account.takers -= 1;
            } else {
                account.readers.remove(&(part.invoked_ns, entry));
            }
            if let Some(due_ns) = part.due_ns {
                account.due.remove(&(due_ns, entry));
            }
        }
        if let Some(leaves) = part.leaves {
            self.accounts[leaves].suppliers.remove(&(part.invoked_ns, entry));
        }
    }

    /// The entry is not placed any more.
    pub(super) fn give_back(&mut self, entry: u32) {
        if !self.closed {
            return;
        }
        let part = self.parts[entry as usize];
        if let Some(needs) = part.needs {
            let account = &mut self.accounts[needs];
            if part.leaves.is_some() {
                account.takers += 1;
            } else {
                account.readers.insert((part.invoked_ns, entry));
            }
            if let Some(due_ns) = part.due_ns {
                account.due.insert((due_ns, entry));
            }
        }
        if let Some(leaves) = part.leaves {
            self.accounts[leaves].suppliers.insert((part.invoked_ns, entry));
        }
    }

    /// Whether some call that must be placed needs this state although nobody can bring it about in time, so that the
    /// state must not be left.
    pub(super) fn binds(&self, state: &S) -> bool {
        self.closed
            && self
                .states
                .get(state)
                .is_some_and(|index| self.accounts[*index].wants())
    }

    /// When the first call is due that needs a state which nobody can bring about in time, beginning with this state.
    pub(super) fn hopeless(&self, initial: &S) -> Option<u64> {
        let initial = self.states.get(initial);
        let others = self
            .accounts
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(index) != initial);
        others
            .filter(|(_, account)| account.wants())
            .filter_map(|(_, account)| Some(account.due.first()?.0))
            .min()
    }

    /// Whether the entry and all calls that need what it leaves can be placed together, and no other would notice: it
    /// may be placed in every state, and all those calls are readings that were invoked by `now_ns`.
    pub(super) fn self_contained(&self, entry: u32, now_ns: u64) -> bool {
        self.transparent && {
            let part = self.parts[entry as usize];
            part.anywhere
                && part
                    .leaves
                    .is_some_and(|leaves| self.accounts[leaves].all_are_readers(now_ns))
        }
    }

    /// Whether the call `needer` needs what `entry` leaves.
    pub(super) fn serves(&self, entry: u32, needer: u32) -> bool {
        let leaves = self.parts[entry as usize].leaves;
        leaves.is_some() && leaves == self.parts[needer as usize].needs
    }

    /// Whether anybody needs what the entry leaves.
    pub(super) fn is_needed(&self, entry: u32) -> bool {
        let account = self.parts[entry as usize].leaves.map(|leaves| &self.accounts[leaves]);
        account.is_some_and(|account| account.takers > 0 || !account.readers.is_empty())
    }

    /// Whether placing the entry hides all self-contained ones that are placed just before it.
    pub(super) fn hides(&self, entry: u32) -> bool {
        self.transparent && self.parts[entry as usize].anywhere
    }
}

impl Account {
    fn wants(&self) -> bool {
        let Some((due_ns, _)) = self.due.first() else {
            return false;
        };
        self.suppliers.first().is_none_or(|(invoked_ns, _)| invoked_ns > due_ns)
    }

    fn all_are_readers(&self, now_ns: u64) -> bool {
        self.takers == 0 && self.readers.last().is_none_or(|(invoked_ns, _)| *invoked_ns <= now_ns)
    }
}
