//! A Redis as one of the services of a system.

use std::net::TcpListener;
use std::time::Duration;

use compose::ProcessStamp;
use compose::servers::Backing;
use compose::servers::redis::Redis;
use compose::{Family, InstanceState};
use contract::environment::REDIS_SERVER;

use super::bench::*;

/// The bound of a question that is expected to be answered.
const ANSWERED: Duration = Duration::from_secs(20);
/// The bound of a question that cannot be answered, however long it waits.
const UNANSWERED: Duration = Duration::from_millis(50);

/// Whether there is a Redis that this test can start, pause and kill; says so loudly where there is none. The program
/// that these tests start as the lab's own has none built in.
#[track_caller]
pub fn can_start_redis() -> bool {
    can_start_told(&Redis, &[(REDIS_SERVER.to_owned(), "program".to_owned())].into())
}

pub async fn a_redis_comes_up_and_is_wired_to_those_that_use_it(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let system = bench.backend.up(guarded(), bench.options("run")).await.unwrap();
    assert_eq!(names(&system).await, GUARDED_NAMES);
    let redis = instance(&system, "redis-1").await;
    let url = redis.url.unwrap();
    assert_eq!((url.scheme(), url.port()), ("redis", redis.port));
    assert_eq!(system.front_door("redis").unwrap(), url);
    assert_eq!(redis.state, InstanceState::Ready);
    Redis.ping(&url, ANSWERED).await.unwrap();
    bench.came_up_in_order("redis-1");
    // It is ready only when its Redis answers it.
    assert_eq!(ask(&system.entry(), "/ready").await.unwrap().0, 200);
    // What every Redis says, also one that is started without the lab's own program.
    until_logged(&system, "redis-1", 0, "Ready to accept connections").await;
    let error = system.scale("redis", 2).await.unwrap_err();
    assert_eq!(error.family(), Family::Usage);
    assert!(error.to_string().contains("1 instance"), "{error}");
    system.down().await.unwrap();
}

pub async fn a_killed_redis_comes_back_empty_at_its_address(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let system = bench.backend.up(guarded(), bench.options("run")).await.unwrap();
    let url = system.front_door("redis").unwrap();
    assert_eq!(tell(&url, "SET key value").await, "+OK");
    system.kill("redis-1").await.unwrap();
    assert_eq!(state(&system, "redis-1").await, InstanceState::Killed);
    Redis.ping(&url, ANSWERED).await.unwrap_err();
    until("its user is not ready", async || {
        ask(&system.entry(), "/ready").await.unwrap().0 == 503
    })
    .await;

    system.restart("redis-1").await.unwrap();
    assert_eq!(state(&system, "redis-1").await, InstanceState::Ready);
    assert_eq!(system.front_door("redis").unwrap(), url);
    assert_eq!(tell(&url, "DBSIZE").await, ":0", "nothing was kept on disk");
    until("its user is ready again", async || {
        ask(&system.entry(), "/ready").await.unwrap().0 == 200
    })
    .await;

    assert_eq!(tell(&url, "SET key value").await, "+OK");
    system.restart("redis-1").await.unwrap();
    assert_eq!(tell(&url, "DBSIZE").await, ":0", "not even at an orderly end");
    system.down().await.unwrap();
}

pub async fn a_paused_redis_answers_once_it_goes_on(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let system = bench.backend.up(guarded(), bench.options("run")).await.unwrap();
    let url = system.front_door("redis").unwrap();
    system.pause("redis-1").await.unwrap();
    assert_eq!(state(&system, "redis-1").await, InstanceState::Paused);
    Redis.ping(&url, UNANSWERED).await.unwrap_err();
    system.resume("redis-1").await.unwrap();
    Redis.ping(&url, ANSWERED).await.unwrap();
    system.down().await.unwrap();
}

pub async fn a_redis_goes_down_in_order(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let system = bench.backend.up(guarded(), bench.options("run")).await.unwrap();
    let processes = processes(&system).await;
    assert_eq!(processes.len(), GUARDED_NAMES.len());
    let port = instance(&system, "redis-1").await.port.unwrap();
    system.down().await.unwrap();
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    assert!(bench.records().is_empty());
    bench.ended_in_order("redis-1");
}

pub async fn a_crash_of_the_lab_takes_its_redis_along(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let mut driver = bench.start_driver(guarded(), false);
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let processes = processes(&system).await;
    assert_eq!(processes.len(), GUARDED_NAMES.len());
    Redis
        .ping(&system.front_door("redis").unwrap(), ANSWERED)
        .await
        .unwrap();
    // A stopped process hears only of SIGKILL.
    system.pause("redis-1").await.unwrap();
    driver.kill();
    if ends_with_its_lab(&record) {
        until_gone(&processes).await;
    }
    registry().clean(&the_leftover(&bench).await.record).await.unwrap();
    until_gone(&processes).await;
    assert!(bench.records().is_empty());
}
