//! What a lock in Redis costs, measured where it is used: from this instance.

use std::time::{Duration, Instant};

use axum::extract::State;
use chassis::{Failure, Json, Path};
use contract::{LockTrials, NewLockTrials};
use lock::{LockError, LockOptions, Protection, RedisLock};
use store::Redis;
use tokio::task::JoinSet;

use crate::names::check_name;

pub(crate) async fn run(
    State(protection): State<Protection>,
    Path(key): Path<String>,
    Json(NewLockTrials { rounds, contenders }): Json<NewLockTrials>,
) -> Result<Json<LockTrials>, Failure> {
    check_name("key", &key)?;
    let lock = protection
        .redis()
        .map_err(|_| Failure::not_found("this system has no Redis, so no lock to try: REDIS_URL is not set"))?;
    let (key, options) = (format!("trial:{key}"), protection.options());
    let trials = if contenders == 1 {
        alone(lock, &key, &options, rounds).await?
    } else {
        together(lock, &key, &options, rounds, contenders).await?
    };
    Ok(Json(trials))
}

/// One holder, in turns with bare round trips, so that both meet the same machine.
async fn alone(lock: &RedisLock, key: &str, options: &LockOptions, rounds: u32) -> Result<LockTrials, Failure> {
    let mut trials = LockTrials {
        lock_us: Vec::with_capacity(rounds as usize),
        bare_us: Vec::with_capacity(rounds as usize),
    };
    // Not counted: the connection is made, and the scripts become known to Redis.
    acquire_and_release(lock, key, options).await?;
    for round in 0..rounds {
        // Whoever comes second finds warmer caches, so they take turns.
        if round % 2 == 0 {
            trials.lock_us.push(acquire_and_release(lock, key, options).await?);
        }
        trials.bare_us.push(two_round_trips(lock.redis()).await?);
        if round % 2 == 1 {
            trials.lock_us.push(acquire_and_release(lock, key, options).await?);
        }
    }
    Ok(trials)
}

async fn acquire_and_release(lock: &RedisLock, key: &str, options: &LockOptions) -> Result<f64, LockError> {
    let started = Instant::now();
    lock.acquire(key, options).await?.release().await?;
    Ok(microseconds(started.elapsed()))
}

async fn two_round_trips(redis: &Redis) -> Result<f64, Failure> {
    let started = Instant::now();
    for _ in 0..2 {
        redis
            .ping()
            .await
            .map_err(|error| Failure::unavailable(error.to_string()))?;
    }
    Ok(microseconds(started.elapsed()))
}

/// Several that want the lock all the time, and give it back as soon as they have it.
async fn together(
    lock: &RedisLock,
    key: &str,
    options: &LockOptions,
    rounds: u32,
    contenders: u32,
) -> Result<LockTrials, Failure> {
    // Ended with the request, should the client not wait for it.
    let mut tasks = JoinSet::new();
    for contender in 0..contenders {
        let rounds = rounds / contenders + u32::from(contender < rounds % contenders);
        let (lock, key, options) = (lock.clone(), key.to_owned(), *options);
        tasks.spawn(async move { waits(&lock, &key, &options, rounds).await });
    }
    let mut lock_us = Vec::with_capacity(rounds as usize);
    while let Some(waited) = tasks.join_next().await {
        lock_us.append(&mut waited.map_err(Failure::internal)??);
    }
    Ok(LockTrials {
        lock_us,
        bare_us: Vec::new(),
    })
}

async fn waits(lock: &RedisLock, key: &str, options: &LockOptions, rounds: u32) -> Result<Vec<f64>, LockError> {
    let mut waits_us = Vec::with_capacity(rounds as usize);
    for _ in 0..rounds {
        let started = Instant::now();
        let guard = lock.acquire(key, options).await?;
        waits_us.push(microseconds(started.elapsed()));
        guard.release().await?;
    }
    Ok(waits_us)
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
