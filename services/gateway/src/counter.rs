//! A counter: in the memory of the instance, which is right while there is one instance and wrong from the second one
//! on, as the lesson about state shows; or in Redis, which all instances share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use chassis::{Check, Failure, Json, ServeError, Settings};
use contract::CountReading;
use contract::environment::COUNT_IN;
use redis::cmd;
use store::{Redis, RedisError};

use crate::instance::Instance;

pub(crate) enum Counter {
    Memory(AtomicU64),
    Redis { redis: Redis, key: String },
}

impl Counter {
    /// Reads `COUNT_IN`.
    ///
    /// # Errors
    /// When it holds what it may not hold, or is `redis` and there is none.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, ServeError> {
        let places = [("memory", false), ("redis", true)];
        if !settings.environment.choice(COUNT_IN, &places)? {
            return Ok(Self::Memory(AtomicU64::new(0)));
        }
        let address = settings.required_redis(&format!("{COUNT_IN} is redis"))?;
        let redis = Redis::connect(address.url.expose(), &address.prefix)?;
        let key = redis.key("count", "gateway");
        Ok(Self::Redis { redis, key })
    }

    /// The readiness check of Redis, where the count is there.
    pub(crate) fn check(&self) -> Option<Check> {
        match self {
            Self::Memory(_) => None,
            Self::Redis { redis, .. } => Some(redis.check()),
        }
    }

    async fn increment(&self) -> Result<u64, RedisError> {
        match self {
            Self::Memory(count) => Ok(count.fetch_add(1, Ordering::Relaxed) + 1),
            Self::Redis { redis, key } => redis.query(cmd("INCR").arg(key)).await,
        }
    }

    async fn read(&self) -> Result<u64, RedisError> {
        match self {
            Self::Memory(count) => Ok(count.load(Ordering::Relaxed)),
            Self::Redis { redis, key } => {
                let count: Option<u64> = redis.query(cmd("GET").arg(key)).await?;
                Ok(count.unwrap_or(0))
            }
        }
    }
}

pub(crate) async fn increment(
    State(counter): State<Arc<Counter>>,
    State(instance): State<Instance>,
) -> Result<Json<CountReading>, Failure> {
    reading(&instance, counter.increment().await)
}

pub(crate) async fn read(
    State(counter): State<Arc<Counter>>,
    State(instance): State<Instance>,
) -> Result<Json<CountReading>, Failure> {
    reading(&instance, counter.read().await)
}

fn reading(Instance(instance): &Instance, count: Result<u64, RedisError>) -> Result<Json<CountReading>, Failure> {
    let count = count.map_err(|error| {
        Failure::unavailable(format!("the count is not known: {error}")).with_kind("urn:lab:no-count")
    })?;
    Ok(Json(CountReading {
        count,
        instance: instance.clone(),
    }))
}
