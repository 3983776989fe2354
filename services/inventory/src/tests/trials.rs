//! What a lock costs.

use chassis::testing::{assert_problem, assert_refuses_bodies, post_to};
use serde_json::json;
use store::testing::RedisServer;

use super::Shop;

const TRIALS: &str = "/locks/a/trials";

#[tokio::test]
async fn one_contender_is_timed_beside_bare_round_trips_and_several_wait_for_one_another() {
    let Some(redis) = RedisServer::start() else { return };
    let shop = Shop::new(1, &[("REDIS_URL", &redis.url())]).await;
    for (body, locks, bare) in [
        (json!({"rounds": 21}), 21, 21),
        (json!({"rounds": 21, "contenders": 1}), 21, 21),
        (json!({"rounds": 21, "contenders": 4}), 21, 0),
        (json!({"rounds": 2, "contenders": 4}), 2, 0),
    ] {
        let answer = post_to(&shop.instances[0], TRIALS, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let trials: contract::LockTrials = serde_json::from_value(answer.json()).unwrap();
        assert_eq!((trials.lock_us.len(), trials.bare_us.len()), (locks, bare), "{body}");
        assert!(trials.lock_us.iter().chain(&trials.bare_us).all(|us| *us > 0.0));
    }
}

#[tokio::test]
async fn a_redis_that_dies_is_a_503_and_no_hang() {
    let Some(mut redis) = RedisServer::start() else { return };
    let shop = Shop::new(1, &[("REDIS_URL", &redis.url()), ("LOCK_WAIT_MS", "100")]).await;
    redis.kill();
    for body in [json!({"rounds": 5}), json!({"rounds": 5, "contenders": 3})] {
        assert_problem(&post_to(&shop.instances[0], TRIALS, &body).await, 503);
    }
}

#[tokio::test]
async fn wrong_requests_get_the_right_answer() {
    let shop = Shop::new(1, &[]).await;
    let router = &shop.instances[0];
    assert_refuses_bodies(router, TRIALS).await;
    for (path, body, status) in [
        (TRIALS, json!({"rounds": 1}), 404),
        (TRIALS, json!({"rounds": 0}), 422),
        (TRIALS, json!({"rounds": 5_001}), 422),
        (TRIALS, json!({"rounds": 1, "contenders": 0}), 422),
        (TRIALS, json!({"rounds": 1, "contenders": 65}), 422),
        (TRIALS, json!({"rounds": -1}), 422),
        ("/locks/%20/trials", json!({"rounds": 1}), 400),
    ] {
        assert_problem(&post_to(router, path, &body).await, status);
    }
}
