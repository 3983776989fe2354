//! How a service keeps two requests from undoing each other's work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Header in which a request chooses its [`Strategy`]; without it, that of the instance holds.
pub const STRATEGY_HEADER: &str = "x-strategy";
/// Header in which a request chooses how many milliseconds it takes to decide between reading and writing, from 0 to
/// [`LOCK_MS_MAX`](crate::limits::LOCK_MS_MAX); without it, the instance's `DECISION_MS` holds.
pub const DECISION_HEADER: &str = "x-decision-ms";

/// How reading a value, deciding, and writing the new value are protected from others that do the same at once.
///
/// Some are wrong, and are here to be seen failing. All but [`Atomic`](Self::Atomic) read first and write what they
/// computed from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Wrong: nothing. Whoever writes last wins.
    None,
    /// Wrong with several instances: a lock in the memory of the instance.
    LocalLock,
    /// Wrong when the holder pauses for longer than the lock lives: a lock in Redis.
    RedisLock,
    /// Wrong: a lock in Redis whose fencing token is taken before the lock is won, and checked by the storage. Tokens
    /// then rise in another order than the lock is held, so rightful holders are refused and stale ones may get through.
    RedisLockEarlyToken,
    /// Wrong: a lock in Redis, which is asked before the write whether the lock is still held. The answer is old by the
    /// time of the write.
    RedisLockAsked,
    /// Right: a lock in Redis whose fencing token the storage checks in the statement that reads or writes.
    RedisLockFenced,
    /// Right: no lock; one statement of the database decides and writes.
    Atomic,
}

/// A text that names no strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStrategy {
    /// The text.
    pub name: String,
}

impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no strategy named {:?}; use {}",
            self.name,
            Strategy::allowed()
        )
    }
}

impl std::error::Error for UnknownStrategy {}

impl Strategy {
    /// Every strategy, the least protection first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::LocalLock,
        Self::RedisLock,
        Self::RedisLockEarlyToken,
        Self::RedisLockAsked,
        Self::RedisLockFenced,
        Self::Atomic,
    ];

    /// The name as written in headers, variables and scenarios.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LocalLock => "local-lock",
            Self::RedisLock => "redis-lock",
            Self::RedisLockEarlyToken => "redis-lock-early-token",
            Self::RedisLockAsked => "redis-lock-asked",
            Self::RedisLockFenced => "redis-lock-fenced",
            Self::Atomic => "atomic",
        }
    }

    /// Whether there must be a Redis.
    #[must_use]
    pub const fn needs_redis(self) -> bool {
        match self {
            Self::None | Self::LocalLock | Self::Atomic => false,
            Self::RedisLock | Self::RedisLockEarlyToken | Self::RedisLockAsked | Self::RedisLockFenced => true,
        }
    }

    /// All the names, as an error message lists them.
    #[must_use]
    pub fn allowed() -> String {
        format!("one of {}", Self::ALL.map(Self::as_str).join(", "))
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == name)
            .ok_or_else(|| UnknownStrategy { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Strategy;

    #[test]
    fn names_are_read_back_and_agree_with_serde() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.as_str().parse(), Ok(strategy));
            assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.as_str());
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "redis".parse::<Strategy>().unwrap_err().to_string();
        assert!(
            error.contains("\"redis\"") && error.contains("redis-lock-fenced, atomic"),
            "{error}"
        );
    }
}
