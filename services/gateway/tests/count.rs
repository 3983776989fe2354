//! Counting in Redis.

use axum::Router;
use chassis::testing::{assert_problem, get_from, post_to, settings};
use contract::Program;
use serde_json::Value;
use store::testing::RedisServer;

fn gateway(variables: &[(&str, &str)]) -> Router {
    gateway::app(&settings(Program::Gateway, variables)).unwrap()
}

#[tokio::test]
async fn instances_that_count_in_redis_count_together() {
    let Some(mut redis) = RedisServer::start() else { return };
    let url = redis.url();
    let variables = [("COUNT_IN", "redis"), ("REDIS_URL", &*url)];
    let instances = [gateway(&variables), gateway(&variables)];
    assert_eq!(get_from(&instances[0], "/api/count").await.json()["count"], 0);
    for count in 1..=6 {
        let answer = post_to(&instances[count % 2], "/api/count", &Value::Null).await;
        assert_eq!(answer.json()["count"], count);
    }
    assert_eq!(get_from(&instances[0], "/api/count").await.json()["count"], 6);
    assert_eq!(get_from(&instances[0], "/ready").await.status, 200);

    redis.kill();
    assert_problem(&post_to(&instances[0], "/api/count", &Value::Null).await, 503);
    let ready = get_from(&instances[0], "/ready").await;
    assert_problem(&ready, 503);
    assert!(ready.body.contains("redis: "), "{ready:?}");
    assert_eq!(get_from(&gateway(&[("REDIS_URL", &url)]), "/ready").await.status, 200);
}

#[test]
fn counting_in_redis_needs_one() {
    for (variables, part) in [
        (vec![("COUNT_IN", "redis")], "COUNT_IN is redis"),
        (vec![("COUNT_IN", "clouds")], "memory, redis"),
    ] {
        let error = gateway::app(&settings(Program::Gateway, &variables))
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
}
