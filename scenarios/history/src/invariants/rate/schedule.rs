//! Whether operations can have been admitted within a limit, whatever nobody saw.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::operation::Operation;

/// Most instants that are chosen for one question; beyond that nobody can say.
const CHOICES_MAX: usize = 50_000_000;

/// When an operation may have been admitted: from its invocation to its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) operation: &'a Operation,
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
}

impl<'a> Span<'a> {
    pub(super) fn of(operation: &'a Operation) -> Self {
        let from_ns = operation.invoked_ns;
        Self {
            operation,
            from_ns,
            // An answer without a time was there in the end.
            to_ns: operation.completed_ns.unwrap_or(u64::MAX).max(from_ns),
        }
    }
}

/// Whether an instant can be chosen in each span so that no half-open window of this length holds more than `limit` of
/// them; none where it takes too long to find out.
///
/// That is the scheduling of jobs of equal length on `limit` machines, each to start within its span: a machine is taken
/// for as long as a window. It is decided as in Simons and Warmuth, "A fast algorithm for multiprocessor scheduling of
/// unit-length jobs" (SIAM Journal on Computing 18, 1989). Earliest deadline first gives the earliest time at which the
/// k-th job of any schedule can start. Where a job comes too late, the last one before it with a later deadline (at place
/// p) was started too early: were all those after it still after place p, the last of them would again come too late. So one
/// of them has to be at place p or before, and place p does not start before the first of them is there, which is a
/// barrier for the next try. Where no job before the late one has a later deadline, they are too many for any schedule.
pub(super) fn fits(spans: &[Span<'_>], limit: usize, window_ns: u64) -> Option<bool> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| span.from_ns);
    let mut barriers = vec![0; spans.len()];
    for _ in 0..=CHOICES_MAX / spans.len().max(1) {
        let Err(started) = earliest_first(&spans, limit, window_ns, &barriers) else {
            return Some(true);
        };
        let late = started.last()?;
        let Some(place) = started.iter().rposition(|span| span.to_ns > late.to_ns) else {
            return Some(false);
        };
        barriers[place] = started[place + 1..].iter().map(|span| span.from_ns).min()?;
    }
    None
}

/// Starts each job as early as it can be, of those that are there the one with the earliest deadline. The error is the jobs
/// in order of their starts, the last of which came too late.
fn earliest_first<'a>(spans: &[Span<'a>], limit: usize, window_ns: u64, barriers: &[u64]) -> Result<(), Vec<Span<'a>>> {
    let mut waiting = BinaryHeap::new();
    let mut coming = spans.iter().enumerate().peekable();
    let mut starts: Vec<u64> = Vec::with_capacity(spans.len());
    let mut started = Vec::with_capacity(spans.len());
    for (place, barrier) in barriers.iter().enumerate() {
        let machine = place
            .checked_sub(limit)
            .map_or(0, |before| starts[before].saturating_add(window_ns));
        let mut now = machine.max(*barrier).max(starts.last().copied().unwrap_or(0));
        if let (true, Some((_, next))) = (waiting.is_empty(), coming.peek()) {
            now = now.max(next.from_ns);
        }
        while let Some((index, span)) = coming.next_if(|(_, span)| span.from_ns <= now) {
            waiting.push(Reverse((span.to_ns, index)));
        }
        let Some(Reverse((deadline, index))) = waiting.pop() else {
            break;
        };
        starts.push(now);
        started.push(spans[index]);
        if now > deadline {
            return Err(started);
        }
    }
    Ok(())
}
