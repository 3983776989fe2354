//! Commands on sorted sets that change them, or ask for one member.

use crate::arguments::{Arguments, SYNTAX, count, float, integer, span};
use crate::keyspace::{Keyspace, SortedSet};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};

use super::sorted_ranges::scores;

/// What ZADD is asked beyond scores and members.
#[derive(Debug, Default)]
struct Options {
    only_new: bool,
    only_known: bool,
    only_greater: bool,
    only_less: bool,
    tells_changed: bool,
    adds: bool,
}

impl Options {
    /// Reads them, and gives what follows them.
    fn of(words: Arguments<'_>) -> Result<(Self, Arguments<'_>), Failure> {
        let mut options = Self::default();
        let mut rest = words;
        while let [word, after @ ..] = rest {
            let option = match word.to_ascii_uppercase().as_slice() {
                b"NX" => &mut options.only_new,
                b"XX" => &mut options.only_known,
                b"GT" => &mut options.only_greater,
                b"LT" => &mut options.only_less,
                b"CH" => &mut options.tells_changed,
                b"INCR" => &mut options.adds,
                _ => break,
            };
            *option = true;
            rest = after;
        }
        Ok((options, rest))
    }

    fn check(&self, pairs: usize) -> Result<(), Failure> {
        if self.only_new && self.only_known {
            return Err(Failure::of("ERR XX and NX options at the same time are not compatible"));
        }
        if (self.only_greater || self.only_less) && self.only_new || self.only_greater && self.only_less {
            return Err(Failure::of(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.adds && pairs > 1 {
            return Err(Failure::of("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The score that a member gets, if it gets one.
    fn new_score(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, Failure> {
        let score = given + if self.adds { old.unwrap_or(0.0) } else { 0.0 };
        if score.is_nan() {
            return Err(Failure::of("ERR resulting score is not a number (NaN)"));
        }
        let may = match old {
            None => !self.only_known,
            Some(old) => {
                let is_kept_out = self.only_new || self.only_greater && score <= old || self.only_less && score >= old;
                !is_kept_out
            }
        };
        Ok(may.then_some(score))
    }
}

pub(super) fn zadd(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (options, rest) = Options::of(&arguments[2..])?;
    let (pairs, odd) = rest.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        return Err(SYNTAX);
    }
    options.check(pairs.len())?;
    let given: Result<Vec<f64>, Failure> = pairs.iter().map(|[score, _]| float(score)).collect();
    let members = pairs.iter().map(|[_, member]| member);
    add(keys, &arguments[1], &options, members.zip(given?))
}

pub(super) fn zincrby(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let options = Options {
        adds: true,
        ..Options::default()
    };
    add(
        keys,
        &arguments[1],
        &options,
        std::iter::once((&arguments[3], float(&arguments[2])?)),
    )
}

fn add<'a>(
    keys: &mut Keyspace,
    key: &[u8],
    options: &Options,
    members: impl Iterator<Item = (&'a Vec<u8>, f64)>,
) -> Answer {
    keys.edit(key, |set: &mut SortedSet| {
        let (mut new, mut changed, mut last) = (0, 0, None);
        for (member, given) in members {
            let old = set.score(member);
            last = match options.new_score(old, given) {
                Ok(score) => score,
                Err(failure) => return (Err(failure), changed > 0),
            };
            if let Some(score) = last.filter(|score| old != Some(*score)) {
                set.insert(member, score);
                new += usize::from(old.is_none());
                changed += 1;
            }
        }
        let answer = match (options.adds, options.tells_changed) {
            (true, _) => last.map_or(Reply::Nothing, Reply::Float),
            (false, true) => Reply::count(changed),
            (false, false) => Reply::count(new),
        };
        (Ok(answer), changed > 0)
    })?
}

pub(super) fn zrem(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    keys.edit(&arguments[1], |set: &mut SortedSet| {
        let removed = arguments[2..].iter().filter(|member| set.remove(member)).count();
        (Reply::count(removed), removed > 0)
    })
}

pub(super) fn zscore(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<SortedSet>(&arguments[1])?;
    Ok(set
        .and_then(|set| set.score(&arguments[2]))
        .map_or(Reply::Nothing, Reply::Float))
}

pub(super) fn zcard(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(
        keys.read::<SortedSet>(&arguments[1])?.map_or(0, SortedSet::len),
    ))
}

pub(super) fn zrank(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<SortedSet>(&arguments[1])?;
    Ok(set
        .and_then(|set| set.rank(&arguments[2]))
        .map_or(Reply::Nothing, Reply::count))
}

pub(super) fn zrevrank(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<SortedSet>(&arguments[1])?;
    let rank = set.and_then(|set| Some(set.len() - 1 - set.rank(&arguments[2])?));
    Ok(rank.map_or(Reply::Nothing, Reply::count))
}

pub(super) fn zpopmin(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    pop(keys, arguments, false)
}

pub(super) fn zpopmax(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    pop(keys, arguments, true)
}

fn pop(keys: &mut Keyspace, arguments: Arguments<'_>, highest: bool) -> Answer {
    if arguments.len() > 3 {
        return Err(SYNTAX);
    }
    let count = count(arguments.get(2))?;
    keys.edit(&arguments[1], |set: &mut SortedSet| {
        let popped = (0..count.unwrap_or(1)).map_while(|_| set.pop(highest));
        let told: Vec<_> = popped
            .map(|(member, score)| (Reply::Text(member), Reply::Float(score)))
            .collect();
        let differs = !told.is_empty();
        (
            if count.is_some() {
                Reply::Pairs(told)
            } else {
                flat(told)
            },
            differs,
        )
    })
}

/// The one member that was asked for, and its score.
fn flat(pairs: Vec<(Reply, Reply)>) -> Reply {
    Reply::Array(pairs.into_iter().flat_map(|(member, score)| [member, score]).collect())
}

pub(super) fn zremrangebyscore(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let scores = scores(&arguments[2], &arguments[3])?;
    remove(keys, &arguments[1], |set| {
        set.within(scores).map(|(member, _)| member.to_vec()).collect()
    })
}

pub(super) fn zremrangebyrank(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (first, last) = (integer(&arguments[2])?, integer(&arguments[3])?);
    remove(keys, &arguments[1], |set| {
        let ranks = span(set.len(), first, last);
        let members = set.iter().skip(ranks.start).take(ranks.len());
        members.map(|(member, _)| member.to_vec()).collect()
    })
}

fn remove(keys: &mut Keyspace, key: &[u8], which: impl FnOnce(&SortedSet) -> Vec<Vec<u8>>) -> Answer {
    keys.edit(key, |set: &mut SortedSet| {
        let members = which(set);
        for member in &members {
            set.remove(member);
        }
        (Reply::count(members.len()), !members.is_empty())
    })
}
