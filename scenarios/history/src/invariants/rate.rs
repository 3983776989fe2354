//! A rate limit: so many in any window of time, wherever the window begins.

mod schedule;

use super::invariant::{Invariant, Known};
use super::parameter::Parameter;
use crate::judgement::{Judgement, Judging};
use crate::operation::{Completion, Operation};
use crate::record::History;
use schedule::{Span, fits};

const LIMIT: Parameter = Parameter {
    name: "limit",
    meaning: "how many operations on a key may succeed in any window",
    min: 1.0,
    max: 200_000.0,
    default: None,
};

const WINDOW_S: Parameter = Parameter {
    name: "window_s",
    meaning: "how long such a window is, seconds",
    min: 0.001,
    max: 3600.0,
    default: None,
};

/// At most `limit` operations on each key succeed in any `window_s` seconds.
#[derive(Debug)]
pub struct Rate;

impl Invariant for Rate {
    fn name(&self) -> &'static str {
        "rate"
    }

    fn title(&self) -> &'static str {
        "rate limit"
    }

    fn demand(&self) -> &'static str {
        "At most `limit` operations on each key succeed in any `window_s` seconds."
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[LIMIT, WINDOW_S]
    }

    fn takes(&self) -> &'static str {
        "`limit`, `window_s`"
    }

    fn tells_most(&self) -> bool {
        true
    }

    fn check(&self, history: &History, known: &Known<'_>) -> Judgement {
        let limit = Limit {
            most: LIMIT.whole_in(known.numbers).max(1) as usize,
            window_ns: (WINDOW_S.value_in(known.numbers) * 1e9).round() as u64,
        };
        rate(history, limit)
    }
}

/// So many in any window of this length.
#[derive(Clone, Copy)]
struct Limit {
    most: usize,
    window_ns: u64,
}

/// Judges whether the operations of each key (a client, a tenant) that succeeded keep a limit.
///
/// Each was admitted at some instant between its invocation and its answer, and nobody saw when. So a limit is kept if
/// *some* choice of those instants keeps it in every half-open window, and broken only if none does: see [`fits`], which
/// decides that. [`Judgement::most`] is the smallest limit that the history may have kept, hence a lower bound of the
/// most that were really admitted in one window. What is unknown may not have been admitted, and is left out.
///
/// A broken limit of N is one violation for each key. If some window holds N + 1 operations from invocation to answer,
/// those are the proof. Only where operations took a good part of a window may the proof need more: too many of them in
/// several windows together.
fn rate(history: &History, limit: Limit) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        let admitted = operations
            .into_iter()
            .filter(|operation| operation.outcome == Completion::Ok);
        judge_key(&mut judging, key, &admitted.map(Span::of).collect::<Vec<_>>(), limit);
    }
    judging.finish()
}

fn judge_key(judging: &mut Judging, key: &str, spans: &[Span<'_>], limit: Limit) {
    let window_ns = limit.window_ns;
    let fullest = fullest(spans, window_ns);
    let limits: Vec<usize> = (fullest.len().max(1)..=spans.len()).collect();
    let too_low = limits.partition_point(|limit| fits(spans, *limit, window_ns) == Some(false));
    let most = limits.get(too_low).copied().unwrap_or(spans.len());
    judging.saw_most(most as u64);
    if fullest.len() > limit.most {
        let message = broken(key, &fullest, limit);
        judging.violated(key, message, &operations(&fullest[..=limit.most]));
    } else if most > limit.most {
        let proof = smallest(spans, limit);
        judging.violated(key, broken(key, &proof, limit), &operations(&proof));
    } else if fits(spans, limit.most, window_ns) != Some(true) {
        judging.undecided(format!(
            "{key}: too many operations took too long to tell when they were admitted"
        ));
    }
}

/// Those that lie wholly in the fullest window, in order of their answers. What took as long as a window lies in none.
fn fullest<'a>(spans: &[Span<'a>], window_ns: u64) -> Vec<Span<'a>> {
    let short = spans.iter().filter(|span| span.to_ns - span.from_ns < window_ns);
    let mut short: Vec<Span<'a>> = short.copied().collect();
    short.sort_by_key(|span| span.from_ns);
    let mut answers: Vec<u64> = short.iter().map(|span| span.to_ns).collect();
    answers.sort_unstable();
    let end_ns = |first: &Span<'_>| first.from_ns.saturating_add(window_ns);
    let inside = |(before, first): &(usize, &Span<'_>)| {
        // Whatever was invoked before the window is short enough to be answered before its end.
        answers.partition_point(|answer| *answer < end_ns(first)) - before
    };
    let Some((_, first)) = short.iter().enumerate().rev().max_by_key(inside) else {
        return Vec::new();
    };
    let within = |span: &&Span<'_>| span.from_ns >= first.from_ns && span.to_ns < end_ns(first);
    let mut found: Vec<Span<'a>> = short.iter().filter(within).copied().collect();
    found.sort_by_key(|span| span.to_ns);
    found
}

/// A part of a history that breaks the limit, and would keep it without any one of its operations.
fn smallest<'a>(spans: &[Span<'a>], limit: Limit) -> Vec<Span<'a>> {
    let breaks = |part: &[Span<'_>]| fits(part, limit.most, limit.window_ns) == Some(false);
    let mut kept = spans.to_vec();
    let cut = |kept: &mut Vec<Span<'a>>| {
        let lengths: Vec<usize> = (0..=kept.len()).collect();
        kept.truncate(lengths.partition_point(|length| !breaks(&kept[..*length])));
    };
    kept.sort_by_key(|span| span.to_ns);
    cut(&mut kept);
    kept.sort_by_key(|span| std::cmp::Reverse(span.from_ns));
    cut(&mut kept);
    for index in (0..kept.len()).rev() {
        let mut without = kept.clone();
        without.remove(index);
        if breaks(&without) {
            kept = without;
        }
    }
    kept
}

fn broken(key: &str, spans: &[Span<'_>], limit: Limit) -> String {
    let from_ns = spans.iter().map(|span| span.from_ns).min().unwrap_or(0);
    let to_ns = spans.iter().map(|span| span.to_ns).max().unwrap_or(0);
    let seconds = |ns: u64| ns as f64 / 1e9;
    format!(
        "{key}: {} were admitted within {:.3} s, and at most {} may be in any {} s.",
        spans.len(),
        seconds(to_ns - from_ns),
        limit.most,
        seconds(limit.window_ns)
    )
}

fn operations<'a>(spans: &[Span<'a>]) -> Vec<&'a Operation> {
    spans.iter().map(|span| span.operation).collect()
}

#[cfg(test)]
mod tests;
