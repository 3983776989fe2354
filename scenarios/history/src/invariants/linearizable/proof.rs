//! The smallest proof that a history has no order.

use std::collections::HashSet;

use super::drop::is_unnoticed;
use super::entry::Entry;
use super::model::{Leaves, Model};
use super::span::Span;
use crate::operation::Operation;

/// Configurations that one attempt at a smaller proof may cost. What is too costly to prove is kept.
const ATTEMPT_CONFIGURATIONS_MAX: u64 = 100_000;

/// Operations that are compared with one another, which takes time with the square of their number.
const CONTRADICTION_OPERATIONS_MAX: usize = 20_000;

/// Attempts at dropping operations, and the configurations that they may cost together.
const ATTEMPTS_MAX: usize = 400;
const CONFIGURATIONS_MAX: u64 = 500_000;

/// Entries of a span without an order that have no order by themselves, as few as can be found in bounded time.
///
/// They are those of its shortest prefix without one (by bisection over the returns), from which operations are dropped
/// (delta debugging, Zeller and Hildebrandt 2002) as long as the rest has no order. Only such are dropped as a legal
/// order could lose and stay legal (readings and refusals, writings that nobody can notice, and what
/// [`Model::droppable`] allows), so that if the whole had an order, the rest would have one too.
pub(super) fn smallest<M: Model>(model: &M, operations: &[&Operation], span: Span) -> Vec<Entry<M::Call>> {
    // Every operation was read before, as part of the whole history.
    let entries = span.entries(model, operations).unwrap_or_default();
    let (entries, cut_ns) = shortest_prefix(model, operations, span, entries);
    let mut shrink = Shrink {
        model,
        span,
        entries,
        attempts_left: ATTEMPTS_MAX,
        configurations_left: CONFIGURATIONS_MAX,
    };
    // Most often one reading alone contradicts the writings: the last to return.
    let others: Vec<usize> = shrink.candidates(true, |entry| entry.due_ns != Some(cut_ns));
    shrink.drop(&others, true);
    loop {
        let before = shrink.entries.len();
        shrink.drop_all_possible(true);
        shrink.drop_all_possible(false);
        if shrink.entries.len() == before || shrink.attempts_left == 0 {
            return shrink.entries;
        }
    }
}

fn shortest_prefix<M: Model>(
    model: &M,
    operations: &[&Operation],
    span: Span,
    whole: Vec<Entry<M::Call>>,
) -> (Vec<Entry<M::Call>>, u64) {
    let mut cuts: Vec<u64> = whole.iter().filter_map(|entry| entry.due_ns).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut from, mut to) = (0, cuts.len());
    let mut shortest = (whole, cuts.last().copied().unwrap_or(u64::MAX));
    while from < to {
        let middle = from + (to - from) / 2;
        let span = Span {
            cut_ns: cuts[middle],
            ..span
        };
        let entries = span.entries(model, operations).unwrap_or_default();
        if span.has_no_order(model, &entries, &mut { ATTEMPT_CONFIGURATIONS_MAX }) {
            shortest = (entries, cuts[middle]);
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    shortest
}

/// Two operations that contradict each other whatever else happened ([`Model::forbids`]), those that returned first.
pub(super) fn contradiction<M: Model>(model: &M, entries: &[Entry<M::Call>]) -> Option<[Entry<M::Call>; 2]> {
    let mut returned: Vec<&Entry<M::Call>> = entries.iter().filter(|entry| entry.due_ns.is_some()).collect();
    returned.sort_by_key(|entry| entry.due_ns);
    returned.truncate(CONTRADICTION_OPERATIONS_MAX);
    let may_precede = |one: &Entry<M::Call>, other: &Entry<M::Call>| {
        Some(one.invoked_ns) <= other.due_ns && !model.forbids(&one.call, &other.call)
    };
    returned.iter().enumerate().find_map(|(index, last)| {
        let other = returned[..index]
            .iter()
            .find(|other| !may_precede(other, last) && !may_precede(last, other))?;
        Some([(*other).clone(), (*last).clone()])
    })
}

struct Shrink<'a, M: Model> {
    model: &'a M,
    span: Span,
    entries: Vec<Entry<M::Call>>,
    attempts_left: usize,
    configurations_left: u64,
}

impl<M: Model> Shrink<'_, M> {
    /// The readings, or the others, among those that `also` accepts.
    fn candidates(&self, readings: bool, also: impl Fn(&Entry<M::Call>) -> bool) -> Vec<usize> {
        let is_reading = |entry: &Entry<M::Call>| matches!(self.model.leaves(&entry.call), Leaves::Same);
        let candidates = self
            .entries
            .iter()
            .filter(|entry| is_reading(entry) == readings && also(entry));
        candidates.map(|entry| entry.operation).collect()
    }

    /// Drops as many as possible, in ever smaller chunks, of the readings or of the others.
    fn drop_all_possible(&mut self, readings: bool) {
        let mut candidates = self.candidates(readings, |_| true);
        let mut size = candidates.len();
        while size > 0 {
            let mut kept = Vec::new();
            for chunk in candidates.chunks(size) {
                if !self.drop(chunk, readings) {
                    kept.extend_from_slice(chunk);
                }
            }
            candidates = kept;
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// Drops these operations if the rest proves as much.
    fn drop(&mut self, chunk: &[usize], readings: bool) -> bool {
        if self.attempts_left == 0 {
            return false;
        }
        let chunk: HashSet<usize> = chunk.iter().copied().collect();
        let (dropped, kept): (Vec<_>, Vec<_>) = self
            .entries
            .iter()
            .cloned()
            .partition(|entry| chunk.contains(&entry.operation));
        let sound = readings
            || is_unnoticed(self.model, &dropped, &kept)
            || self.model.droppable(&calls(&dropped), &calls(&kept));
        if !sound {
            return false;
        }
        self.attempts_left -= 1;
        let allowed = ATTEMPT_CONFIGURATIONS_MAX.min(self.configurations_left);
        let mut budget = allowed;
        let proves = self.span.has_no_order(self.model, &kept, &mut budget);
        self.configurations_left -= allowed - budget;
        if proves {
            self.entries = kept;
        }
        proves
    }
}

fn calls<C>(entries: &[Entry<C>]) -> Vec<&C> {
    entries.iter().map(|entry| &entry.call).collect()
}
