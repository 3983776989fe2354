//! Commands on hashes.

use crate::arguments::{Arguments, integer, wrong_number};
use crate::keyspace::{Hash, Keyspace};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, all, all_pairs, integer_of};

pub(super) fn hset(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    put(keys, arguments, "hset").map(Reply::count)
}

pub(super) fn hmset(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    put(keys, arguments, "hmset").map(|_| Reply::OK)
}

/// Sets fields; gives how many of them are new.
fn put(keys: &mut Keyspace, arguments: Arguments<'_>, name: &str) -> Result<usize, Failure> {
    let (pairs, rest) = arguments[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_number(name));
    }
    keys.edit(&arguments[1], |hash: &mut Hash| {
        let new = pairs
            .iter()
            .filter(|[field, value]| hash.insert(field.clone(), value.clone()).is_none());
        (new.count(), true)
    })
}

pub(super) fn hsetnx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    keys.edit(&arguments[1], |hash: &mut Hash| {
        let is_new = !hash.contains_key(&arguments[2]);
        if is_new {
            hash.insert(arguments[2].clone(), arguments[3].clone());
        }
        (Reply::Integer(is_new.into()), is_new)
    })
}

pub(super) fn hget(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    Ok(Reply::maybe(hash.and_then(|hash| hash.get(&arguments[2])).cloned()))
}

pub(super) fn hmget(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    let of = |field: &Vec<u8>| Reply::maybe(hash.and_then(|hash| hash.get(field)).cloned());
    all(arguments[2..].iter().map(of)).map(Reply::Array)
}

pub(super) fn hdel(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    keys.edit(&arguments[1], |hash: &mut Hash| {
        let removed = arguments[2..]
            .iter()
            .filter(|field| hash.shift_remove(*field).is_some())
            .count();
        (Reply::count(removed), removed > 0)
    })
}

pub(super) fn hexists(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    Ok(Reply::Integer(
        hash.is_some_and(|hash| hash.contains_key(&arguments[2])).into(),
    ))
}

pub(super) fn hlen(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(keys.read::<Hash>(&arguments[1])?.map_or(0, Hash::len)))
}

pub(super) fn hgetall(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    let pairs = hash.into_iter().flatten();
    let told = pairs.map(|(field, value)| (Reply::text(field.clone()), Reply::text(value.clone())));
    all_pairs(told).map(Reply::Map)
}

pub(super) fn hkeys(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    Reply::texts(hash.into_iter().flat_map(Hash::keys).cloned())
}

pub(super) fn hvals(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let hash = keys.read::<Hash>(&arguments[1])?;
    Reply::texts(hash.into_iter().flat_map(Hash::values).cloned())
}

pub(super) fn hincrby(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let more = integer(&arguments[3])?;
    let old = keys
        .read::<Hash>(&arguments[1])?
        .and_then(|hash| hash.get(&arguments[2]));
    let old = old.map_or(Some(0), |text| integer_of(text));
    let old = old.ok_or(Failure::of("ERR hash value is not an integer"))?;
    let new = old
        .checked_add(more)
        .ok_or(Failure::of("ERR increment or decrement would overflow"))?;
    keys.edit(&arguments[1], |hash: &mut Hash| {
        hash.insert(arguments[2].clone(), new.to_string().into_bytes());
        (Reply::Integer(new), true)
    })
}
