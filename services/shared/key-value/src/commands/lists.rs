//! Commands on lists.

use crate::arguments::{Arguments, count, integer, span};
use crate::keyspace::{Keyspace, List};
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

pub(super) fn lpush(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    push(keys, arguments, End::Left)
}

pub(super) fn rpush(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    push(keys, arguments, End::Right)
}

pub(super) fn lpushx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if keys.has(&arguments[1]) {
        lpush(keys, arguments)
    } else {
        Ok(Reply::Integer(0))
    }
}

pub(super) fn rpushx(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if keys.has(&arguments[1]) {
        rpush(keys, arguments)
    } else {
        Ok(Reply::Integer(0))
    }
}

fn push(keys: &mut Keyspace, arguments: Arguments<'_>, end: End) -> Answer {
    keys.edit(&arguments[1], |list: &mut List| {
        for element in &arguments[2..] {
            match end {
                End::Left => list.push_front(element.clone()),
                End::Right => list.push_back(element.clone()),
            }
        }
        (Reply::count(list.len()), true)
    })
}

pub(super) fn lpop(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    pop(keys, arguments, End::Left)
}

pub(super) fn rpop(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    pop(keys, arguments, End::Right)
}

fn pop(keys: &mut Keyspace, arguments: Arguments<'_>, end: End) -> Answer {
    let count = count(arguments.get(2))?;
    if keys.read::<List>(&arguments[1])?.is_none() {
        return Ok(if count.is_some() {
            Reply::NoArray
        } else {
            Reply::Nothing
        });
    }
    let next = |list: &mut List| match end {
        End::Left => list.pop_front(),
        End::Right => list.pop_back(),
    };
    keys.edit(&arguments[1], |list: &mut List| match count {
        None => (Reply::maybe(next(list)), true),
        Some(count) => {
            let popped: Vec<Reply> = (0..count).map_while(|_| next(list)).map(Reply::Text).collect();
            let differs = !popped.is_empty();
            // It is moved, not copied, so it takes no more than it did in the list.
            (Reply::Array(popped), differs)
        }
    })
}

pub(super) fn llen(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    Ok(Reply::count(keys.read::<List>(&arguments[1])?.map_or(0, List::len)))
}

pub(super) fn lrange(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (first, last) = (integer(&arguments[2])?, integer(&arguments[3])?);
    let list = keys.read::<List>(&arguments[1])?;
    let elements = list.map(|list| list.range(span(list.len(), first, last)));
    Reply::texts(elements.into_iter().flatten().cloned())
}

pub(super) fn lindex(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let index = integer(&arguments[2])?;
    let list = keys.read::<List>(&arguments[1])?;
    let element = list.and_then(|list| list.get(position(list, index)?));
    Ok(Reply::maybe(element.cloned()))
}

/// Where an index leads that may count from the end; perhaps behind it.
fn position(list: &List, index: i64) -> Option<usize> {
    let length = i64::try_from(list.len()).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

pub(super) fn lset(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    if !keys.has(&arguments[1]) {
        return Err(Failure::of("ERR no such key"));
    }
    let index = integer(&arguments[2])?;
    keys.edit(&arguments[1], |list: &mut List| {
        match position(list, index).and_then(|position| list.get_mut(position)) {
            Some(element) => {
                element.clone_from(&arguments[3]);
                (Ok(Reply::OK), true)
            }
            None => (Err(Failure::of("ERR index out of range")), false),
        }
    })?
}

pub(super) fn ltrim(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let (first, last) = (integer(&arguments[2])?, integer(&arguments[3])?);
    keys.edit(&arguments[1], |list: &mut List| {
        let kept = span(list.len(), first, last);
        list.truncate(kept.end);
        list.drain(..kept.start);
        (Reply::OK, true)
    })
}

pub(super) fn lrem(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let count = integer(&arguments[2])?;
    // None at all is asked for as zero, and means all.
    let most = if count == 0 {
        usize::MAX
    } else {
        usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX)
    };
    let element = &arguments[3];
    keys.edit(&arguments[1], |list: &mut List| {
        let equal = list.iter().filter(|other| *other == element).count();
        let spared = if count < 0 { equal.saturating_sub(most) } else { 0 };
        let mut seen = 0;
        list.retain(|other| {
            let is_equal = other == element;
            let goes = is_equal && seen >= spared && seen - spared < most;
            seen += usize::from(is_equal);
            !goes
        });
        let removed = equal.min(most);
        (Reply::count(removed), removed > 0)
    })
}
