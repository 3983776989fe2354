//! Every strategy in both directions: the wrong ones really break, the right ones hold. Pauses are the named barrier
//! (`DECISION_MS`) and lives of locks (`LOCK_TTL_MS`), as in the lessons.

use std::time::Duration;

use chassis::testing::{Answer, assert_problem, count, get_from, send_with, settings};
use contract::{Program, StepKind};
use http::Method;
use lock::{LockOptions, RedisLock, Release, ReleaseMode, TokenIssue};
use redis::cmd;
use serde_json::json;
use store::testing::RedisServer;

use super::{Shop, kinds_of_problems};
use crate::{app, open};

const LAMP: &str = "/products/7";
const RESERVATIONS: &str = "/products/7/reservations";
/// Long enough for everybody to have read.
const BARRIER: (&str, &str) = ("DECISION_MS", "300");
/// What overlaps without protection, and soon over where everybody waits for everybody.
const SHORT_BARRIER: (&str, &str) = ("DECISION_MS", "10");

/// How many of six clients on so many instances get the one lamp, under a strategy.
async fn sold(instances: usize, strategy: &str, variables: &[(&str, &str)]) -> usize {
    let shop = Shop::new(instances, variables).await;
    shop.put_product(7, 1).await;
    let headers = [("x-strategy", strategy)];
    let answers = shop.rush(6, RESERVATIONS, &headers, &json!({"quantity": 1})).await;
    assert_eq!(count(&answers, 201) + count(&answers, 409), 6, "{answers:?}");
    assert_eq!(get_from(&shop.instances[0], LAMP).await.json()["stock"], 0);
    count(&answers, 201)
}

#[tokio::test]
async fn without_protection_one_piece_is_sold_to_everybody() {
    for instances in [1, 2] {
        assert_eq!(sold(instances, "none", &[BARRIER]).await, 6);
    }
}

#[tokio::test]
async fn a_local_lock_protects_one_instance_and_not_two() {
    assert_eq!(sold(1, "local-lock", &[SHORT_BARRIER]).await, 1);
    assert_eq!(sold(2, "local-lock", &[BARRIER]).await, 2);
}

#[tokio::test]
async fn one_statement_protects_any_number_of_instances() {
    assert_eq!(sold(3, "atomic", &[SHORT_BARRIER]).await, 1);
}

#[tokio::test]
async fn a_lock_in_redis_that_lives_long_enough_protects_any_number_of_instances() {
    let Some(redis) = RedisServer::start() else { return };
    for strategy in ["redis-lock", "redis-lock-asked", "redis-lock-fenced"] {
        let variables = [SHORT_BARRIER, ("REDIS_URL", &redis.url())];
        assert_eq!(sold(3, strategy, &variables).await, 1, "{strategy}");
    }
}

/// Two clients on two instances want the one lamp, and each decides for longer than its lock lives.
async fn outlived(strategy: &str) -> Option<Vec<Answer>> {
    let redis = RedisServer::start()?;
    let variables = [
        ("REDIS_URL", &*redis.url()),
        ("LOCK_TTL_MS", "50"),
        ("DECISION_MS", "600"),
    ];
    let shop = Shop::new(2, &variables).await;
    shop.put_product(7, 1).await;
    let headers = [("x-strategy", strategy), ("x-steps", "1")];
    Some(shop.rush(2, RESERVATIONS, &headers, &json!({"quantity": 1})).await)
}

#[tokio::test]
async fn a_holder_that_outlives_its_lock_oversells_even_if_it_asks_first() {
    for (strategy, asked) in [("redis-lock", 0), ("redis-lock-asked", 2)] {
        let Some(answers) = outlived(strategy).await else {
            return;
        };
        assert_eq!(count(&answers, 201), 2, "{strategy}: {answers:?}");
        let all: Vec<StepKind> = answers.iter().flat_map(Answer::step_kinds).collect();
        assert_eq!(all.iter().filter(|kind| **kind == StepKind::Checked).count(), asked);
        assert!(all.contains(&StepKind::NotOwner), "{all:?}");
    }
}

