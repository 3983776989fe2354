//! How an instance protects its data, as its environment says.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Check, Failure, ServeError, Settings};
use contract::Strategy;
use contract::environment::{DECISION_MS, LOCK_RELEASE, LOCK_TTL_MS, LOCK_WAIT_MS, STRATEGY};
use contract::limits::LOCK_MS_MAX;

use crate::{LocalLocks, LockOptions, RedisLock, ReleaseMode, TokenIssue, meter};

/// The strategy of an instance, and what the strategies need.
#[derive(Clone)]
pub struct Protection(Arc<Inner>);

struct Inner {
    strategy: Strategy,
    options: LockOptions,
    decision: Duration,
    local: LocalLocks,
    redis: Option<RedisLock>,
}

impl Protection {
    /// Reads `STRATEGY`, `LOCK_TTL_MS`, `LOCK_WAIT_MS`, `LOCK_RELEASE` and `DECISION_MS`. To be called within a
    /// runtime.
    ///
    /// # Errors
    /// When one of them holds what it may not hold, or the strategy needs a Redis and `REDIS_URL` is not set.
    pub fn from_settings(settings: &Settings) -> Result<Self, ServeError> {
        meter::describe();
        let env = &settings.environment;
        let strategy = env.parse(STRATEGY, Strategy::Atomic, &Strategy::allowed(), |_| true)?;
        if strategy.needs_redis() {
            settings.required_redis(&format!("{STRATEGY} is {strategy}"))?;
        }
        let redis = settings
            .redis
            .as_ref()
            .map(|redis| RedisLock::connect(redis.url.expose(), &redis.prefix));
        Ok(Self(Arc::new(Inner {
            strategy,
            options: LockOptions {
                ttl: env.milliseconds(LOCK_TTL_MS, 10_000, 1, LOCK_MS_MAX)?,
                wait: env.milliseconds(LOCK_WAIT_MS, 5_000, 1, LOCK_MS_MAX)?,
                release: env.choice(
                    LOCK_RELEASE,
                    &[("owner", ReleaseMode::Owner), ("bare", ReleaseMode::Bare)],
                )?,
                token: TokenIssue::WithLock,
            },
            decision: env.milliseconds(DECISION_MS, 0, 0, LOCK_MS_MAX)?,
            local: LocalLocks::default(),
            redis: redis.transpose()?,
        })))
    }

    /// The readiness check of Redis, if the instance cannot do without it.
    #[must_use]
    pub fn check(&self) -> Option<Check> {
        let lock = self.0.redis.as_ref().filter(|_| self.0.strategy.needs_redis())?;
        Some(lock.redis().check())
    }

    /// The strategy of requests that choose none.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.0.strategy
    }

    /// How locks are acquired and given back.
    #[must_use]
    pub fn options(&self) -> LockOptions {
        self.0.options
    }

    /// The locks in Redis.
    ///
    /// # Errors
    /// 503 when the system has no Redis.
    pub fn redis(&self) -> Result<&RedisLock, Failure> {
        self.0.redis.as_ref().ok_or_else(|| {
            Failure::unavailable("this system has no Redis: REDIS_URL is not set").with_kind("urn:lab:no-redis")
        })
    }

    pub(crate) fn local(&self) -> &LocalLocks {
        &self.0.local
    }

    pub(crate) fn decision(&self) -> Duration {
        self.0.decision
    }
}
