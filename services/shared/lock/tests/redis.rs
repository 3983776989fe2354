//! Locks in a real Redis.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lock::{LockError, LockGuard, LockOptions, RedisLock, Release, ReleaseMode, TokenIssue};
use redis::cmd;
use store::testing::RedisServer;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// A life that is over soon.
const SHORT: Duration = Duration::from_millis(40);
/// A wait that is over soon, and long enough for an answer on a busy machine.
const A_WHILE: Duration = Duration::from_millis(500);

const OPTIONS: LockOptions = LockOptions {
    ttl: LONG,
    wait: PATIENCE,
    release: ReleaseMode::Owner,
    token: TokenIssue::WithLock,
};
const SHORT_LIVED: LockOptions = LockOptions { ttl: SHORT, ..OPTIONS };
const IMPATIENT: LockOptions = LockOptions {
    wait: A_WHILE,
    ..OPTIONS
};

fn lock(server: &RedisServer) -> RedisLock {
    RedisLock::connect(&server.url(), "test:").unwrap()
}

async fn acquire(lock: &RedisLock, options: &LockOptions) -> LockGuard {
    lock.acquire("a", options).await.unwrap()
}

/// The error of an acquisition that must end, and fail.
async fn refused(lock: &RedisLock, options: &LockOptions) -> LockError {
    let tried = tokio::time::timeout(PATIENCE, lock.acquire("a", options)).await;
    tried.expect("acquiring ends by its deadline").err().expect("it fails")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_exclude_one_another_and_their_tokens_rise() {
    let Some(server) = RedisServer::start() else { return };
    observability::install();
    let inside = Arc::new(AtomicBool::new(false));
    let tokens = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        // A connection of its own, as another instance has.
        let lock = lock(&server);
        let (inside, tokens) = (Arc::clone(&inside), Arc::clone(&tokens));
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                let guard = acquire(&lock, &OPTIONS).await;
                assert!(!inside.swap(true, Ordering::SeqCst), "two hold it at once");
                tokens.lock().unwrap().push(guard.token());
                tokio::task::yield_now().await;
                inside.store(false, Ordering::SeqCst);
                assert_eq!(guard.release().await.unwrap(), Release::Released);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let tokens = tokens.lock().unwrap();
    assert_eq!(tokens.len(), 80);
    assert!(tokens.is_sorted_by(|earlier, later| earlier < later), "{tokens:?}");
    let text = observability::render();
    for metric in [
        "lock_acquisitions_total{lock=\"redis\",result=\"won\"}",
        "lock_releases_total{result=\"released\"}",
        "lock_wait_seconds_count{lock=\"redis\"}",
        "lock_hold_seconds_count{lock=\"redis\"}",
    ] {
        assert!(text.contains(metric), "{metric} is missing in {text}");
    }
}

#[tokio::test]
async fn when_its_time_is_up_another_gets_in_and_the_old_holder_deletes_nothing() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let old = acquire(&lock, &SHORT_LIVED).await;
    let new = acquire(&lock, &OPTIONS).await;
    assert!(new.token() > old.token());
    assert!(!old.extend(LONG).await.unwrap(), "it is no longer the owner");
    assert!(!lock.is_current("a", old.token()).await.unwrap());
    assert_eq!(old.release().await.unwrap(), Release::NotOwner);
    assert!(lock.is_current("a", new.token()).await.unwrap());
    assert_eq!(new.release().await.unwrap(), Release::Released);
}

#[tokio::test]
async fn tokens_rise_across_release_and_expiry_and_for_each_key_alone() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let mut tokens = Vec::new();
    for options in [OPTIONS, SHORT_LIVED, SHORT_LIVED, OPTIONS, OPTIONS] {
        let guard = acquire(&lock, &options).await;
        tokens.push(guard.token());
        if options == OPTIONS {
            guard.release().await.unwrap();
        } else {
            // Neither released nor dropped: its time has to pass.
            std::mem::forget(guard);
        }
    }
    assert_eq!(tokens, [1, 2, 3, 4, 5]);
    assert_eq!(lock.acquire("b", &OPTIONS).await.unwrap().token(), 1);
}

#[tokio::test]
async fn a_bare_release_deletes_the_lock_of_another_and_says_so() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let bare = LockOptions {
        release: ReleaseMode::Bare,
        ..SHORT_LIVED
    };
    let late = acquire(&lock, &bare).await;
    let rightful = acquire(&lock, &OPTIONS).await;
    assert_eq!(late.release().await.unwrap(), Release::DeletedForeign);
    let third = acquire(&lock, &OPTIONS).await;
    assert_eq!(rightful.release().await.unwrap(), Release::NotOwner);
    assert_eq!(third.release().await.unwrap(), Release::Released);
    let own = acquire(&lock, &LockOptions { ttl: LONG, ..bare }).await;
    assert_eq!(own.release().await.unwrap(), Release::Released);
    let expired = acquire(&lock, &bare).await;
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
    assert_eq!(expired.release().await.unwrap(), Release::NotOwner, "nothing was there");
}

