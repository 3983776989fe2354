//! When keys expire.

use crate::arguments::{Arguments, integer, is};
use crate::clock::Now;
use crate::keyspace::Keyspace;
use crate::protocol::Answer;
use crate::protocol::{Failure, Reply};

/// How a command says when something expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deadline {
    InSeconds,
    InMilliseconds,
    AtSecond,
    AtMillisecond,
}

impl Deadline {
    /// The one that an option of SET or GETEX names.
    pub(super) fn named(word: &[u8]) -> Option<Self> {
        let names = [
            ("EX", Self::InSeconds),
            ("PX", Self::InMilliseconds),
            ("EXAT", Self::AtSecond),
            ("PXAT", Self::AtMillisecond),
        ];
        names
            .into_iter()
            .find_map(|(name, unit)| is(word, name).then_some(unit))
    }

    /// The deadline, for a command that wants one which is still to come.
    pub(super) fn of(self, text: &[u8], command: &str, now: Now) -> Result<i64, Failure> {
        let number = integer(text)?;
        let deadline = if number > 0 {
            self.in_time_of_server(number, now)
        } else {
            None
        };
        deadline.ok_or_else(|| invalid(command))
    }

    /// Milliseconds since the server started; none where that is too much.
    fn in_time_of_server(self, number: i64, now: Now) -> Option<i64> {
        let ms = match self {
            Self::InSeconds | Self::AtSecond => number.checked_mul(1_000)?,
            Self::InMilliseconds | Self::AtMillisecond => number,
        };
        match self {
            Self::InSeconds | Self::InMilliseconds => {
                // Redis adds what the calendar shows, so what is too much there is too much here.
                ms.checked_add(now.calendar_ms())?;
                ms.checked_add(now.passed_ms)
            }
            Self::AtSecond | Self::AtMillisecond => ms.checked_sub(now.calendar_ms())?.checked_add(now.passed_ms),
        }
    }
}

fn invalid(command: &str) -> Failure {
    Failure::new(format!("ERR invalid expire time in '{command}' command"))
}

/// Sets or takes away a deadline. One that is over takes the key out.
pub(super) fn change(keys: &mut Keyspace, key: &[u8], deadline: Option<i64>) {
    if deadline.is_some_and(|deadline| deadline <= keys.now().passed_ms) {
        keys.remove(key);
    } else {
        keys.expire(key, deadline);
        keys.touch(key);
    }
}

pub(super) fn expire(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    expire_at(keys, arguments, Deadline::InSeconds, "expire")
}

pub(super) fn pexpire(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    expire_at(keys, arguments, Deadline::InMilliseconds, "pexpire")
}

pub(super) fn expireat(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    expire_at(keys, arguments, Deadline::AtSecond, "expireat")
}

pub(super) fn pexpireat(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    expire_at(keys, arguments, Deadline::AtMillisecond, "pexpireat")
}

fn expire_at(keys: &mut Keyspace, arguments: Arguments<'_>, unit: Deadline, name: &str) -> Answer {
    let key = &arguments[1];
    let may = conditions(&arguments[3..])?;
    let deadline = unit.in_time_of_server(integer(&arguments[2])?, keys.now());
    let deadline = deadline.ok_or_else(|| invalid(name))?;
    let is_done = keys.has(key) && may.iter().all(|may| may(keys.deadline(key), deadline));
    if is_done {
        change(keys, key, Some(deadline));
    }
    Ok(Reply::Integer(is_done.into()))
}

/// Whether a deadline may be set, by the old and the new one. No deadline is later than each.
type Condition = fn(Option<i64>, i64) -> bool;

