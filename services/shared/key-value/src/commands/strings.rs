//! Commands on strings.

use super::deadline::{self, Deadline};
use crate::arguments::{Arguments, SYNTAX, float, integer, is, span, wrong_number};
use crate::keyspace::{Keyspace, Text, Value};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, STRING_BYTES_MAX, all};

const TOO_LONG: Failure = Failure::of("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

pub(super) fn get(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::maybe(keys.read::<Text>(&arguments[1])?.cloned()))
}

/// What SET is asked beyond the value.
#[derive(Default)]
struct Options {
    only_new: bool,
    only_known: bool,
    tells_old: bool,
    keeps_deadline: bool,
    deadline: Option<i64>,
}

fn options(keys: &Keyspace, words: Arguments<'_>) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut deadline = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if is(word, "NX") && !options.only_known {
            options.only_new = true;
        } else if is(word, "XX") && !options.only_new {
            options.only_known = true;
        } else if is(word, "GET") {
            options.tells_old = true;
        } else if is(word, "KEEPTTL") && deadline.is_none() {
            options.keeps_deadline = true;
        } else if let Some(unit) = Deadline::named(word)
            && deadline.is_none()
            && !options.keeps_deadline
        {
            deadline = Some((unit, words.next().ok_or(SYNTAX)?));
        } else {
            return Err(SYNTAX);
        }
    }
    options.deadline = deadline
        .map(|(unit, text)| unit.of(text, "set", keys.now()))
        .transpose()?;
    Ok(options)
}

pub(super) fn set(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (key, value) = (&arguments[1], &arguments[2]);
    let options = options(keys, &arguments[3..])?;
    let old = if options.tells_old {
        Some(Reply::maybe(keys.read::<Text>(key)?.cloned()))
    } else {
        None
    };
    let is_known = keys.has(key);
    if (options.only_new && is_known) || (options.only_known && !is_known) {
        return Ok(old.unwrap_or(Reply::Nothing));
    }
    let value = Value::Text(value.clone());
    if options.keeps_deadline {
        keys.replace(key, value);
    } else {
        keys.set(key, value);
        keys.expire(key, options.deadline);
    }
    Ok(old.unwrap_or(Reply::OK))
}

pub(super) fn setnx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let is_new = !keys.has(&arguments[1]);
    if is_new {
        keys.set(&arguments[1], Value::Text(arguments[2].clone()));
    }
    Ok(Reply::Integer(is_new.into()))
}

pub(super) fn setex(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    set_for(keys, arguments, Deadline::InSeconds, "setex")
}

pub(super) fn psetex(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    set_for(keys, arguments, Deadline::InMilliseconds, "psetex")
}

fn set_for(keys: &mut Keyspace, arguments: Arguments<'_>, unit: Deadline, name: &str) -> Answer {
    let deadline = unit.of(&arguments[2], name, keys.now())?;
    keys.set(&arguments[1], Value::Text(arguments[3].clone()));
    keys.expire(&arguments[1], Some(deadline));
    Ok(Reply::OK)
}

pub(super) fn getset(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let old = get(keys, arguments)?;
    keys.set(&arguments[1], Value::Text(arguments[2].clone()));
    Ok(old)
}

pub(super) fn getdel(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let old = get(keys, arguments)?;
    keys.remove(&arguments[1]);
    Ok(old)
}

pub(super) fn getex(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let change = match &arguments[2..] {
        [] => None,
        [word] if is(word, "PERSIST") => Some(None),
        [unit, text] => Some(Some((Deadline::named(unit).ok_or(SYNTAX)?, text))),
        _ => return Err(SYNTAX),
    };
    let value = get(keys, arguments)?;
    if let (Some(change), true) = (change, value != Reply::Nothing) {
        let deadline = change
            .map(|(unit, text)| unit.of(text, "getex", keys.now()))
            .transpose()?;
        deadline::change(keys, &arguments[1], deadline);
    }
    Ok(value)
}

