//! Mutual exclusion: nobody acts under a lock while another does.

use super::invariant::{Invariant, Known};
use crate::judgement::{Judgement, Judging};
use crate::operation::{Operation, StepKind};
use crate::record::History;

/// The time in which an operation acted as the holder of a lock.
#[derive(Clone, Copy)]
struct Hold<'a> {
    operation: &'a Operation,
    from_ns: u64,
    /// `u64::MAX` where it never ended.
    to_ns: u64,
}

/// Never two holders of one lock at the same time.
#[derive(Debug)]
pub struct MutualExclusion;

impl Invariant for MutualExclusion {
    fn name(&self) -> &'static str {
        "mutual_exclusion"
    }

    fn title(&self) -> &'static str {
        "mutual exclusion"
    }

    fn demand(&self) -> &'static str {
        "Never two holders of one lock at the same time."
    }

    fn takes(&self) -> &'static str {
        "the steps `acquired`, `released`, …"
    }

    fn check(&self, history: &History, _known: &Known<'_>) -> Judgement {
        mutual_exclusion(history)
    }
}

/// Judges whether the holders of each key's lock kept out of one another's way, as their steps tell.
///
/// An operation acts as the holder from its first `acquired` step to its last own action: the release (whatever became
/// of it), else its last `written` or `refused` step, else its completion, else for ever. So a holder that was paused
/// past its lock's time to live is seen to overlap with the next one. A hold that begins in the moment in which another
/// ends does not overlap. Operations without steps (those that were never answered) cannot be seen to hold anything.
///
/// Each hold that begins within another is one violation; the proof is the pair.
fn mutual_exclusion(history: &History) -> Judgement {
    let mut judging = Judging::default();
    for (key, operations) in history.by_key() {
        judging.look_at(&operations);
        let mut holds: Vec<Hold<'_>> = operations.iter().filter_map(|operation| hold(operation)).collect();
        holds.sort_by_key(|hold| (hold.from_ns, hold.to_ns));
        let mut longest: Option<Hold<'_>> = None;
        for next in holds {
            if let Some(holder) = longest
                && next.from_ns < holder.to_ns
            {
                judging.violated(key, overlap(key, holder, next), &[holder.operation, next.operation]);
            }
            if longest.is_none_or(|holder| holder.to_ns < next.to_ns) {
                longest = Some(next);
            }
        }
    }
    judging.finish()
}

fn hold(operation: &Operation) -> Option<Hold<'_>> {
    let first = operation
        .steps
        .iter()
        .position(|step| step.what == StepKind::Acquired)?;
    let last_of = |kinds: &[StepKind]| {
        let steps = operation.steps[first..].iter().rev();
        steps
            .clone()
            .find(|step| kinds.contains(&step.what))
            .map(|step| step.at_ns)
    };
    let to_ns = last_of(&[StepKind::Released, StepKind::NotOwner, StepKind::DeletedForeign])
        .or_else(|| last_of(&[StepKind::Written, StepKind::Refused]))
        .or(operation.completed_ns)
        .unwrap_or(u64::MAX);
    Some(Hold {
        operation,
        from_ns: operation.steps[first].at_ns,
        to_ns,
    })
}

fn overlap(key: &str, holder: Hold<'_>, next: Hold<'_>) -> String {
    let (first, second) = (&holder.operation.actor, &next.operation.actor);
    let later = if holder.to_ns == u64::MAX {
        "never stopped acting under it".to_owned()
    } else {
        let ms = (holder.to_ns - next.from_ns) as f64 / 1e6;
        format!("still acted under it {ms:.1} ms later")
    };
    format!("{second} got the lock of {key} while {first} had it, and {first} {later}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::fixture::{ok, step, with_steps};
    use crate::judgement::InvariantVerdict;
    use crate::operation::StepKind::{Acquired, DeletedForeign, NotOwner, Read, Refused, Released, Written};
    use proptest::prelude::*;

    fn holding(id: u64, from: u64, to: u64, end: StepKind) -> Operation {
        with_steps(
            ok(id, "seat 7", from, to + 10),
            &[step(from, Acquired, Some(1)), step(to, end, None)],
        )
    }

    #[test]
    fn one_after_the_other_holds() {
        let history = History::new(vec![holding(1, 10, 20, Released), holding(2, 20, 30, Released)]);
        assert_eq!(mutual_exclusion(&history).verdict, InvariantVerdict::Holds);
    }

    #[test]
    fn a_holder_that_overstays_is_shown_with_the_next() {
        for end in [Released, NotOwner, DeletedForeign, Written, Refused] {
            let history = History::new(vec![
                holding(1, 0, 3_000_000, end),
                holding(2, 1_500_000, 2_000_000, Released),
            ]);
            let judgement = mutual_exclusion(&history);
            assert_eq!(judgement.violations[0].operations, [1, 2], "{end:?}");
            assert_eq!(
                judgement.violations[0].message,
                "buyer-2 got the lock of seat 7 while buyer-1 had it, and buyer-1 still acted under it 1.5 ms later."
            );
        }
    }

    #[test]
    fn the_release_ends_a_hold_even_if_the_answer_comes_later() {
        let mut first = holding(1, 10, 20, Released);
        first.completed_ns = Some(500);
        first.steps.insert(1, step(15, Written, None));
        let history = History::new(vec![first, holding(2, 21, 30, Released)]);
        assert_eq!(mutual_exclusion(&history).verdict, InvariantVerdict::Holds);
    }

    #[test]
    fn without_a_release_the_last_writing_counts_and_without_any_the_completion() {
        let mut written = with_steps(
            ok(1, "seat 7", 0, 500),
            &[step(10, Acquired, None), step(20, Written, None)],
        );
        let next = holding(2, 30, 40, Released);
        assert_eq!(
            mutual_exclusion(&History::new(vec![written.clone(), next.clone()])).verdict,
            InvariantVerdict::Holds
        );
        written.steps = vec![step(10, Acquired, None), step(20, Read, None)];
        assert_eq!(
            mutual_exclusion(&History::new(vec![written.clone(), next.clone()])).found,
            1
        );
        written.completed_ns = None;
        let judgement = mutual_exclusion(&History::new(vec![written, next]));
        assert!(
            judgement.violations[0]
                .message
                .ends_with("never stopped acting under it.")
        );
    }

    #[test]
    fn locks_of_different_keys_do_not_exclude_one_another() {
        let mut other = holding(2, 12, 18, Released);
        other.key = "seat 8".to_owned();
        assert_eq!(
            mutual_exclusion(&History::new(vec![holding(1, 10, 20, Released), other])).verdict,
            InvariantVerdict::Holds
        );
    }

    proptest! {
        #[test]
        fn violated_exactly_if_some_pair_overlaps(spans in prop::collection::vec((0_u64..30, 1_u64..10), 0..7)) {
            let ends: Vec<(u64, u64)> = spans.iter().map(|(from, length)| (*from, from + length)).collect();
            let history = (1..).zip(&ends).map(|(id, (from, to))| holding(id, *from, *to, Released)).collect();
            let overlaps = ends.iter().enumerate().any(|(index, one)| {
                ends[..index].iter().any(|other| one.0 < other.1 && other.0 < one.1)
            });
            let judgement = mutual_exclusion(&History::new(history));
            prop_assert_eq!(judgement.verdict == InvariantVerdict::Violated, overlaps);
            for violation in &judgement.violations {
                let span = |index: usize| ends[violation.operations[index] as usize - 1];
                let (one, other) = (span(0), span(1));
                prop_assert!(one.0 < other.1 && other.0 < one.1);
            }
        }
    }
}
