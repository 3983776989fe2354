//! When a breaker lets no call through, and whose it is.

use axum::response::IntoResponse;
use chassis::Failure;
use http::HeaderMap;

use super::*;

#[tokio::test]
async fn a_breaker_opens_rejects_and_closes_again() {
    let breaker = [("CALL_BREAKER", "window=4 min=4 failures=50% open=1ms probes=2")];
    let users = caller(&service(|n| Some(if n < 4 { 500 } else { 200 })).await, &breaker);
    for _ in 0..4 {
        assert_eq!(status(&users.get("/").await), 500);
    }
    assert_eq!(users.report().breakers[0].state, "open");
    // It may be half open by now. Two good probes close it.
    while users.report().breakers[0].state != "closed" {
        let outcome = users.get("/").await;
        assert!(status(&outcome) == 200 || matches!(rejection(&outcome), Some(Rejection::Breaker(_))));
        tokio::task::yield_now().await;
    }
    let report = users.report();
    assert_at_rest(&report);
    let states: Vec<_> = report.transitions.iter().map(|change| change.to.as_str()).collect();
    assert_eq!(states, ["open", "half_open", "closed"]);
    assert_eq!(report.transitions[0].cause, "4 of 4 calls failed");
    assert_eq!(report.attempts, 4 + 2);
}

#[tokio::test]
async fn what_an_open_breaker_rejects_is_not_sent_and_says_when_to_come_back() {
    let breaker = [("CALL_BREAKER", "window=2 min=2 failures=50% open=90s")];
    let users = caller(&service(|_| Some(500)).await, &breaker);
    for _ in 0..2 {
        users.get("/").await.unwrap();
    }
    let rejected = users.get("/").await;
    assert!(
        matches!(rejection(&rejected), Some(Rejection::Breaker(_))),
        "{rejected:?}"
    );
    let failure = Failure::from(rejected.unwrap_err());
    let response = failure.into_response();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"90".parse().unwrap())
    );
    assert_eq!(users.report().attempts, 2);
}

#[tokio::test]
async fn a_breaker_for_each_instance_leaves_the_others_alone() {
    // A balancer that sends every second request to the instance that is broken, unless it is asked not to.
    let turn = Arc::new(AtomicU32::new(0));
    let balancer = move |headers: HeaderMap| async move {
        let avoided = headers
            .get("x-avoid-instances")
            .map_or("", |names| names.to_str().unwrap());
        let broken = turn.fetch_add(1, Relaxed).is_multiple_of(2) && avoided != "users-2";
        if broken {
            (StatusCode::SERVICE_UNAVAILABLE, [("x-instance", "users-2")])
        } else {
            (StatusCode::OK, [("x-instance", "users-1")])
        }
    };
    let address = spawn(Router::new().fallback(any(balancer))).await;
    let line = ("CALL_BREAKER", "window=10s min=3 failures=30% open=10m");
    let by_instance = caller(&address, &[line, ("CALL_BREAKER_FOR", "instance")]);
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(status(&by_instance.get("/").await));
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 503).count(),
        3,
        "{statuses:?}"
    );
    let report = by_instance.report();
    let states: Vec<_> = report
        .breakers
        .iter()
        .map(|one| (one.name.as_str(), one.state.as_str()))
        .collect();
    assert_eq!(
        states,
        [("users", "closed"), ("users-1", "closed"), ("users-2", "open")]
    );

    let by_service = caller(&address, &[line]);
    let mut rejected = 0;
    for _ in 0..20 {
        rejected += usize::from(rejection(&by_service.get("/").await).is_some());
    }
    assert!(
        rejected >= 16,
        "one breaker for all cuts off the healthy instance too: {rejected}"
    );
}

#[tokio::test]
async fn what_a_balancer_answers_itself_counts_for_the_instance_that_it_names() {
    let balancer = || async {
        let headers = [("x-instance", "balancer-1"), ("x-upstream", "users-7")];
        (StatusCode::BAD_GATEWAY, headers)
    };
    let address = spawn(Router::new().fallback(any(balancer))).await;
    let users = caller(
        &address,
        &[
            ("CALL_BREAKER", "window=2 min=2 open=10m"),
            ("CALL_BREAKER_FOR", "instance"),
        ],
    );
    for _ in 0..2 {
        users.get("/").await.unwrap();
    }
    let report = users.report();
    let states: Vec<_> = report
        .breakers
        .iter()
        .map(|one| (one.name.as_str(), one.state.as_str()))
        .collect();
    assert_eq!(states, [("users", "closed"), ("users-7", "open")]);
}
