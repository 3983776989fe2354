//! Rate limits that instances share, and what becomes of them without their Redis.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use chassis::testing::{Answer, answer, assert_problem, get_from, settings};
use contract::{Program, kind};
use http::Request;
use reliability::rate::{Quota, REGISTRY};
use std::net::SocketAddr;
use std::time::Duration;
use store::testing::RedisServer;

fn gateway(variables: &[(&str, &str)]) -> Router {
    gateway::app(&settings(Program::Gateway, variables)).unwrap()
}

async fn ask(router: &Router, client: u8) -> Answer {
    let mut request = Request::get("/api/limited");
    let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, client], 5_000)));
    request.extensions_mut().unwrap().insert(peer);
    answer(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn three_instances_share_one_limit_in_redis_and_have_three_in_memory() {
    let Some(redis) = RedisServer::start() else { return };
    let url = redis.url();
    let quota = Quota::new(5, Duration::from_secs(60));
    for kind in REGISTRY {
        let line = format!("{} limit=5 window=1m", kind.name());
        for (place, counters) in [("redis", 1), ("memory", 3)] {
            let variables = [("RATE_LIMIT", &*line), ("RATE_LIMIT_IN", place), ("REDIS_URL", &*url)];
            let instances = [(); 3].map(|()| gateway(&variables));
            let mut statuses = Vec::new();
            for request in 0..30 {
                statuses.push(ask(&instances[request % 3], 1).await.status);
            }
            // It may be more over the edge of two windows of the clock, and where it took as long as one more needs.
            let found = statuses.iter().filter(|status| **status == 200).count() as u64;
            let (least, most) = (counters * u64::from(quota.limit), counters * kind.most(&quota));
            assert!((least..=most).contains(&found), "{line} in {place}: {found}");
            assert_eq!(
                ask(&instances[0], 2).await.status,
                200,
                "another client has a limit of its own"
            );
        }
    }
}

#[tokio::test]
async fn who_waits_as_long_as_is_said_is_admitted() {
    let router = gateway(&[("RATE_LIMIT", "gcra limit=2 window=40m burst=1")]);
    assert_eq!(ask(&router, 1).await.status, 200);
    let refused = ask(&router, 1).await;
    assert_problem(&refused, 429);
    assert_eq!(refused.headers["retry-after"], "1200");
    assert!(refused.body.contains("may ask 2 times in 2400 s"), "{refused:?}");
}

#[tokio::test]
async fn without_its_redis_a_limit_fails_open_or_closed() {
    let Some(mut redis) = RedisServer::start() else { return };
    let url = redis.url();
    let with = |way| {
        gateway(&[
            ("RATE_LIMIT", "gcra limit=1 window=10m"),
            ("RATE_LIMIT_IN", "redis"),
            ("RATE_LIMIT_ON_FAILURE", way),
            ("REDIS_URL", &url),
        ])
    };
    let (open, closed) = (with("open"), with("closed"));
    assert_eq!(ask(&open, 1).await.status, 200);
    assert_eq!(ask(&closed, 1).await.status, 429);
    redis.kill();
    for _ in 0..3 {
        assert_eq!(ask(&open, 1).await.status, 200);
    }
    let refused = ask(&closed, 1).await;
    assert_problem(&refused, 503);
    assert_eq!(refused.json()["type"], kind::LIMIT_UNKNOWN);
    assert_eq!(get_from(&open, "/ready").await.status, 200);
    assert_problem(&get_from(&closed, "/ready").await, 503);
    let metrics = get_from(&open, "/metrics").await.body;
    assert!(
        metrics.contains("rate_limit_decisions_total{decision=\"unknown\"}"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_limit_that_is_not_understood_is_refused_at_the_start() {
    let redis = ("REDIS_URL", "redis://127.0.0.1:1");
    for (variables, said) in [
        (
            vec![("RATE_LIMIT", "leaky_bucket limit=5")],
            "fixed_window, sliding_counter",
        ),
        (vec![("RATE_LIMIT", "gcra limit=0")], "at least 1"),
        (vec![("RATE_LIMIT_IN", "redis")], "RATE_LIMIT_IN is redis"),
        (vec![("RATE_LIMIT_IN", "clouds")], "memory, redis"),
        (vec![("RATE_LIMIT_ON_FAILURE", "ajar")], "open, closed"),
        (
            vec![
                redis,
                ("RATE_LIMIT_IN", "redis"),
                ("RATE_LIMIT", "gcra limit=4000000000 window=1000m"),
            ],
            "2^53",
        ),
    ] {
        let refused = gateway::app(&settings(Program::Gateway, &variables)).unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
}
