//! Why there is no lock.

use std::time::Duration;

use chassis::Failure;
use store::RedisError;

/// Why a lock was not acquired, extended, asked about or given back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Others had it all the time.
    #[error("the lock {key:?} did not become free within {} ms; try again", waited.as_millis())]
    Held {
        /// What was to be locked.
        key: String,
        /// How long was waited.
        waited: Duration,
    },
    /// Redis could not be asked.
    #[error("nothing is known of the lock {key:?}: {source}")]
    Unavailable {
        /// What was to be locked.
        key: String,
        /// What Redis or the connection said.
        source: RedisError,
    },
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let kind = match error {
            LockError::Held { .. } => contract::kind::LOCK_HELD,
            LockError::Unavailable { .. } => contract::kind::LOCK_UNAVAILABLE,
        };
        Self::unavailable(error.to_string()).with_kind(kind)
    }
}