#[tokio::test]
async fn the_storage_refuses_the_stale_token_of_a_holder_that_outlives_its_lock() {
    let Some(answers) = outlived("redis-lock-fenced").await else {
        return;
    };
    assert_eq!(count(&answers, 201), 1, "{answers:?}");
    let stale = answers.iter().find(|answer| answer.status == 409).unwrap();
    assert_eq!(stale.json()["type"], "urn:lab:stale-token");
    let token = |at: usize| stale.steps()[at].value;
    assert_eq!(
        stale.step_kinds(),
        [
            StepKind::Acquired,
            StepKind::Read,
            StepKind::Refused,
            StepKind::NotOwner
        ]
    );
    assert_eq!(
        token(0),
        token(2),
        "what is refused is the token that the lock came with"
    );
}

#[tokio::test]
async fn a_bare_release_is_seen_to_delete_the_lock_of_another() {
    let Some(redis) = RedisServer::start() else { return };
    let url = redis.url();
    let late = Shop::new(
        1,
        &[
            ("REDIS_URL", &url),
            ("LOCK_TTL_MS", "50"),
            ("DECISION_MS", "600"),
            ("LOCK_RELEASE", "bare"),
        ],
    )
    .await;
    late.put_product(7, 9).await;
    let headers = [("x-strategy", "redis-lock"), ("x-steps", "1")];
    let body = json!({"quantity": 1});
    let held_up = late.rush(1, RESERVATIONS, &headers, &body);
    // Another holder, whose lock lives on.
    let other = RedisLock::connect(&url, "lab:").unwrap();
    let options = LockOptions {
        ttl: Duration::from_secs(600),
        wait: Duration::from_secs(20),
        release: ReleaseMode::Owner,
        token: TokenIssue::WithLock,
    };
    let rightful = async {
        while !other
            .redis()
            .query::<bool>(cmd("EXISTS").arg("lab:token:product:7"))
            .await
            .unwrap()
        {
            tokio::task::yield_now().await;
        }
        other.acquire("product:7", &options).await.unwrap()
    };
    let (answers, rightful) = tokio::join!(held_up, rightful);
    assert_eq!(
        answers[0].step_kinds().last(),
        Some(&StepKind::DeletedForeign),
        "{answers:?}"
    );
    assert_eq!(rightful.release().await.unwrap(), Release::NotOwner);
}

#[tokio::test]
async fn tokens_taken_early_get_rightful_holders_refused() {
    let Some(redis) = RedisServer::start() else { return };
    let shop = Shop::new(2, &[("REDIS_URL", &redis.url()), ("DECISION_MS", "5")]).await;
    shop.put_product(7, 12).await;
    let headers = [("x-strategy", "redis-lock-early-token")];
    let answers = shop.rush(12, RESERVATIONS, &headers, &json!({"quantity": 1})).await;
    // There is a piece for everybody. That twelve win the lock in the order of their tokens has odds of one to 12!.
    let refused = kinds_of_problems(&answers);
    assert!(
        !refused.is_empty() && refused.iter().all(|kind| kind == "urn:lab:stale-token"),
        "{refused:?}"
    );
    let headers = [("x-strategy", "redis-lock-fenced")];
    shop.put_product(7, 12).await;
    let answers = shop.rush(12, RESERVATIONS, &headers, &json!({"quantity": 1})).await;
    assert_eq!(count(&answers, 201), 12, "{answers:?}");
}

#[tokio::test]
async fn the_lock_service_is_asked_between_reading_and_writing() {
    let Some(redis) = RedisServer::start() else { return };
    let shop = Shop::new(1, &[("REDIS_URL", &redis.url())]).await;
    shop.put_product(7, 1).await;
    let headers = [("x-strategy", "redis-lock-asked"), ("x-steps", "1")];
    let answers = shop.rush(1, RESERVATIONS, &headers, &json!({"quantity": 1})).await;
    assert_eq!(
        answers[0].step_kinds(),
        [
            StepKind::Acquired,
            StepKind::Read,
            StepKind::Checked,
            StepKind::Written,
            StepKind::Released
        ]
    );
    assert_eq!(answers[0].steps()[0].value, Some(1));
    assert_eq!(answers[0].steps()[2].value, Some(1));
}

