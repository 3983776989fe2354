//! Commands on keys, whatever they hold.

use rand::RngExt;

use crate::arguments::{Arguments, SYNTAX, integer, is};
use crate::glob::matches;
use crate::keyspace::{Hash, Keyspace, Set, SortedSet};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, integer_of, text_of_float};

const NO_SUCH_KEY: Failure = Failure::of("ERR no such key");
/// How many keys one step of SCAN looks at, unless it is told.
const SCANNED: usize = 10;

pub(super) fn del(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let removed = arguments[1..].iter().filter(|key| keys.remove(key).is_some());
    Ok(Reply::count(removed.count()))
}

pub(super) fn exists(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(arguments[1..].iter().filter(|key| keys.has(key)).count()))
}

pub(super) fn kind(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::status(
        keys.get(&arguments[1]).map_or("none", |value| value.kind()),
    ))
}

pub(super) fn rename(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (from, to) = (&arguments[1], &arguments[2]);
    let deadline = keys.deadline(from);
    let value = keys.remove(from).ok_or(NO_SUCH_KEY)?;
    keys.set(to, value);
    keys.expire(to, deadline);
    Ok(Reply::OK)
}

pub(super) fn renamenx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if !keys.has(&arguments[1]) {
        return Err(NO_SUCH_KEY);
    }
    let is_new = !keys.has(&arguments[2]);
    if is_new {
        rename(keys, arguments)?;
    }
    Ok(Reply::Integer(is_new.into()))
}

pub(super) fn randomkey(keys: &mut Keyspace, _: Arguments<'_>) -> Answer {
    if keys.len() == 0 {
        return Ok(Reply::Nothing);
    }
    let position = rand::rng().random_range(0..keys.len());
    Ok(Reply::maybe(keys.at(position).map(|(key, _)| key)))
}

pub(super) fn dbsize(keys: &mut Keyspace, _: Arguments<'_>) -> Answer {
    Ok(Reply::count(keys.len()))
}

pub(super) fn flushdb(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    may_flush(&arguments[1..])?;
    keys.clear();
    Ok(Reply::OK)
}

/// Whether what follows FLUSHDB or FLUSHALL is allowed there.
pub(super) fn may_flush(words: Arguments<'_>) -> Result<(), Failure> {
    match words {
        [] => Ok(()),
        [word] if is(word, "SYNC") || is(word, "ASYNC") => Ok(()),
        _ => Err(SYNTAX),
    }
}

pub(super) fn keys(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Reply::texts(keys.keys().filter(|key| matches(&arguments[1], key)))
}

/// What SCAN and its like are asked for.
struct Scan<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Scan<'a> {
    fn of(words: Arguments<'a>) -> Result<Self, Failure> {
        let mut scan = Self {
            pattern: None,
            kind: None,
            count: SCANNED,
        };
        let (pairs, rest) = words.as_chunks::<2>();
        for [name, value] in pairs {
            if is(name, "COUNT") {
                let count = integer(value)?;
                scan.count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or(SYNTAX)?;
            } else if is(name, "MATCH") {
                scan.pattern = Some(value);
            } else if is(name, "TYPE") {
                scan.kind = Some(value);
            } else {
                return Err(SYNTAX);
            }
        }
        if rest.is_empty() { Ok(scan) } else { Err(SYNTAX) }
    }

    fn takes(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| matches(pattern, name))
    }
}

fn cursor(text: &[u8]) -> Result<usize, Failure> {
    let cursor = integer_of(text).and_then(|cursor| usize::try_from(cursor).ok());
    cursor.ok_or(Failure::of("ERR invalid cursor"))
}

/// Walks from the last key to the first: the cursor is how many keys are still to be seen. So every key is told that is
/// there from the first step to the last.
pub(super) fn scan(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let cursor = cursor(&arguments[1])?;
    let scan = Scan::of(&arguments[2..])?;
    let unseen = if cursor == 0 {
        keys.len()
    } else {
        cursor.min(keys.len())
    };
    let next = unseen.saturating_sub(scan.count);
    let seen = (next..unseen).rev().filter_map(|position| keys.at(position));
    let taken = seen.filter(|(key, value)| scan.takes(key) && scan.kind.is_none_or(|kind| is(kind, value.kind())));
    let taken = Reply::texts(taken.map(|(key, _)| key))?;
    Ok(Reply::Array(vec![Reply::text(next.to_string()), taken]))
}

pub(super) fn hscan(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    let pairs = hash
        .into_iter()
        .flatten()
        .map(|(field, value)| (field.as_slice(), Some(value.clone())));
    at_once(arguments, pairs)
}

pub(super) fn sscan(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<Set>(&arguments[1])?;
    at_once(
        arguments,
        set.into_iter().flatten().map(|member| (member.as_slice(), None)),
    )
}

pub(super) fn zscan(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<SortedSet>(&arguments[1])?;
    let pairs = set.into_iter().flat_map(SortedSet::iter);
    at_once(
        arguments,
        pairs.map(|(member, score)| (member, Some(text_of_float(score).into_bytes()))),
    )
}

/// Tells everything in one step, as Redis does with small collections.
fn at_once<'a>(arguments: Arguments<'_>, all: impl Iterator<Item = (&'a [u8], Option<Vec<u8>>)>) -> Answer {
    cursor(&arguments[2])?;
    let scan = Scan::of(&arguments[3..])?;
    let taken = all.filter(|(name, _)| scan.takes(name));
    let told = taken.flat_map(|(name, value)| [Some(name.to_vec()), value]).flatten();
    Ok(Reply::Array(vec![Reply::text("0"), Reply::texts(told)?]))
}
