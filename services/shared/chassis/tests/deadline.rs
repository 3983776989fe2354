//! Deadlines from service to service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use chassis::testing::{Answer, answer, assert_problem, settings, spawn};
use chassis::{App, Callee, Client, Failure, Reply};
use contract::{Program, kind};
use http::{HeaderMap, Request};

const LEFT: &str = "x-deadline-left-ms";

async fn ask(router: &Router, left_ms: Option<&str>) -> Answer {
    let mut request = Request::get("/ask");
    if let Some(left_ms) = left_ms {
        request = request.header(LEFT, left_ms);
    }
    answer(router, request.body(Body::empty()).unwrap()).await
}

/// A service that hands `/ask` on to the one at `callee`.
fn caller(callee: &str, variables: &[(&str, &str)]) -> Router {
    let mut all = vec![("USERS_URL", callee)];
    all.extend(variables);
    let settings = settings(Program::Orders, &all);
    let users = Client::new().callee(Program::Users, &settings);
    let hand_on = |State(users): State<Callee>| async move { users.get("/").await.map_err(Failure::from) };
    App::new(&settings)
        .business(Router::new().route("/ask", get(hand_on)).with_state(users))
        .into_router()
}

/// Answers with what is left of the deadline, and counts its calls.
async fn callee(calls: Arc<AtomicU32>) -> String {
    let tell = move |headers: HeaderMap| async move {
        calls.fetch_add(1, Relaxed);
        headers
            .get(LEFT)
            .map_or("none", |left| left.to_str().unwrap())
            .to_owned()
    };
    spawn(Router::new().route("/", get(tell))).await
}

#[tokio::test]
async fn a_call_carries_what_is_left_of_the_request_that_makes_it() {
    let address = callee(Arc::default()).await;
    assert_eq!(ask(&caller(&address, &[]), None).await.body, "none");
    for (variables, header, most_ms) in [
        (&[][..], Some("60000"), 60_000),
        (&[("DEADLINE_MS", "50000")], None, 50_000),
        (&[("DEADLINE_MS", "50000")], Some("60000"), 50_000),
        (&[("DEADLINE_MS", "50000")], Some("40000"), 40_000),
    ] {
        let answer = ask(&caller(&address, variables), header).await;
        let left_ms: u64 = answer.body.parse().unwrap();
        assert!((1..=most_ms).contains(&left_ms), "{left_ms} of {most_ms}");
    }
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done_and_not_asked_for() {
    let calls = Arc::new(AtomicU32::new(0));
    let router = caller(&callee(Arc::clone(&calls)).await, &[]);
    let late = ask(&router, Some("0")).await;
    assert_problem(&late, 504);
    assert_eq!(late.json()["type"], kind::DEADLINE_OVER);
    assert_problem(&ask(&router, Some("soon")).await, 400);
    // The caller's own work takes longer than anybody waits.
    let slow = caller(
        &callee(Arc::clone(&calls)).await,
        &[("WORK_WAIT_MS", "20"), ("WORK_DISTRIBUTION", "constant")],
    );
    assert_problem(&ask(&slow, Some("5")).await, 504);
    assert_eq!(calls.load(Relaxed), 0);
    let metrics = observability::render();
    assert!(
        metrics.contains("http_requests_expired_total{at=\"arrival\"} "),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_callee_that_is_too_slow_is_waited_for_until_the_deadline_and_no_longer() {
    let hang = || std::future::pending::<Reply>();
    let address = spawn(Router::new().route("/", get(hang))).await;
    let router = caller(&address, &[("UPSTREAM_TIMEOUT_MS", "600000")]);
    let answer = ask(&router, Some("20")).await;
    assert_problem(&answer, 504);
    assert_eq!(answer.json()["type"], kind::DEADLINE_OVER);
    let impatient = caller(&address, &[("UPSTREAM_TIMEOUT_MS", "20")]);
    let answer = ask(&impatient, Some("60000")).await;
    assert_problem(&answer, 504);
    assert_eq!(answer.json()["type"], "about:blank");
}
