//! The search for one order that explains a history.

use std::collections::{HashMap, HashSet};

use super::demand::Demand;
use super::entry::Entry;
use super::model::{Leaves, Model};
use super::timeline::{At, Timeline};

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// There is such an order.
    Order,
    /// There is none.
    NoOrder,
    /// The bound on configurations was reached before either was known.
    GaveUp,
}

/// What a search brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Searched {
    pub(super) found: Found,
    /// When the furthest operation was due that could not be placed.
    pub(super) reached_ns: u64,
}

/// Looks for an order of the entries (sorted by invocation) that respects real time and in which the model gives the
/// answers that were given. Every configuration that is looked into is taken off `budget`.
///
/// This is the search of Wing and Gong (1993) in the form of Lowe ("Testing for linearizability", 2017): depth first,
/// just in time (what must be placed next is the operation that returned first; others are placed only before it), with
/// a set of configurations (placed operations, state) that were looked into before. Five rules cut it down; each only
/// leaves out choices that cannot lead to an order, or that another choice makes up for:
///
/// 1. A call that leaves the state as it is, and is legal now, is placed at once: removed from its later place and put
///    here it disturbs nobody.
/// 2. Of pending calls that are equal only the one that is due first is tried: the two may change places.
/// 3. A state is not left while a call that must be placed needs it and nobody can bring it back in time.
/// 4. A writing all of whose readers are pending (or which nobody reads) can be placed with them just before any other
///    writing, which hides it. So it is placed there, and by itself only when it or one of its readers is due; and
///    never if it need not be placed and nobody reads it.
/// 5. A configuration in which a pending call that must be placed can never be legal again is given up.
pub(super) fn search<M: Model>(model: &M, initial: M::State, entries: &[Entry<M::Call>], budget: &mut u64) -> Searched {
    let mut search = Search::new(model, entries);
    let found = search.run(initial, budget);
    let reached_ns = search.reached_ns;
    Searched { found, reached_ns }
}

struct Search<'a, M: Model> {
    model: &'a M,
    entries: &'a [Entry<M::Call>],
    timeline: Timeline,
    demand: Demand<M::State>,
    /// Entries with equal calls have one number.
    kinds: Vec<u32>,
    readings: Vec<bool>,
    /// Entries that must be placed and are not.
    open: usize,
    /// A hash of the set of placed entries: the sum (exclusive or) of one random number of 128 bits each (Zobrist).
    /// Among ten million configurations two sets share a hash by chance once in 10^24 searches.
    placed: u128,
    seen: HashSet<(u128, M::State)>,
    /// Placed entries, in order of being placed.
    trail: Vec<u32>,
    /// The moves of all frames, one after another.
    moves: Vec<u32>,
    frames: Vec<Frame<M::State>>,
    reached_ns: u64,
}