#[tokio::test]
async fn steps_are_told_only_when_asked_for_and_with_problems_too() {
    let shop = Shop::new(1, &[]).await;
    shop.put_product(7, 1).await;
    let body = json!({"quantity": 1});
    for (strategy, expected) in [
        ("none", vec![StepKind::Read, StepKind::Written]),
        (
            "local-lock",
            vec![
                StepKind::Acquired,
                StepKind::Read,
                StepKind::Written,
                StepKind::Released,
            ],
        ),
        ("atomic", vec![StepKind::Written]),
    ] {
        shop.put_product(7, 1).await;
        let silent = shop.rush(1, RESERVATIONS, &[("x-strategy", strategy)], &body).await;
        assert!(silent[0].json().get("steps").is_none(), "{silent:?}");
        shop.put_product(7, 1).await;
        let headers = [("x-strategy", strategy), ("x-steps", "1")];
        let told = shop.rush(1, RESERVATIONS, &headers, &body).await;
        assert_eq!(told[0].step_kinds(), expected, "{strategy}");
        assert!(told[0].steps().is_sorted_by_key(|step| step.at_ns));
        let refused = shop.rush(1, RESERVATIONS, &headers, &body).await;
        assert_problem(&refused[0], 409);
        assert!(refused[0].json()["steps"].is_array(), "{refused:?}");
    }
}

#[tokio::test]
async fn a_strategy_that_cannot_be_had_is_refused_and_changes_nothing() {
    let shop = Shop::new(1, &[]).await;
    shop.put_product(7, 1).await;
    for (strategy, status) in [("redis", 400), ("", 400), ("redis-lock", 503)] {
        let headers = [("x-strategy", strategy)];
        let answer = send_with(
            &shop.instances[0],
            Method::POST,
            RESERVATIONS,
            &headers,
            &json!({"quantity": 1}),
        )
        .await;
        assert_problem(&answer, status);
    }
    assert_eq!(get_from(&shop.instances[0], LAMP).await.json()["stock"], 1);
}

#[tokio::test]
async fn a_redis_that_is_needed_is_missed_at_the_start_and_in_readiness() {
    let database = || async { open("sqlite::memory:").await.unwrap() };
    let without = settings(Program::Inventory, &[("STRATEGY", "redis-lock")]);
    let error = app(&without, database().await).unwrap_err().to_string();
    assert!(
        error.contains("REDIS_URL") && error.contains("STRATEGY is redis-lock"),
        "{error}"
    );

    let Some(mut redis) = RedisServer::start() else { return };
    let url = redis.url();
    let needs = settings(Program::Inventory, &[("STRATEGY", "redis-lock"), ("REDIS_URL", &url)]);
    let merely_has = settings(Program::Inventory, &[("REDIS_URL", &url)]);
    let needs = app(&needs, database().await).unwrap();
    let merely_has = app(&merely_has, database().await).unwrap();
    assert_eq!(get_from(&needs, "/ready").await.status, 200);
    redis.kill();
    let answer = get_from(&needs, "/ready").await;
    assert_problem(&answer, 503);
    assert!(
        answer.json()["causes"][0].as_str().unwrap().starts_with("redis: "),
        "{answer:?}"
    );
    assert_eq!(get_from(&merely_has, "/ready").await.status, 200);
}

#[tokio::test]
async fn a_redis_that_dies_is_a_503_and_no_hang() {
    let Some(mut redis) = RedisServer::start() else { return };
    let shop = Shop::new(1, &[("REDIS_URL", &redis.url()), ("LOCK_WAIT_MS", "100")]).await;
    shop.put_product(7, 1).await;
    redis.kill();
    let headers = [("x-strategy", "redis-lock-fenced"), ("x-steps", "1")];
    let answers = shop.rush(1, RESERVATIONS, &headers, &json!({"quantity": 1})).await;
    assert_problem(&answers[0], 503);
    assert_eq!(answers[0].json()["type"], "urn:lab:lock-unavailable");
    assert_eq!(answers[0].steps(), []);
}
