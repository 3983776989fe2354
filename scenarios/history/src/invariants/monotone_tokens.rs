//! Fencing: once a newer token has written, no older one may.

use super::invariant::{Invariant, Known};
use crate::judgement::{Judgement, Judging};
use crate::operation::{Operation, StepKind};
use crate::record::History;

/// One accepted writing and the token under which it was made.
struct Writing<'a> {
    operation: &'a Operation,
    at_ns: u64,
    token: i64,
}

/// What is written under a fencing token is never followed by what is written under an older one.
#[derive(Debug)]
pub struct MonotoneTokens;

impl Invariant for MonotoneTokens {
    fn name(&self) -> &'static str {
        "monotone_tokens"
    }

    fn title(&self) -> &'static str {
        "rising tokens"
    }

    fn demand(&self) -> &'static str {
        "What is written under a fencing token is never followed by what is written under an older one."
    }

    fn takes(&self) -> &'static str {
        "the steps `acquired` with a token, `written`"
    }

    fn check(&self, history: &History, _known: &Known<'_>) -> Judgement {
        monotone_tokens(history)
    }
}

/// Judges whether the tokens under which each key was written never fall (Kleppmann 2016, "How to do distributed
/// locking").
///
/// Every `written` step was accepted; its token is the value of the `acquired` step before it. Writings without a token
/// are not judged, and of two writings in the same nanosecond the older token is taken to be the first.
///
/// Each stale writing is one violation, so [`Judgement::found`] is the number of stale writes; the proof is the stale
/// writer and the newest one before it.
fn monotone_tokens(history: &History) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        let mut writings: Vec<Writing<'_>> = operations.iter().flat_map(|operation| writings(operation)).collect();
        writings.sort_by_key(|writing| (writing.at_ns, writing.token));
        let mut newest: Option<&Writing<'_>> = None;
        for next in &writings {
            match newest {
                Some(newer) if next.token < newer.token => {
                    judging.violated(key, stale(key, newer, next), &[newer.operation, next.operation]);
                }
                _ => newest = Some(next),
            }
        }
    }
    judging.finish()
}

fn writings(operation: &Operation) -> Vec<Writing<'_>> {
    let mut token = None;
    let mut writings = Vec::new();
    for step in &operation.steps {
        match (step.what, token) {
            (StepKind::Acquired, _) => token = step.value,
            (StepKind::Written, Some(token)) => writings.push(Writing {
                operation,
                at_ns: step.at_ns,
                token,
            }),
            _ => {}
        }
    }
    writings
}

fn stale(key: &str, newer: &Writing<'_>, stale: &Writing<'_>) -> String {
    let ms = (stale.at_ns - newer.at_ns) as f64 / 1e6;
    let (late, new) = (&stale.operation.actor, &newer.operation.actor);
    format!(
        "{late} wrote {key} with token {}, {ms:.1} ms after {new} had written it with token {}.",
        stale.token, newer.token
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, step, with_steps};
    use crate::judgement::InvariantVerdict;
    use crate::operation::StepKind::{Acquired, Refused, Written};

    fn writer(id: u64, token: Option<i64>, at_ns: u64) -> Operation {
        with_steps(
            ok(id, "seat 7", 0, at_ns + 10),
            &[step(1, Acquired, token), step(at_ns, Written, Some(9))],
        )
    }

    #[test]
    fn rising_tokens_hold_and_the_same_token_may_write_twice() {
        let mut twice = writer(1, Some(33), 10);
        twice.steps.push(step(12, Written, Some(8)));
        let history = History::new(vec![twice, writer(2, Some(34), 20), writer(3, Some(40), 30)]);
        assert_eq!(monotone_tokens(&history).verdict, InvariantVerdict::Holds);
    }

    #[test]
    fn a_stale_writing_is_shown_with_the_newer_one_before_it() {
        let history = History::new(vec![writer(1, Some(33), 5_000_000), writer(2, Some(34), 2_000_000)]);
        let judgement = monotone_tokens(&history);
        assert_eq!(judgement.found, 1);
        assert_eq!(judgement.violations[0].operations, [1, 2]);
        assert_eq!(
            judgement.violations[0].message,
            "buyer-1 wrote seat 7 with token 33, 3.0 ms after buyer-2 had written it with token 34."
        );
    }

    #[test]
    fn every_stale_writing_is_counted_against_the_newest_token() {
        let tokens = [5, 3, 4, 6, 1];
        let operations = (1..)
            .zip(tokens)
            .map(|(id, token)| writer(id, Some(token), id * 100))
            .collect();
        let judgement = monotone_tokens(&History::new(operations));
        assert_eq!(judgement.found, 3);
        assert_eq!(judgement.violations[2].operations, [4, 5]);
    }

    #[test]
    fn what_the_storage_refused_and_what_had_no_token_does_not_count() {
        let mut refused = writer(1, Some(33), 50);
        refused.steps[1].what = Refused;
        let history = History::new(vec![refused, writer(2, Some(34), 20), writer(3, None, 60)]);
        assert_eq!(monotone_tokens(&history).verdict, InvariantVerdict::Holds);
    }
}
