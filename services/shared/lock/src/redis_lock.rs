//! A lock between instances, kept by one Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Script, cmd};
use reliability::Backoff;
use store::{Redis, RedisAddressError, RedisError};

use crate::guard::{Claim, LockGuard};
use crate::lock_store::LockStore;
use crate::release::ReleaseMode;
use crate::{LockError, meter};

/// A try that has less time than this may fail for want of it.
const FAIR_TRY: Duration = Duration::from_millis(100);
/// Pauses between two tries: short enough to be next soon, and long enough to leave Redis to others. The deadline ends
/// the tries.
const BACKOFF: Backoff = Backoff {
    attempts_max: u32::MAX,
    base: Duration::from_millis(2),
    max: Duration::from_millis(50),
};

/// When a fencing token is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenIssue {
    /// In the step that wins the lock.
    WithLock,
    /// Wrong: before the lock is won. Those who wait hold tokens too, so tokens do not rise from holder to holder.
    BeforeLock,
}

/// How a lock is acquired and given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOptions {
    /// How long it lives unless it is given back or extended; at least a millisecond.
    pub ttl: Duration,
    /// Longest wait for it.
    pub wait: Duration,
    /// How it is given back.
    pub release: ReleaseMode,
    /// When its token is issued.
    pub token: TokenIssue,
}

/// A lock service: locks by key, kept by one Redis. What it promises is said [above](crate).
#[derive(Clone)]
pub struct RedisLock(Arc<LockStore>);

impl RedisLock {
    /// Locks in the Redis at `url`, under keys that begin with `prefix`. Connects when the first lock is wanted; to be
    /// called within a runtime.
    ///
    /// # Errors
    /// When the address is not understood.
    pub fn connect(url: &str, prefix: &str) -> Result<Self, RedisAddressError> {
        let redis = Redis::connect(url, prefix)?;
        Ok(Self(Arc::new(LockStore::new(redis))))
    }

    /// The Redis that keeps the locks.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.0.redis
    }

    /// Tries to win the lock until the wait is over, with random pauses that grow (full jitter: see
    /// [`Backoff`]). A Redis that does not answer is asked again within that time, too.
    ///
    /// To be called within a runtime, which gives back what a dropped guard held.
    ///
    /// # Errors
    /// [`LockError::Held`] when others had it all the time, [`LockError::Unavailable`] when Redis could not be asked.
    pub async fn acquire(&self, key: &str, options: &LockOptions) -> Result<LockGuard, LockError> {
        let started = Instant::now();
        let outcome = self.win(key, options, started).await;
        meter::acquisition(meter::REDIS, outcome.as_ref().err(), started.elapsed());
        outcome
    }

    async fn win(&self, key: &str, options: &LockOptions, started: Instant) -> Result<LockGuard, LockError> {
        let deadline = started + options.wait;
        let unavailable = |source| LockError::Unavailable {
            key: key.to_owned(),
            source,
        };
        let early_token = match options.token {
            TokenIssue::WithLock => None,
            TokenIssue::BeforeLock => Some(self.early_token(key).await.map_err(unavailable)?),
        };
        let mut claim = Claim::new(Arc::clone(&self.0), key);
        let mut failed = 0;
        let mut trouble = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(trouble.map_or_else(
                    || LockError::Held {
                        key: key.to_owned(),
                        waited: options.wait,
                    },
                    unavailable,
                ));
            }
            let tried = claim.attempt(self.acquire_script(options), options.ttl, left).await;
            trouble = match tried {
                Ok(Some(token)) => return Ok(LockGuard::new(claim, early_token.unwrap_or(token), options.release)),
                Ok(None) => {
                    meter::contended(meter::REDIS);
                    None
                }
                // No news of a Redis that has answered up to now: the end of the wait cut this try short.
                Err(error) if error.is_transient() && trouble.is_none() && failed > 0 && left < FAIR_TRY => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => return Err(unavailable(error)),
            };
            failed += 1;
            let pause = BACKOFF.pause(failed, &mut rand::rng());
            tokio::time::sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        }
    }

    fn acquire_script(&self, options: &LockOptions) -> &Script {
        match options.token {
            TokenIssue::WithLock => &self.0.scripts.acquire,
            TokenIssue::BeforeLock => &self.0.scripts.acquire_without_token,
        }
    }

    async fn early_token(&self, key: &str) -> Result<i64, RedisError> {
        self.0.redis.query(cmd("INCR").arg(self.0.token_key(key))).await
    }

    /// Wrong as a protection: whether the lock is held now, by the holder of `token`. By the time that the answer is
    /// used it may be so no more; the storage must check the token in the statement that writes.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn is_current(&self, key: &str, token: i64) -> Result<bool, LockError> {
        let mut both = cmd("MGET");
        both.arg(self.0.lock_key(key)).arg(self.0.token_key(key));
        let answer: Result<(Option<String>, Option<i64>), RedisError> = self.0.redis.query(&both).await;
        let (holder, newest) = answer.map_err(|source| LockError::Unavailable {
            key: key.to_owned(),
            source,
        })?;
        Ok(holder.is_some() && newest == Some(token))
    }
}
