//! A set whose members are in the order of their scores.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// A score that can be ordered: it is a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score(pub(crate) f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        // Zero has two signs, which are equal.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

/// The scores from one on, and up to another one which is not among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scores {
    from: Score,
    until: Option<Score>,
}

impl Scores {
    /// Those between two, each of which may be left out.
    pub(crate) fn between(low: f64, without_low: bool, high: f64, without_high: bool) -> Self {
        // Behind infinity nothing comes.
        let nothing = without_low && low == f64::INFINITY;
        let from = if without_low { low.next_up() } else { low };
        let until = match (without_high, high == f64::INFINITY) {
            (true, _) => Some(high),
            (false, true) => None,
            (false, false) => Some(high.next_up()),
        };
        Self {
            from: Score(from),
            until: if nothing { Some(Score(from)) } else { until.map(Score) },
        }
    }
}

/// Members in the order of their scores, and those of equal scores in the order of their bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct SortedSet {
    scores: HashMap<Vec<u8>, Score>,
    order: BTreeSet<(Score, Vec<u8>)>,
}

impl SortedSet {
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(|score| score.0)
    }

    /// Sets the score of a member, which may be new.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64) {
        self.remove(member);
        self.scores.insert(member.to_vec(), Score(score));
        self.order.insert((Score(score), member.to_vec()));
    }

    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        let Some((member, score)) = self.scores.remove_entry(member) else {
            return false;
        };
        self.order.remove(&(score, member))
    }

    /// Members and scores, the lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        self.order.iter().map(|(score, member)| (member.as_slice(), score.0))
    }

    /// Those whose scores are within bounds, the lowest first.
    pub(crate) fn within(&self, scores: Scores) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        let key = |score| (score, Vec::new());
        let until = match scores.until {
            // A range of a tree may not begin behind its end.
            Some(until) => Bound::Excluded(key(until.max(scores.from))),
            None => Bound::Unbounded,
        };
        let range = self.order.range((Bound::Included(key(scores.from)), until));
        range.map(|(score, member)| (member.as_slice(), score.0))
    }

    /// The lowest or the highest member, taken out.
    pub(crate) fn pop(&mut self, highest: bool) -> Option<(Vec<u8>, f64)> {
        let (score, member) = if highest {
            self.order.pop_last()
        } else {
            self.order.pop_first()
        }?;
        self.scores.remove(&member);
        Some((member, score.0))
    }

    /// How many members come before this one.
    pub(crate) fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = *self.scores.get(member)?;
        Some(self.order.range(..(score, member.to_vec())).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(members: &[(&str, f64)]) -> SortedSet {
        let mut set = SortedSet::default();
        for (member, score) in members {
            set.insert(member.as_bytes(), *score);
        }
        set
    }

    #[test]
    fn a_range_has_its_ends_or_leaves_them_out() {
        let infinite = f64::INFINITY;
        let set = of(&[
            ("low", -infinite),
            ("a", 1.0),
            ("b", 2.0),
            ("c", 2.0),
            ("high", infinite),
        ]);
        let within = |low, without_low, high, without_high| -> Vec<String> {
            set.within(Scores::between(low, without_low, high, without_high))
                .map(|(member, _)| String::from_utf8_lossy(member).into_owned())
                .collect()
        };
        assert_eq!(within(1.0, false, 2.0, false), ["a", "b", "c"]);
        assert_eq!(within(1.0, true, 2.0, false), ["b", "c"]);
        assert_eq!(within(1.0, false, 2.0, true), ["a"]);
        assert_eq!(within(2.0, true, 1.0, false), [""; 0]);
        assert_eq!(within(-infinite, false, infinite, false).len(), 5);
        assert_eq!(within(-infinite, true, infinite, true), ["a", "b", "c"]);
        assert_eq!(within(infinite, true, infinite, false), [""; 0]);
    }

    #[test]
    fn a_member_has_one_score() {
        let mut set = of(&[("a", 1.0), ("b", 2.0)]);
        set.insert(b"a", 3.0);
        assert_eq!((set.len(), set.rank(b"a"), set.score(b"a")), (2, Some(1), Some(3.0)));
        assert_eq!(set.pop(false), Some((b"b".to_vec(), 2.0)));
        assert!(set.remove(b"a") && !set.remove(b"a"));
        assert_eq!(set.iter().count(), 0);
    }
}
