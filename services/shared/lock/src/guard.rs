//! A lock that is held, and giving it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Script;
use store::RedisError;
use tokio::runtime::Handle;

use crate::lock_store::LockStore;
use crate::release::{Release, ReleaseMode};
use crate::{LockError, meter};

/// Longest wait for Redis when a lock is given back or extended.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// One owner's claim to a lock, from the first try to the release. If it may hold the lock when it is dropped, it has a
/// task give it back.
pub(crate) struct Claim {
    store: Arc<LockStore>,
    key: String,
    lock_key: String,
    token_key: String,
    owner: String,
    may_hold: bool,
}

impl Claim {
    pub(crate) fn new(store: Arc<LockStore>, key: &str) -> Self {
        Self {
            lock_key: store.lock_key(key),
            token_key: store.token_key(key),
            store,
            key: key.to_owned(),
            owner: format!("{:032x}", rand::random::<u128>()),
            may_hold: false,
        }
    }

    /// Tries once. A try that gets no answer may have won the lock all the same.
    pub(crate) async fn attempt(
        &mut self,
        script: &Script,
        ttl: Duration,
        wait: Duration,
    ) -> Result<Option<i64>, RedisError> {
        self.may_hold = true;
        let mut call = script.key(&self.lock_key);
        call.key(&self.token_key).arg(&self.owner).arg(milliseconds(ttl));
        let token: Option<i64> = self.store.redis.run(&call, wait).await?;
        self.may_hold = token.is_some();
        Ok(token)
    }

    async fn release(&self, mode: ReleaseMode) -> Result<Release, RedisError> {
        let scripts = &self.store.scripts;
        let script = match mode {
            ReleaseMode::Owner => &scripts.release,
            ReleaseMode::Bare => &scripts.release_bare,
        };
        let mut call = script.key(&self.lock_key);
        let was: i64 = self.store.redis.run(call.arg(&self.owner), ANSWER_WAIT).await?;
        Ok(match was {
            0 => Release::NotOwner,
            1 => Release::Released,
            _ => Release::DeletedForeign,
        })
    }

    async fn extend(&self, ttl: Duration) -> Result<bool, RedisError> {
        let mut call = self.store.scripts.extend.key(&self.lock_key);
        call.arg(&self.owner).arg(milliseconds(ttl));
        self.store.redis.run(&call, ANSWER_WAIT).await
    }

    /// The claim to be given back by a task: dropping it once more does nothing.
    fn take(&mut self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            key: std::mem::take(&mut self.key),
            lock_key: std::mem::take(&mut self.lock_key),
            token_key: std::mem::take(&mut self.token_key),
            owner: std::mem::take(&mut self.owner),
            may_hold: false,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.may_hold {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let claim = self.take();
        runtime.spawn(async move {
            // Compare and delete, whatever the mode. If it fails, the time to live is the last resort.
            meter::release(claim.release(ReleaseMode::Owner).await.as_ref().ok());
        });
    }
}

/// A lock that was won. It is held until [`release`](Self::release), or until its time to live is up, whichever comes
/// first; and a paused process does not notice the second.
///
/// One that is dropped without a release (by an early return, a panic, or a client that hung up) is given back by a task
/// on the runtime, if that still runs and Redis answers. Otherwise its time to live ends it.
#[must_use = "dropping it gives the lock back"]
pub struct LockGuard {
    claim: Claim,
    token: i64,
    mode: ReleaseMode,
    since: Instant,
}

impl LockGuard {
    pub(crate) fn new(claim: Claim, token: i64, mode: ReleaseMode) -> Self {
        Self {
            claim,
            token,
            mode,
            since: Instant::now(),
        }
    }

    /// The fencing token: higher than that of every earlier holder of the key, unless it was issued
    /// [before the lock](crate::TokenIssue::BeforeLock).
    #[must_use]
    pub fn token(&self) -> i64 {
        self.token
    }

    /// Gives the lock back, and says what that did.
    ///
    /// # Errors
    /// When Redis does not answer; a task then tries once more.
    pub async fn release(mut self) -> Result<Release, LockError> {
        let released = self.claim.release(self.mode).await;
        meter::release(released.as_ref().ok());
        self.claim.may_hold = released.is_err();
        released.map_err(|source| self.unavailable(source))
    }

    /// Lets the lock live for `ttl` from now on. `false` when it was no longer held: what it protected must stop.
    ///
    /// # Errors
    /// When Redis does not answer; whether it was extended is then unknown.
    pub async fn extend(&self, ttl: Duration) -> Result<bool, LockError> {
        let extended = self.claim.extend(ttl).await;
        extended.map_err(|source| self.unavailable(source))
    }

    fn unavailable(&self, source: RedisError) -> LockError {
        LockError::Unavailable {
            key: self.claim.key.clone(),
            source,
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        meter::held(meter::REDIS, self.since.elapsed());
    }
}

/// Redis refuses a time to live of zero.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
