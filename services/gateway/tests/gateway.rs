//! The gateway before stand-ins for the services that it calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::{get, post};
use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_raw, post_to, settings, spawn};
use chassis::{Failure, Json};
use contract::{NewPayment, Payment, PaymentStatus, Program};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

fn gateway(variables: &[(&str, &str)]) -> Router {
    gateway::app(&settings(Program::Gateway, variables)).unwrap()
}

/// Answers every GET with the path that was asked for.
async fn echo() -> String {
    let path = |OriginalUri(uri): OriginalUri| async move { axum::Json(json!({"asked": uri.to_string()})) };
    spawn(Router::new().fallback(path)).await
}

/// Refuses `refused` payments, then takes them, and notes the keys.
async fn payments(refused: u32, keys: Arc<Mutex<Vec<Option<String>>>>) -> String {
    let calls = Arc::new(AtomicU32::new(0));
    let pay = move |Json(wanted): Json<NewPayment>| async move {
        keys.lock().unwrap().push(wanted.idempotency_key.clone());
        if calls.fetch_add(1, Ordering::Relaxed) < refused {
            return Err(Failure::unavailable("the payment provider does not answer"));
        }
        let NewPayment {
            order_id,
            amount_cents,
            idempotency_key,
        } = wanted;
        let payment = Payment {
            id: 1,
            order_id,
            amount_cents,
            status: PaymentStatus::Captured,
            idempotency_key,
        };
        Ok((StatusCode::CREATED, Json(payment)))
    };
    spawn(Router::new().route("/payments", post(pay))).await
}

#[tokio::test]
async fn reads_are_handed_on_with_their_query() {
    let address = echo().await;
    let router = gateway(&[
        ("USERS_URL", &address),
        ("ORDERS_URL", &address),
        ("INVENTORY_URL", &address),
    ]);
    for (path, asked) in [
        ("/api/users", "/users"),
        ("/api/users/7", "/users/7"),
        ("/api/users?limit=2&x=%20", "/users?limit=2&x=%20"),
        ("/api/orders", "/orders"),
        ("/api/orders/3", "/orders/3"),
        ("/api/products", "/products"),
    ] {
        let answer = get_from(&router, path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"asked": asked})));
        assert_eq!(answer.headers["x-instance"], "gateway-1");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn calls_carry_the_trace_of_the_request() {
    let seen = |headers: HeaderMap| async move { headers["traceparent"].to_str().unwrap_or_default().to_owned() };
    let address = spawn(Router::new().fallback(seen)).await;
    let router = gateway(&[("USERS_URL", &address)]);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = http::Request::get("/api/users").header("traceparent", parent);
    let answer = chassis::testing::answer(&router, request.body(axum::body::Body::empty()).unwrap()).await;
    assert!(
        answer.body.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{answer:?}"
    );
    assert!(
        !answer.body.contains("00f067aa0ba902b7"),
        "each part has a span of its own: {answer:?}"
    );
}