#[tokio::test]
async fn its_owner_can_extend_it() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(
        &lock,
        &LockOptions {
            ttl: PATIENCE,
            ..OPTIONS
        },
    )
    .await;
    assert!(guard.extend(LONG).await.unwrap());
    let left_ms: u64 = lock.redis().query(cmd("PTTL").arg("test:lock:a")).await.unwrap();
    assert!(Duration::from_millis(left_ms) > PATIENCE, "{left_ms}");
}

#[tokio::test]
async fn a_lock_that_stays_held_is_given_up_at_the_deadline() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(&lock, &OPTIONS).await;
    for wait in [A_WHILE, Duration::ZERO] {
        let error = refused(&lock, &LockOptions { wait, ..OPTIONS }).await;
        assert!(matches!(error, LockError::Held { .. }), "{error}");
    }
    assert!(lock.is_current("a", guard.token()).await.unwrap());
}

#[tokio::test]
async fn a_guard_that_is_dropped_gives_the_lock_back() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    drop(acquire(&lock, &OPTIONS).await);
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_nothing_behind() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(&lock, &OPTIONS).await;
    let waiting = tokio::spawn({
        let lock = lock.clone();
        async move { lock.acquire("a", &OPTIONS).await.map(|guard| guard.token()) }
    });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.is_err());
    guard.release().await.unwrap();
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_hangs_is_an_error_and_the_lost_try_holds_nothing_up() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
    server.pause();
    let error = refused(&lock, &IMPATIENT).await;
    assert!(matches!(error, LockError::Unavailable { .. }), "{error}");
    // Redis reads the try now, and grants it to somebody who is gone: the release follows.
    server.resume();
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_dies_is_an_error_and_is_used_again_when_it_is_back() {
    let Some(mut server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(&lock, &OPTIONS).await;
    server.kill();
    let error = refused(&lock, &IMPATIENT).await;
    assert!(matches!(error, LockError::Unavailable { .. }), "{error}");
    assert!(
        tokio::time::timeout(PATIENCE, guard.release())
            .await
            .expect("it ends")
            .is_err()
    );
    server.start_again();
    assert_eq!(
        acquire(&lock, &OPTIONS).await.token(),
        1,
        "all was forgotten: a documented non-promise"
    );
}

#[tokio::test]
async fn a_try_whose_answer_was_lost_is_recognised_by_the_next_one() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
    server.pause();
    let waiting = tokio::spawn({
        let lock = lock.clone();
        async move { lock.acquire("a", &OPTIONS).await.unwrap().token() }
    });
    // Its first try waits for an answer until that takes too long.
    for _ in 0..2 {
        assert!(lock.redis().ping().await.is_err());
    }
    server.resume();
    assert_eq!(waiting.await.unwrap(), 2, "one acquisition, one token");
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_sent_again() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(&lock, &OPTIONS).await;
    lock.redis().query::<()>(cmd("SCRIPT").arg("FLUSH")).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    acquire(&lock, &OPTIONS).await.release().await.unwrap();
}

#[tokio::test]
async fn what_redis_refuses_is_told_at_once() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    // A counter that is no number.
    lock.redis()
        .query::<()>(cmd("SET").arg("test:token:a").arg("x"))
        .await
        .unwrap();
    let error = refused(&lock, &LockOptions { wait: LONG, ..OPTIONS }).await;
    assert!(matches!(error, LockError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_token_taken_early_invalidates_the_rightful_holder() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let early = LockOptions {
        token: TokenIssue::BeforeLock,
        ..OPTIONS
    };
    let holder = acquire(&lock, &early).await;
    assert_eq!(holder.token(), 1);
    let loser = refused(&lock, &LockOptions { wait: A_WHILE, ..early }).await;
    assert!(matches!(loser, LockError::Held { .. }), "{loser}");
    assert!(
        !lock.is_current("a", holder.token()).await.unwrap(),
        "who lost took a higher token than the one who holds the lock"
    );
}

#[tokio::test]
async fn all_keys_begin_with_the_prefix() {
    let Some(server) = RedisServer::start() else { return };
    let lock = lock(&server);
    let guard = acquire(&lock, &OPTIONS).await;
    let keys: Vec<String> = lock.redis().query(cmd("KEYS").arg("*")).await.unwrap();
    let kinds: BTreeMap<_, _> = keys.iter().map(|key| (key.as_str(), ())).collect();
    assert_eq!(kinds.into_keys().collect::<Vec<_>>(), ["test:lock:a", "test:token:a"]);
    guard.release().await.unwrap();
}
