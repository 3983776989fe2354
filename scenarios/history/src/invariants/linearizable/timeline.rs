//! Invocations and returns in order of time, as a doubly linked list from which operations are taken and to which they
//! are given back (Wing and Gong 1993; Knuth's dancing links).

use super::entry::Entry;

/// A node: the invocation of entry `i` is node `i`, its return node `n + i`, and node `2n` is before the first and
/// after the last.
pub(super) struct Timeline {
    entries: u32,
    next: Vec<u32>,
    before: Vec<u32>,
    /// Whether an entry has a return at all.
    returns: Vec<bool>,
}

/// What stands at a node.
pub(super) enum At {
    /// The invocation of this entry.
    Invocation(u32),
    /// The return of this entry.
    Return(u32),
    /// Nothing more.
    End,
}

impl Timeline {
    pub(super) fn new<C>(entries: &[Entry<C>]) -> Self {
        let count = entries.len() as u32;
        // An invocation in the same nanosecond as a return counts as concurrent with it, so it comes first.
        let mut events: Vec<(u64, bool, u32)> = Vec::with_capacity(2 * entries.len());
        for (index, entry) in (0..).zip(entries) {
            events.push((entry.invoked_ns, false, index));
            events.extend(entry.due_ns.map(|due_ns| (due_ns, true, count + index)));
        }
        events.sort_unstable();
        let head = 2 * count;
        let mut next = vec![head; head as usize + 1];
        let mut before = next.clone();
        let mut last = head;
        for (_, _, node) in events {
            next[last as usize] = node;
            before[node as usize] = last;
            last = node;
        }
        next[last as usize] = head;
        before[head as usize] = last;
        Self {
            entries: count,
            next,
            before,
            returns: entries.iter().map(|entry| entry.due_ns.is_some()).collect(),
        }
    }

    /// The first node.
    pub(super) fn first(&self) -> u32 {
        self.next[2 * self.entries as usize]
    }

    /// The node after this one.
    pub(super) fn after(&self, node: u32) -> u32 {
        self.next[node as usize]
    }

    /// The node before this one.
    pub(super) fn before(&self, node: u32) -> u32 {
        self.before[node as usize]
    }

    pub(super) fn at(&self, node: u32) -> At {
        if node < self.entries {
            At::Invocation(node)
        } else if node < 2 * self.entries {
            At::Return(node - self.entries)
        } else {
            At::End
        }
    }

    /// Takes an entry out.
    pub(super) fn take(&mut self, entry: u32) {
        self.unlink(entry);
        if self.returns[entry as usize] {
            self.unlink(self.entries + entry);
        }
    }

    /// Gives back the entry that was taken last.
    pub(super) fn give_back(&mut self, entry: u32) {
        if self.returns[entry as usize] {
            self.link(self.entries + entry);
        }
        self.link(entry);
    }

    fn unlink(&mut self, node: u32) {
        let (before, next) = (self.before[node as usize], self.next[node as usize]);
        self.next[before as usize] = next;
        self.before[next as usize] = before;
    }

    fn link(&mut self, node: u32) {
        let (before, next) = (self.before[node as usize], self.next[node as usize]);
        self.next[before as usize] = node;
        self.before[next as usize] = node;
    }
}
