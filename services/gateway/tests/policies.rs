//! The policies of calls, as an operator sees and changes them.

use axum::Router;
use axum::routing::any;
use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, settings, spawn};
use contract::{Program, kind};
use http::StatusCode;
use serde_json::json;

fn gateway(variables: &[(&str, &str)]) -> Router {
    gateway::app(&settings(Program::Gateway, variables)).unwrap()
}

/// A service that always fails.
async fn failing() -> String {
    spawn(Router::new().fallback(any(|| async { StatusCode::INTERNAL_SERVER_ERROR }))).await
}

#[tokio::test]
async fn an_operator_sees_what_the_policies_did() {
    let address = failing().await;
    let router = gateway(&[
        ("USERS_URL", &address),
        ("CALL_BREAKER", "window=3 min=3 open=10m"),
        ("CALL_BULKHEAD", "max=4"),
    ]);
    for _ in 0..3 {
        assert_eq!(get_from(&router, "/api/users").await.status, 500);
    }
    let rejected = get_from(&router, "/api/users").await;
    assert_problem(&rejected, 503);
    assert_eq!(rejected.json()["type"], kind::BREAKER_OPEN);
    assert_eq!(rejected.headers["retry-after"], "600");

    let seen = get_from(&router, "/resilience").await.json();
    assert_eq!(seen["instance"], "gateway-1");
    let users = &seen["upstreams"]["users"];
    assert_eq!((&users["calls"], &users["failed"]), (&json!(4), &json!(3)));
    assert_eq!(users["rejections"]["breaker"], 1);
    assert_eq!(users["breakers"], json!([{"name": "users", "state": "open"}]));
    assert_eq!(users["transitions"][0]["to"], "open");
    assert_eq!(users["bulkhead"], json!({"limit": 4, "in_flight": 0, "waiting": 0}));
    assert_eq!(seen["upstreams"]["orders"]["calls"], 0);

    let metrics = get_from(&router, "/metrics").await.body;
    for line in [
        "breaker_state{upstream=\"users\",breaker=\"users\",state=\"open\"} 1",
        "breaker_state{upstream=\"users\",breaker=\"users\",state=\"closed\"} 0",
        "breaker_transitions_total{upstream=\"users\",breaker=\"users\",to=\"open\"}",
        "upstream_rejections_total{upstream=\"users\",reason=\"breaker\"}",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn policies_change_while_the_gateway_runs_if_that_is_allowed() {
    let address = failing().await;
    let closed = gateway(&[("USERS_URL", &address)]);
    let refused = post_to(&closed, "/resilience", &json!({"retry": "off"})).await;
    assert_problem(&refused, 403);
    assert!(refused.body.contains("CALL_CONTROL"), "{refused:?}");

    let router = gateway(&[("USERS_URL", &address), ("CALL_CONTROL", "on")]);
    assert_refuses_bodies(&router, "/resilience").await;
    let change = json!({"upstream": "users", "retry": "attempts=2 base=0ms max=0ms"});
    let changed = post_to(&router, "/resilience", &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let upstreams = &changed.json()["upstreams"];
    assert_eq!(upstreams["users"]["policies"]["retry"], "attempts=2 base=0ms max=0ms");
    assert_eq!(upstreams["orders"]["policies"]["retry"], "off");
    get_from(&router, "/api/users").await;
    let users = get_from(&router, "/resilience").await.json()["upstreams"]["users"].clone();
    assert_eq!((&users["attempts"], &users["retries"]), (&json!(2), &json!(1)));

    let timeout = post_to(&router, "/resilience", &json!({"timeout_ms": 250}))
        .await
        .json();
    assert_eq!(timeout["upstreams"]["analytics"]["policies"]["timeout_ms"], 250);
    for (wrong, said) in [
        (json!({"breaker": "sometimes"}), "breaker: "),
        (json!({"retry": "attempts=0"}), "at least 1"),
        (json!({"timeout_ms": 0}), "timeout_ms"),
        (json!({"upstream": "redis"}), "does not call"),
        (json!({"deadline": 5}), "deadline"),
    ] {
        let refused = post_to(&router, "/resilience", &wrong).await;
        assert_problem(&refused, 422);
        assert!(refused.body.contains(said), "{refused:?}");
    }
    let users = get_from(&router, "/resilience").await.json()["upstreams"]["users"].clone();
    assert_eq!(users["policies"]["breaker"], "off");
}

#[tokio::test]
async fn a_breaker_that_is_not_asked_any_more_is_gone_from_the_metrics() {
    let address = spawn(Router::new().fallback(any(|| async { [("x-instance", "users-2")] }))).await;
    let router = gateway(&[
        ("USERS_URL", &address),
        ("CALL_BREAKER", "window=3 min=3 open=10m"),
        ("CALL_BREAKER_FOR", "instance"),
        ("CALL_CONTROL", "on"),
    ]);
    let shown = async |path: &str, name: &str| {
        let text = get_from(&router, path).await.body;
        let of = format!("upstream=\"users\",breaker=\"{name}\"");
        text.lines().filter(|line| line.contains(&of)).count()
    };
    for (change, of_service) in [
        (json!({"breaker_for": "upstream"}), 3),
        (json!({"breaker": "window=4 min=4 open=10m"}), 3),
        (json!({"breaker": "off"}), 0),
    ] {
        let by_instance = json!({"breaker": "window=3 min=3 open=10m", "breaker_for": "instance"});
        assert_eq!(post_to(&router, "/resilience", &by_instance).await.status, 200);
        assert_eq!(get_from(&router, "/api/users").await.status, 200);
        for path in ["/metrics", "/api/metrics"] {
            assert_eq!(
                (shown(path, "users").await, shown(path, "users-2").await),
                (3, 3),
                "{path}"
            );
        }
        assert_eq!(post_to(&router, "/resilience", &change).await.status, 200);
        for path in ["/metrics", "/api/metrics"] {
            let seen = (shown(path, "users").await, shown(path, "users-2").await);
            assert_eq!(seen, (of_service, 0), "{path} after {change}");
        }
    }
}

#[test]
fn a_policy_that_is_not_understood_is_refused_at_the_start() {
    for (variable, value, said) in [
        ("CALL_BREAKER", "open", "not a setting"),
        ("CALL_BREAKER_FOR", "me", "upstream, instance"),
        ("CALL_BULKHEAD", "max=0", "at least 1"),
        ("CALL_LIMIT", "vegas", "use one of static, "),
        ("CALL_LIMIT", "static; stack", "fifo"),
        ("CALL_RETRY", "attempts=three", "whole number"),
        ("CALL_HEDGE", "after=p100", "below p100"),
        ("CALL_THROTTLE", "k=0.5", "below 1"),
        ("CALL_POOL", "size=3", "max, length, wait"),
        ("CALL_CONTROL", "yes", "off, on"),
    ] {
        let refused = gateway::app(&settings(Program::Gateway, &[(variable, value)])).unwrap_err();
        let error = refused.to_string();
        assert!(error.contains(variable) && error.contains(said), "{error}");
    }
}
