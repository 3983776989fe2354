//! Commands on sets.

use rand::RngExt;

use crate::arguments::{Arguments, SYNTAX, count, integer};
use crate::keyspace::{Keyspace, Set};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply, all};

/// The most members that SRANDMEMBER draws with repetitions.
const DRAWN_MAX: u64 = 1_000_000;

pub(super) fn sadd(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    keys.edit(&arguments[1], |set: &mut Set| {
        let new = arguments[2..]
            .iter()
            .filter(|member| set.insert(member.to_vec()))
            .count();
        (Reply::count(new), new > 0)
    })
}

pub(super) fn srem(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    keys.edit(&arguments[1], |set: &mut Set| {
        let removed = arguments[2..].iter().filter(|member| set.swap_remove(*member)).count();
        (Reply::count(removed), removed > 0)
    })
}

pub(super) fn scard(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(keys.read::<Set>(&arguments[1])?.map_or(0, Set::len)))
}

pub(super) fn sismember(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<Set>(&arguments[1])?;
    Ok(is_member(set, &arguments[2]))
}

pub(super) fn smismember(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<Set>(&arguments[1])?;
    Ok(Reply::Array(
        arguments[2..].iter().map(|member| is_member(set, member)).collect(),
    ))
}

fn is_member(set: Option<&Set>, member: &Vec<u8>) -> Reply {
    Reply::Integer(set.is_some_and(|set| set.contains(member)).into())
}

pub(super) fn smembers(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let set = keys.read::<Set>(&arguments[1])?;
    all(set.into_iter().flatten().cloned().map(Reply::Text)).map(Reply::Set)
}

pub(super) fn spop(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if arguments.len() > 3 {
        return Err(SYNTAX);
    }
    let count = count(arguments.get(2))?;
    let mut random = rand::rng();
    keys.edit(&arguments[1], |set: &mut Set| {
        let mut next = || {
            let position = (!set.is_empty()).then(|| random.random_range(0..set.len()))?;
            set.swap_remove_index(position)
        };
        match count {
            None => {
                let member = next();
                let differs = member.is_some();
                (Reply::maybe(member), differs)
            }
            Some(count) => {
                let members: Vec<Reply> = (0..count).map_while(|_| next()).map(Reply::Text).collect();
                let differs = !members.is_empty();
                (Reply::Set(members), differs)
            }
        }
    })
}

pub(super) fn srandmember(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if arguments.len() > 3 {
        return Err(SYNTAX);
    }
    let count = arguments.get(2).map(|text| integer(text)).transpose()?;
    let empty = Set::default();
    let set = keys.read::<Set>(&arguments[1])?.unwrap_or(&empty);
    let mut random = rand::rng();
    let mut any = || {
        let position = (!set.is_empty()).then(|| random.random_range(0..set.len()))?;
        set.get_index(position).cloned()
    };
    match count {
        None => Ok(Reply::maybe(any())),
        // Fewer than none: members may come several times.
        Some(count) if count < 0 => {
            let drawn = count.unsigned_abs();
            if drawn > DRAWN_MAX {
                return Err(Failure::of("ERR value is out of range"));
            }
            Reply::texts((0..drawn).map_while(|_| any()))
        }
        Some(count) => {
            let most = usize::try_from(count).unwrap_or(usize::MAX).min(set.len());
            let chosen = rand::seq::index::sample(&mut rand::rng(), set.len(), most);
            Reply::texts(
                chosen
                    .into_iter()
                    .filter_map(|position| set.get_index(position).cloned()),
            )
        }
    }
}
