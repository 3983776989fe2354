//! Commands that ask for ranges of sorted sets, by rank or by score.

use crate::arguments::{Arguments, SYNTAX, integer, is, span};
use crate::keyspace::{Keyspace, Scores, SortedSet};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, all_pairs, float_of};

/// Reads the two ends of a range of scores. One that begins with `(` is left out itself.
pub(super) fn scores(low: &[u8], high: &[u8]) -> Result<Scores, Failure> {
    let end = |text: &[u8]| {
        let (is_left_out, number) = match text {
            [b'(', number @ ..] => (true, float_of(number)),
            number => (false, float_of(number)),
        };
        Ok((number.ok_or(Failure::of("ERR min or max is not a float"))?, is_left_out))
    };
    let ((low, without_low), (high, without_high)) = (end(low)?, end(high)?);
    Ok(Scores::between(low, without_low, high, without_high))
}

pub(super) fn zcount(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let scores = scores(&arguments[2], &arguments[3])?;
    let set = keys.read::<SortedSet>(&arguments[1])?;
    Ok(Reply::count(set.map_or(0, |set| set.within(scores).count())))
}

/// What a range is asked for.
#[derive(Default)]
struct Range {
    by_score: bool,
    reversed: bool,
    with_scores: bool,
    /// How many are passed over, and how many are told at most.
    limit: Option<(i64, i64)>,
}

impl Range {
    /// Reads the options. `fixed` says that the name of the command decides what ZRANGE is told by words.
    fn read(mut self, words: Arguments<'_>, fixed: bool) -> Result<Self, Failure> {
        let mut rest = words;
        while let [word, after @ ..] = rest {
            rest = after;
            if is(word, "WITHSCORES") {
                self.with_scores = true;
            } else if is(word, "BYSCORE") && !fixed {
                self.by_score = true;
            } else if is(word, "REV") && !fixed {
                self.reversed = true;
            } else if let (true, [offset, count, after @ ..]) = (is(word, "LIMIT"), rest) {
                self.limit = Some((integer(offset)?, integer(count)?));
                rest = after;
            } else {
                return Err(SYNTAX);
            }
        }
        if self.limit.is_some() && !self.by_score {
            return Err(Failure::of(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        Ok(self)
    }

    fn of(&self, keys: &Keyspace, arguments: Arguments<'_>) -> Answer {
        let empty = SortedSet::default();
        let (first, last) = (&arguments[2], &arguments[3]);
        if self.by_score {
            let scores = if self.reversed {
                scores(last, first)
            } else {
                scores(first, last)
            }?;
            let set = keys.read(&arguments[1])?.unwrap_or(&empty);
            return self.told(set.within(scores));
        }
        let (first, last) = (integer(first)?, integer(last)?);
        let set: &SortedSet = keys.read(&arguments[1])?.unwrap_or(&empty);
        let ranks = span(set.len(), first, last);
        let (skipped, length) = (ranks.start, ranks.len());
        if self.reversed {
            self.listed(set.iter().rev().skip(skipped).take(length))
        } else {
            self.listed(set.iter().skip(skipped).take(length))
        }
    }

    fn told<'a>(&self, members: impl DoubleEndedIterator<Item = (&'a [u8], f64)>) -> Answer {
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let Ok(offset) = usize::try_from(offset) else {
            return Ok(Reply::Array(Vec::new()));
        };
        // Fewer than none stands for all.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if self.reversed {
            self.listed(members.rev().skip(offset).take(count))
        } else {
            self.listed(members.skip(offset).take(count))
        }
    }

    fn listed<'a>(&self, members: impl Iterator<Item = (&'a [u8], f64)>) -> Answer {
        if self.with_scores {
            let pairs = members.map(|(member, score)| (Reply::text(member), Reply::Float(score)));
            all_pairs(pairs).map(Reply::Pairs)
        } else {
            Reply::texts(members.map(|(member, _)| member))
        }
    }
}

pub(super) fn zrange(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Range::default().read(&arguments[4..], false)?.of(keys, arguments)
}

pub(super) fn zrevrange(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let range = Range {
        reversed: true,
        ..Range::default()
    };
    range.read(&arguments[4..], true)?.of(keys, arguments)
}

pub(super) fn zrangebyscore(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let range = Range {
        by_score: true,
        ..Range::default()
    };
    range.read(&arguments[4..], true)?.of(keys, arguments)
}

pub(super) fn zrevrangebyscore(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let range = Range {
        by_score: true,
        reversed: true,
        ..Range::default()
    };
    range.read(&arguments[4..], true)?.of(keys, arguments)
}