/// One configuration on the way to the present one.
struct Frame<S> {
    state: S,
    moves_from: usize,
    next_move: usize,
    /// Where the trail stood before the move that led here.
    trail_from: usize,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, entries: &'a [Entry<M::Call>]) -> Self {
        let mut numbers: HashMap<&M::Call, u32> = HashMap::new();
        let kinds = entries.iter().map(|entry| {
            let next = numbers.len() as u32;
            *numbers.entry(&entry.call).or_insert(next)
        });
        Self {
            model,
            entries,
            timeline: Timeline::new(entries),
            demand: Demand::new(model, entries),
            kinds: kinds.collect(),
            readings: entries
                .iter()
                .map(|entry| matches!(model.leaves(&entry.call), Leaves::Same))
                .collect(),
            open: entries.iter().filter(|entry| entry.due_ns.is_some()).count(),
            placed: 0,
            seen: HashSet::new(),
            trail: Vec::new(),
            moves: Vec::new(),
            frames: Vec::new(),
            reached_ns: 0,
        }
    }

    fn run(&mut self, initial: M::State, budget: &mut u64) -> Found {
        if let Some(due_ns) = self.demand.hopeless(&initial) {
            self.reached_ns = due_ns;
            return Found::NoOrder;
        }
        self.place_readings(&initial);
        if self.open == 0 {
            return Found::Order;
        }
        self.open_frame(initial, 0);
        while let Some(frame) = self.frames.last_mut() {
            if frame.next_move == self.moves.len() {
                let (moves_from, trail_from) = (frame.moves_from, frame.trail_from);
                self.moves.truncate(moves_from);
                self.take_back(trail_from);
                self.frames.pop();
                continue;
            }
            let entry = self.moves[frame.next_move];
            frame.next_move += 1;
            let before = frame.state.clone();
            let trail_from = self.trail.len();
            let Some(state) = self.place_move(&before, entry) else {
                self.take_back(trail_from);
                continue;
            };
            self.place_readings(&state);
            if self.open == 0 {
                return Found::Order;
            }
            if self.is_lost(&state) || !self.seen.insert((self.placed, state.clone())) {
                self.take_back(trail_from);
                continue;
            }
            if *budget == 0 {
                return Found::GaveUp;
            }
            *budget -= 1;
            self.open_frame(state, trail_from);
        }
        Found::NoOrder
    }

    /// Places an entry and what it hides; none where the state before must not be left (rule 3).
    fn place_move(&mut self, before: &M::State, entry: u32) -> Option<M::State> {
        let state = self.model.step(before, &self.entries[entry as usize].call)?;
        if self.demand.hides(entry) {
            self.place_hidden(before, entry);
        }
        self.place(entry);
        (state == *before || !self.demand.binds(before)).then_some(state)
    }

    /// Rule 4: places all self-contained writings but this one, each with its readers.
    fn place_hidden(&mut self, before: &M::State, by: u32) {
        let Some(first_due) = self.first_due() else { return };
        let now_ns = self.due_ns(first_due);
        for hidden in self.pending() {
            let wanted = self.entries[hidden as usize].due_ns.is_some() || self.demand.is_needed(hidden);
            if hidden == by || !wanted || !self.demand.self_contained(hidden, now_ns) {
                continue;
            }
            if let Some(state) = self.model.step(before, &self.entries[hidden as usize].call) {
                self.place(hidden);
                self.place_readings(&state);
            }
        }
    }

    /// Rule 5.
    fn is_lost(&self, state: &M::State) -> bool {
        let mut pending = self.pending().into_iter().map(|entry| &self.entries[entry as usize]);
        pending.any(|entry| entry.due_ns.is_some() && self.model.never(state, &entry.call))
    }

    /// Rule 1: places every pending reading that is legal in this state.
    fn place_readings(&mut self, state: &M::State) {
        let mut node = self.timeline.first();
        // What is placed may have been the first to return, so that more is pending now; the walk just goes on.
        while let At::Invocation(entry) = self.timeline.at(node) {
            let index = entry as usize;
            let legal = self.readings[index] && self.model.step(state, &self.entries[index].call).is_some();
            if !legal {
                node = self.timeline.after(node);
                continue;
            }
            let before = self.timeline.before(node);
            self.place(entry);
            node = self.timeline.after(before);
        }
    }

    fn open_frame(&mut self, state: M::State, trail_from: usize) {
        let moves_from = self.moves.len();
        let moves = self.choices(&state);
        self.moves.extend(moves);
        self.frames.push(Frame {
            state,
            moves_from,
            next_move: moves_from,
            trail_from,
        });
    }

    /// The moves from this configuration, the most promising first: what must be placed now, then what makes that
    /// possible, then the others, each in the order in which they are due.
    fn choices(&mut self, state: &M::State) -> Vec<u32> {
        let Some(first_due) = self.first_due() else {
            return Vec::new();
        };
        let mut choices: Vec<(u8, u64, u32)> = Vec::new();
        let now_ns = self.due_ns(first_due);
        self.reached_ns = self.reached_ns.max(now_ns);
        for entry in self.pending() {
            let index = entry as usize;
            let later = || self.demand.self_contained(entry, now_ns) && !self.demand.serves(entry, first_due);
            if self.readings[index] || (entry != first_due && later()) {
                continue;
            }
            let due_ns = self.due_ns(entry);
            let twin = choices
                .iter_mut()
                .find(|choice| self.kinds[choice.2 as usize] == self.kinds[index]);
            if let Some(twin) = twin {
                // Rule 2. Equal calls are equally promising, but for the one that is due first of all.
                let optional = |entry: u32| self.entries[entry as usize].due_ns.is_none();
                if (due_ns, optional(entry)) < (twin.1, optional(twin.2)) {
                    *twin = (if entry == first_due { 0 } else { twin.0 }, due_ns, entry);
                }
                continue;
            }
            let Some(after) = self.model.step(state, &self.entries[index].call) else {
                continue;
            };
            let promise = if entry == first_due {
                0
            } else {
                u8::from(
                    self.model
                        .step(&after, &self.entries[first_due as usize].call)
                        .is_none(),
                ) + 1
            };
            choices.push((promise, due_ns, entry));
        }
        choices.sort_unstable();
        choices.into_iter().map(|(_, _, entry)| entry).collect()
    }

    /// By when the entry must be placed; the end of time where it need not be.
    fn due_ns(&self, entry: u32) -> u64 {
        self.entries[entry as usize].due_ns.unwrap_or(u64::MAX)
    }

    /// Entries that were invoked before the first return, and are not placed.
    fn pending(&self) -> Vec<u32> {
        let mut pending = Vec::new();
        let mut node = self.timeline.first();
        while let At::Invocation(entry) = self.timeline.at(node) {
            pending.push(entry);
            node = self.timeline.after(node);
        }
        pending
    }

    /// The entry whose return comes first.
    fn first_due(&self) -> Option<u32> {
        let mut node = self.timeline.first();
        loop {
            match self.timeline.at(node) {
                At::Invocation(_) => node = self.timeline.after(node),
                At::Return(entry) => return Some(entry),
                At::End => return None,
            }
        }
    }

    fn place(&mut self, entry: u32) {
        self.timeline.take(entry);
        self.demand.take(entry);
        self.placed ^= random(entry);
        self.open -= usize::from(self.entries[entry as usize].due_ns.is_some());
        self.trail.push(entry);
    }

    fn take_back(&mut self, trail_from: usize) {
        for entry in self.trail.split_off(trail_from).into_iter().rev() {
            self.timeline.give_back(entry);
            self.demand.give_back(entry);
            self.placed ^= random(entry);
            self.open += usize::from(self.entries[entry as usize].due_ns.is_some());
        }
    }
}

/// A fixed random number for each entry.
fn random(entry: u32) -> u128 {
    let index = u64::from(entry) * 2;
    (u128::from(hash::mix(index)) << 64) | u128::from(hash::mix(index + 1))
}