fn conditions(words: Arguments<'_>) -> Result<Vec<Condition>, Failure> {
    let all: [(&str, Condition); 4] = [
        ("NX", |old, _| old.is_none()),
        ("XX", |old, _| old.is_some()),
        ("GT", |old, new| old.is_some_and(|old| new > old)),
        ("LT", |old, new| old.is_none_or(|old| new < old)),
    ];
    let has = |name: &str| words.iter().any(|word| is(word, name));
    if let Some(unknown) = words.iter().find(|word| !all.iter().any(|(name, _)| is(word, name))) {
        return Err(Failure::new([b"ERR Unsupported option ", unknown.as_slice()].concat()));
    }
    if has("NX") && (has("XX") || has("GT") || has("LT")) {
        return Err(Failure::of(
            "ERR NX and XX, GT or LT options at the same time are not compatible",
        ));
    }
    if has("GT") && has("LT") {
        return Err(Failure::of("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(all
        .into_iter()
        .filter(|(name, _)| has(name))
        .map(|(_, may)| may)
        .collect())
}

pub(super) fn persist(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    let has_deadline = keys.deadline(&arguments[1]).is_some();
    if has_deadline {
        change(keys, &arguments[1], None);
    }
    Ok(Reply::Integer(has_deadline.into()))
}

pub(super) fn ttl(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    told(keys, &arguments[1], |deadline, now| seconds(left_ms(deadline, now)))
}

pub(super) fn pttl(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    told(keys, &arguments[1], left_ms)
}

pub(super) fn expiretime(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    told(keys, &arguments[1], |deadline, now| seconds(calendar_ms(deadline, now)))
}

pub(super) fn pexpiretime(keys: &mut Keyspace, arguments: Arguments<'_>) -> Answer {
    told(keys, &arguments[1], calendar_ms)
}

fn left_ms(deadline: i64, now: Now) -> i64 {
    deadline - now.passed_ms
}

/// By the calendar, which may have been set since; a deadline as late as there is stays the latest.
fn calendar_ms(deadline: i64, now: Now) -> i64 {
    left_ms(deadline, now).saturating_add(now.calendar_ms())
}

/// Whole seconds, rounded.
fn seconds(ms: i64) -> i64 {
    ms / 1_000 + i64::from(ms % 1_000 >= 500)
}

fn told(keys: &Keyspace, key: &[u8], tell: impl FnOnce(i64, Now) -> i64) -> Answer {
    Ok(Reply::Integer(match (keys.has(key), keys.deadline(key)) {
        (false, _) => -2,
        (true, None) => -1,
        (true, Some(deadline)) => tell(deadline, keys.now()),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keyspace::Value;

    #[test]
    fn the_latest_deadlines_are_told_as_they_were_named() {
        // Redis itself tells some of these as negative numbers.
        let at = |passed_ms: i64, calendar: u64| Now {
            passed_ms,
            calendar: Duration::from_millis(calendar),
        };
        let latest = i64::MAX.to_string();
        let of = |command: fn(&mut Keyspace, Arguments<'_>) -> Answer, keys: &mut Keyspace, words: &[&str]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            command(keys, &words)
        };
        let mut keys = Keyspace::default();
        keys.pass_time(at(5_000, 1_800_000_000_000));
        keys.set(b"k", Value::Text(Vec::new()));
        let set = of(pexpireat, &mut keys, &["PEXPIREAT", "k", &latest]);
        assert_eq!(set, Ok(Reply::Integer(1)));
        // Once as it was, and once with a calendar that was set an hour ahead.
        for now in [at(5_000, 1_800_000_000_000), at(5_001, 1_800_003_600_000)] {
            keys.pass_time(now);
            let told = of(pexpiretime, &mut keys, &["PEXPIRETIME", "k"]);
            assert_eq!(told, Ok(Reply::Integer(i64::MAX)));
            let told = of(expiretime, &mut keys, &["EXPIRETIME", "k"]);
            assert_eq!(told, Ok(Reply::Integer(9_223_372_036_854_776)));
            let left = of(ttl, &mut keys, &["TTL", "k"]);
            assert_eq!(left, Ok(Reply::Integer(9_223_370_236_854_776)));
        }
        let refused = of(pexpire, &mut keys, &["PEXPIRE", "k", &latest]);
        assert_eq!(refused, Err(invalid("pexpire")));
    }
}