pub(super) fn mget(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    // What is not a string counts as nothing here, and is no error.
    let of = |key: &Vec<u8>| Reply::maybe(keys.read::<Text>(key).ok().flatten().cloned());
    all(arguments[1..].iter().map(of)).map(Reply::Array)
}

fn pairs<'a>(
    arguments: Arguments<'a>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>, Failure> {
    let (pairs, rest) = arguments[1..].as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[key, value]| (key, value)))
    } else {
        Err(wrong_number(name))
    }
}

pub(super) fn mset(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    for (key, value) in pairs(arguments, "mset")? {
        keys.set(key, Value::Text(value.clone()));
    }
    Ok(Reply::OK)
}

pub(super) fn msetnx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let are_new = pairs(arguments, "msetnx")?.all(|(key, _)| !keys.has(key));
    if are_new {
        mset(keys, arguments)?;
    }
    Ok(Reply::Integer(are_new.into()))
}

pub(super) fn append(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let mut text = keys.read::<Text>(&arguments[1])?.cloned().unwrap_or_default();
    if text.len() + arguments[2].len() > STRING_BYTES_MAX {
        return Err(TOO_LONG);
    }
    text.extend_from_slice(&arguments[2]);
    let length = text.len();
    keys.replace(&arguments[1], Value::Text(text));
    Ok(Reply::count(length))
}

pub(super) fn strlen(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(keys.read::<Text>(&arguments[1])?.map_or(0, Vec::len)))
}

pub(super) fn getrange(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (first, last) = (integer(&arguments[2])?, integer(&arguments[3])?);
    let text = keys.read::<Text>(&arguments[1])?;
    Ok(Reply::text(
        text.map_or(&[][..], |text| &text[span(text.len(), first, last)]),
    ))
}

pub(super) fn setrange(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let offset = integer(&arguments[2])?;
    let offset = usize::try_from(offset).map_err(|_| Failure::of("ERR offset is out of range"))?;
    let (key, part) = (&arguments[1], &arguments[3]);
    let old = keys.read::<Text>(key)?;
    if part.is_empty() {
        return Ok(Reply::count(old.map_or(0, Vec::len)));
    }
    let end = offset
        .checked_add(part.len())
        .filter(|end| *end <= STRING_BYTES_MAX)
        .ok_or(TOO_LONG)?;
    let mut text = old.cloned().unwrap_or_default();
    if text.len() < end {
        text.resize(end, 0);
    }
    text[offset..end].copy_from_slice(part);
    let length = text.len();
    keys.replace(key, Value::Text(text));
    Ok(Reply::count(length))
}

pub(super) fn incr(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    add(keys, &arguments[1], 1)
}

pub(super) fn decr(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    add(keys, &arguments[1], -1)
}

pub(super) fn incrby(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    add(keys, &arguments[1], integer(&arguments[2])?)
}

pub(super) fn decrby(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let less = integer(&arguments[2])?;
    let more = less.checked_neg().ok_or(Failure::of("ERR decrement would overflow"))?;
    add(keys, &arguments[1], more)
}

fn add(keys: &mut Keyspace, key: &[u8], more: i64) -> Answer {
    let old = keys.read::<Text>(key)?.map_or(Ok(0), |text| integer(text))?;
    let new = old
        .checked_add(more)
        .ok_or(Failure::of("ERR increment or decrement would overflow"))?;
    keys.replace(key, Value::Text(new.to_string().into_bytes()));
    Ok(Reply::Integer(new))
}

pub(super) fn incrbyfloat(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let old = keys.read::<Text>(&arguments[1])?.map_or(Ok(0.0), |text| float(text))?;
    let new = old + float(&arguments[2])?;
    if !new.is_finite() {
        return Err(Failure::of("ERR increment would produce NaN or Infinity"));
    }
    let text = new.to_string().into_bytes();
    keys.replace(&arguments[1], Value::Text(text.clone()));
    Ok(Reply::Text(text))
}