#[tokio::test]
async fn an_order_is_handed_on_as_it_is_and_told_to_the_analytics() {
    let place = |headers: HeaderMap, body: String| async move {
        let status = if body == "right" {
            StatusCode::CREATED
        } else {
            StatusCode::IM_A_TEAPOT
        };
        (
            status,
            format!("{} {body}", headers["content-type"].to_str().unwrap_or_default()),
        )
    };
    let orders = spawn(Router::new().route("/orders", post(place))).await;
    let (told, mut events) = tokio::sync::mpsc::unbounded_channel();
    let record = move |body: String| async move { told.send(body).unwrap() };
    let analytics = spawn(Router::new().route("/events", post(record))).await;
    let router = gateway(&[("ORDERS_URL", &orders), ("ANALYTICS_URL", &analytics)]);

    let refused = post_raw(&router, "/api/orders", Some("text/odd"), "wrong").await;
    assert_eq!((refused.status, refused.body.as_str()), (418, "text/odd wrong"));
    let placed = post_raw(&router, "/api/orders", Some("text/odd"), "right").await;
    assert_eq!((placed.status, placed.body.as_str()), (201, "text/odd right"));
    assert_eq!(events.recv().await.unwrap(), r#"{"kind":"order.created"}"#);
    assert!(events.try_recv().is_err(), "the refused order was not told");

    let oversized = "x".repeat(contract::limits::BODY_BYTES_MAX + 1);
    assert_problem(&post_raw(&router, "/api/orders", None, &oversized).await, 413);
}

#[tokio::test]
async fn the_dashboard_marks_what_is_missing() {
    let up = echo().await;
    let failing = spawn(Router::new().route("/orders", get(|| async { Failure::conflict("not today") }))).await;
    let hanging = spawn(Router::new().route("/summary", get(std::future::pending::<()>))).await;
    let router = gateway(&[
        ("USERS_URL", &up),
        ("ORDERS_URL", &failing),
        ("INVENTORY_URL", "http://127.0.0.1:9"),
        ("ANALYTICS_URL", &hanging),
        ("UPSTREAM_TIMEOUT_MS", "50"),
    ]);
    let answer = get_from(&router, "/api/dashboard").await;
    let dashboard = answer.json();
    assert_eq!((answer.status, &dashboard["complete"]), (200, &json!(false)));
    assert_eq!(
        (&dashboard["users"]["ok"], &dashboard["users"]["data"]),
        (&json!(true), &json!({"asked": "/users"}))
    );
    for (part, status) in [("orders", 409), ("products", 502), ("analytics", 504)] {
        assert_eq!(
            (&dashboard[part]["ok"], &dashboard[part]["problem"]["status"]),
            (&json!(false), &json!(status))
        );
        assert!(dashboard[part]["latency_ms"].is_number());
    }

    let all = ["USERS_URL", "ORDERS_URL", "INVENTORY_URL", "ANALYTICS_URL"].map(|variable| (variable, up.as_str()));
    assert_eq!(
        get_from(&gateway(&all), "/api/dashboard").await.json()["complete"],
        true
    );
}

#[tokio::test]
async fn a_payment_is_tried_once_or_until_it_succeeds() {
    let body = json!({"order_id": 7, "amount_cents": 500});
    let keys = Arc::default();
    let address = payments(3, Arc::clone(&keys)).await;
    let router = gateway(&[("PAYMENTS_URL", &address)]);
    assert_problem(&post_to(&router, "/api/pay", &body).await, 503);

    let paid = post_to(&router, "/api/pay-with-retry", &body).await;
    assert_eq!((paid.status, &paid.json()["attempts"]), (201, &json!(3)), "{paid:?}");
    assert_eq!(
        (&paid.headers["x-attempts"], &paid.json()["payment"]["amount_cents"]),
        (&"3".parse().unwrap(), &json!(500))
    );
    let keys = keys.lock().unwrap();
    assert!(keys[0].is_none() && keys[1].is_some(), "{keys:?}");
    assert!(
        keys[1] == keys[2] && keys[2] == keys[3],
        "every try has the same key: {keys:?}"
    );
}

#[tokio::test]
async fn retries_are_bounded_and_leave_mistakes_alone() {
    let body = json!({"order_id": 7, "amount_cents": 500});
    let keys = Arc::default();
    let address = payments(u32::MAX, Arc::clone(&keys)).await;
    let router = gateway(&[("PAYMENTS_URL", &address)]);
    let refused = post_to(&router, "/api/pay-with-retry", &body).await;
    assert_problem(&refused, 503);
    assert_eq!(
        (refused.headers["x-attempts"].as_bytes(), keys.lock().unwrap().len()),
        (&b"4"[..], 4)
    );
    assert_eq!(refused.json()["causes"], json!(["tried 4 times"]));

    assert_refuses_bodies(&router, "/api/pay-with-retry").await;
    let negative = json!({"order_id": 7, "amount_cents": -1});
    assert_problem(&post_to(&router, "/api/pay-with-retry", &negative).await, 422);
    assert_problem(&post_to(&router, "/api/pay", &negative).await, 422);
    assert_eq!(keys.lock().unwrap().len(), 4, "a wrong body reaches nobody");

    let nowhere = post_to(&gateway(&[]), "/api/pay-with-retry", &body).await;
    assert_problem(&nowhere, 503);
    assert_eq!(nowhere.headers["x-attempts"], "1");
}

#[tokio::test]
async fn burning_is_bounded_and_says_what_was_used() {
    for place in ["inline", "offloaded"] {
        let router = gateway(&[("CPU_WORK", place)]);
        for path in ["/api/blocking?ms=2", "/api/cpu-bound?ms=2"] {
            let answer = get_from(&router, path).await;
            assert_eq!(answer.status, 200);
            assert!(answer.json()["cpu_ms"].as_f64().unwrap() >= 2.0, "{answer:?}");
        }
        for path in ["/api/blocking?ms=60001", "/api/blocking?ms=-1", "/api/cpu-bound?ms=x"] {
            assert_problem(&get_from(&router, path).await, 400);
        }
    }
    let answer = get_from(&gateway(&[]), "/api/non-blocking").await.json();
    assert_eq!(answer["instance"], "gateway-1");
    let process = answer["process"].as_u64().unwrap();
    assert!(process < 1 << 53, "{process}");
    let again = get_from(&gateway(&[]), "/api/cpu-bound?ms=1").await.json();
    assert_eq!(again["process"], process, "one process, one number");
}

#[tokio::test]
async fn the_counter_counts_in_the_memory_of_its_instance() {
    let router = gateway(&[("INSTANCE", "gateway-2")]);
    for count in 1..=3 {
        let answer = post_to(&router, "/api/count", &Value::Null).await;
        assert_eq!(answer.json(), json!({"count": count, "instance": "gateway-2"}));
    }
    assert_eq!(get_from(&router, "/api/count").await.json()["count"], 3);
    assert_eq!(get_from(&gateway(&[]), "/api/count").await.json()["count"], 0);
}

#[tokio::test]
async fn it_is_ready_when_the_services_that_it_has_are_alive() {
    let up = echo().await;
    assert_eq!(get_from(&gateway(&[("USERS_URL", &up)]), "/ready").await.status, 200);
    let answer = get_from(
        &gateway(&[("USERS_URL", &up), ("ORDERS_URL", "http://127.0.0.1:9")]),
        "/ready",
    )
    .await;
    assert_problem(&answer, 503);
    assert!(
        answer.json()["causes"][0].as_str().unwrap().starts_with("orders: "),
        "{answer:?}"
    );
    assert_eq!(
        get_from(&gateway(&[("USERS_URL", "http://127.0.0.1:9")]), "/health")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn wrong_paths_and_methods_get_problems_and_metrics_are_there() {
    let router = gateway(&[]);
    assert_problem(&get_from(&router, "/api/nothing").await, 404);
    assert_problem(&get_from(&router, "/api/pay").await, 405);
    assert_problem(&post_to(&router, "/api/users", &json!({})).await, 405);
    assert_problem(&get_from(&router, "/api/users").await, 503);
    let metrics = get_from(&router, "/api/metrics").await;
    assert!(
        metrics
            .body
            .contains("http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}"),
        "{metrics:?}"
    );
}

#[tokio::test]
async fn one_dead_service_makes_a_deep_readiness_fail_and_a_shallow_one_not() {
    let alive = echo().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for (ready, status) in [("deep", 503), ("shallow", 200), ("", 503)] {
        let router = gateway(&[("USERS_URL", &alive), ("PAYMENTS_URL", &dead), ("READY", ready)]);
        let answer = get_from(&router, "/ready").await;
        assert_eq!(answer.status, status, "{ready:?}: {answer:?}");
        if status == 503 {
            let causes = answer.json()["causes"].as_array().unwrap().clone();
            let [cause] = &causes[..] else { panic!("{causes:?}") };
            assert!(cause.as_str().unwrap().starts_with("payments: "), "{cause}");
        }
    }
}
