//! Read your writes: whoever was told that something is done finds it done in every later answer.

use std::collections::BTreeMap;

use contract::CountReading;

use super::invariant::{Invariant, Known};
use crate::judgement::{Judgement, Judging};
use crate::operation::{Completion, Operation};
use crate::record::History;

/// A client's count holds everything that the same client has counted before.
#[derive(Debug)]
pub struct ReadYourWrites;

impl Invariant for ReadYourWrites {
    fn name(&self) -> &'static str {
        "read_your_writes"
    }

    fn title(&self) -> &'static str {
        "read your writes"
    }

    fn demand(&self) -> &'static str {
        "A client's count holds everything that the same client has counted before."
    }

    fn takes(&self) -> &'static str {
        "answers with a `count`"
    }

    fn check(&self, history: &History, _known: &Known<'_>) -> Judgement {
        let mut judging = Judging::default();
        for (key, operations) in history.by_key() {
            judging.look_at(&operations);
            let mut sessions: BTreeMap<&str, Vec<Answer<'_>>> = BTreeMap::new();
            for answer in operations.iter().filter_map(|operation| Answer::of(operation)) {
                sessions.entry(&answer.operation.actor).or_default().push(answer);
            }
            for session in sessions.values() {
                judge_session(&mut judging, key, session);
            }
        }
        judging.finish()
    }
}

/// An increment that was answered, with the count that it was answered with.
#[derive(Clone, Copy)]
struct Answer<'a> {
    operation: &'a Operation,
    completed_ns: u64,
    count: i64,
}

impl<'a> Answer<'a> {
    fn of(operation: &'a Operation) -> Option<Self> {
        let answered = operation.outcome == Completion::Ok;
        Some(Self {
            operation,
            completed_ns: operation.completed_ns.filter(|_| answered)?,
            count: CountReading::count_in(&operation.output)?.as_i64()?,
        })
    }
}

/// Judges the answers of one client in the order of their invocation (Terry et al. 1994, "Session guarantees for weakly
/// consistent replicated data"). An increment adds at least one to what its client had counted when it was invoked, so a
/// count that is not above every one that was answered by then leaves some of them out.
///
/// Each such answer is one violation; the proof is it and the highest one before it.
fn judge_session(judging: &mut Judging, key: &str, session: &[Answer<'_>]) {
    let mut by_completion = session.to_vec();
    by_completion.sort_by_key(|answer| answer.completed_ns);
    let mut completed = by_completion.into_iter().peekable();
    let mut highest: Option<Answer<'_>> = None;
    for later in session {
        while let Some(earlier) = completed.next_if(|answer| answer.completed_ns < later.operation.invoked_ns) {
            if highest.is_none_or(|highest| highest.count < earlier.count) {
                highest = Some(earlier);
            }
        }
        if let Some(earlier) = highest.filter(|earlier| later.count <= earlier.count) {
            let message = format!(
                "{} read that {key} is {}, and then got {} after counting once more.",
                later.operation.actor, earlier.count, later.count
            );
            judging.violated(key, message, &[earlier.operation, later.operation]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::invariants::fixture::ok;
    use crate::judgement::InvariantVerdict;

    fn counted(id: u64, actor: &str, times_ns: (u64, u64), count: i64) -> Operation {
        Operation {
            actor: actor.to_owned(),
            output: json!({ "count": count, "instance": "gateway-1" }),
            ..ok(id, "count", times_ns.0, times_ns.1)
        }
    }

    fn judge(operations: Vec<Operation>) -> Judgement {
        ReadYourWrites.check(&History::new(operations), &Known::default())
    }

    #[test]
    fn another_client_may_be_told_less() {
        let judgement = judge(vec![counted(1, "a", (0, 10), 5), counted(2, "b", (20, 30), 1)]);
        assert_eq!(judgement.verdict, InvariantVerdict::Holds);
    }

    #[test]
    fn a_count_that_was_answered_before_is_one_too_few() {
        let judgement = judge(vec![counted(1, "a", (0, 10), 5), counted(2, "a", (11, 20), 5)]);
        assert_eq!(
            (judgement.found, &judgement.violations[0].operations[..]),
            (1, &[1, 2][..])
        );
        assert_eq!(
            judgement.violations[0].message,
            "a read that count is 5, and then got 5 after counting once more."
        );
    }

    #[test]
    fn what_was_under_way_at_the_same_time_or_had_no_answer_proves_nothing() {
        let mut unknown = counted(1, "a", (0, 10), 9);
        unknown.outcome = Completion::Unknown;
        let judgement = judge(vec![
            unknown,
            counted(2, "a", (12, 30), 2),
            counted(3, "a", (20, 40), 1),
        ]);
        assert_eq!((judgement.verdict, judgement.unknown), (InvariantVerdict::Holds, 1));
    }
}
