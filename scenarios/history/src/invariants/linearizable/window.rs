//! A violation is local: near the operation at which the search got stuck a short span often has no order by itself,
//! whatever was before, and that is known long before all of the past was tried.

use super::model::Model;
use super::span::Span;
use crate::operation::Operation;

/// How many operations before and after the place a span takes in, from the first attempt to the last.
const REACHES: [usize; 4] = [8, 24, 72, 216];

/// Configurations that one attempt may cost.
const ATTEMPT_CONFIGURATIONS_MAX: u64 = 100_000;

/// A short span around a moment that has no order, whatever state it began with.
pub(super) fn find<M: Model>(model: &M, operations: &[&Operation], around_ns: u64) -> Option<Span> {
    let middle = operations.partition_point(|operation| operation.invoked_ns <= around_ns);
    REACHES.into_iter().find_map(|reach| {
        let from_ns = middle
            .checked_sub(reach)
            .map_or(0, |first| operations[first].invoked_ns);
        let cut_ns = operations.get(middle + reach).map_or(u64::MAX, |last| last.invoked_ns);
        let span = Span { from_ns, cut_ns };
        let entries = span.entries(model, operations).ok()?;
        span.has_no_order(model, &entries, &mut { ATTEMPT_CONFIGURATIONS_MAX })
            .then_some(span)
    })
}
