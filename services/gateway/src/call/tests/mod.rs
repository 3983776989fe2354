//! The chain before stand-ins for a service.

mod breakers;
mod dropped;
mod gone;
mod places;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use chassis::testing::{settings, spawn};
use chassis::{Client, Due};
use contract::{BreakerFor, CallsReport, PolicyChange, Program};
use http::StatusCode;

use super::outcome::{CallFailure, Rejection};
use super::*;

/// The way to `address`, with these variables.
fn caller_in(pools: &Arc<Pools>, address: &str, variables: &[(&str, &str)]) -> Caller {
    let mut all = vec![("USERS_URL", address)];
    all.extend(variables);
    let settings = settings(Program::Gateway, &all);
    let callee = Client::new().callee(Program::Users, &settings);
    Caller::new(callee, from_settings(&settings).unwrap(), pools).unwrap()
}

fn caller(address: &str, variables: &[(&str, &str)]) -> Caller {
    caller_in(&Arc::new(Pools::new()), address, variables)
}

/// Answers the `n`th request, from 0, with `status(n)`; where that is `None`, it never answers.
async fn service(status: impl Fn(u32) -> Option<u16> + Clone + Send + Sync + 'static) -> String {
    let requests = Arc::new(AtomicU32::new(0));
    let answer = move || {
        let status = status(requests.fetch_add(1, Relaxed));
        async move {
            match status {
                Some(status) => StatusCode::from_u16(status).unwrap(),
                None => std::future::pending().await,
            }
        }
    };
    spawn(Router::new().fallback(any(answer))).await
}

fn status(outcome: &Outcome) -> u16 {
    outcome.as_ref().map_or(0, |reply| reply.status.as_u16())
}

/// Why a call was not made.
fn rejection(outcome: &Outcome) -> Option<Rejection> {
    match outcome {
        Err(CallFailure::Rejected { rejection, .. }) => Some(*rejection),
        _ => None,
    }
}

fn reasons(reasons: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let counted = reasons.iter().filter(|(_, count)| **count > 0);
    counted.map(|(reason, count)| (reason.as_str(), *count)).collect()
}

/// Asserts that a report adds up, and that nothing is under way.
fn assert_at_rest(report: &CallsReport) {
    let rejected: u64 = report.rejections.values().sum();
    assert_eq!(report.in_flight, 0, "{report:?}");
    assert_eq!(
        report.calls,
        report.succeeded + report.failed + report.abandoned + rejected,
        "{report:?}"
    );
    for places in [&report.bulkhead, &report.limit, &report.pool].into_iter().flatten() {
        assert_eq!((places.in_flight, places.waiting), (0, 0), "{report:?}");
    }
}

#[tokio::test]
async fn without_policies_a_call_is_one_request() {
    let users = caller(&service(|n| Some(if n == 0 { 200 } else { 503 })).await, &[]);
    assert_eq!(status(&users.get("/").await), 200);
    assert_eq!(status(&users.get("/").await), 503);
    let report = users.report();
    assert_at_rest(&report);
    assert_eq!((report.calls, report.succeeded, report.failed), (2, 1, 1));
    assert_eq!((report.attempts, report.retries, report.hedges), (2, 0, 0));
    assert!(report.breakers.is_empty() && report.bulkhead.is_none() && report.retry_budget_left.is_none());
}

#[tokio::test]
async fn only_what_is_idempotent_is_tried_again_and_only_so_often() {
    let retry = [("CALL_RETRY", "attempts=3 base=0ms max=0ms")];
    let users = caller(&service(|n| Some(if n == 2 { 200 } else { 500 })).await, &retry);
    assert_eq!(status(&users.get("/").await), 200);
    assert_eq!(users.report().retries, 2);
    assert_eq!(status(&users.post("/", &"x").await), 500);
    assert_eq!(status(&users.get("/").await), 500);
    let report = users.report();
    assert_at_rest(&report);
    assert_eq!((report.attempts, report.retries), (3 + 1 + 3, 4));
    assert_eq!(reasons(&report.given_up), [("attempts", 1), ("not_idempotent", 1)]);
}

#[tokio::test]
async fn retries_end_with_their_budget_and_the_mistakes_of_callers_are_not_tried_again() {
    let budget = [("CALL_RETRY", "attempts=3 base=0ms max=0ms budget=20% reserve_per_s=0")];
    let users = caller(&service(|_| Some(503)).await, &budget);
    for _ in 0..10 {
        assert_eq!(status(&users.get("/").await), 503);
    }
    let report = users.report();
    assert_eq!((report.calls, report.retries), (10, 2));
    assert!(report.retry_budget_left.unwrap() < 1.0, "{report:?}");

    let mistaken = caller(&service(|_| Some(404)).await, &budget);
    assert_eq!(status(&mistaken.get("/").await), 404);
    assert_eq!(mistaken.report().attempts, 1);
}

#[tokio::test]
async fn nothing_is_tried_past_the_deadline() {
    let users = caller(
        &service(|_| Some(500)).await,
        &[("CALL_RETRY", "attempts=9 base=10m max=10m")],
    );
    let answered = Due::after(Duration::from_secs(1)).scope(users.get("/")).await;
    // A pause of up to ten minutes is hardly ever shorter than a second.
    assert_eq!(status(&answered), 500);
    let over = Due::after(Duration::ZERO).scope(users.get("/")).await;
    assert_eq!(rejection(&over), Some(Rejection::Deadline));
    let report = users.report();
    assert_at_rest(&report);
    assert_eq!(reasons(&report.rejections), [("deadline", 1)]);
}

#[tokio::test]
async fn a_second_request_is_sent_beside_a_slow_one_within_its_budget() {
    // The first one teaches the latency, the second never ends.
    let address = service(|n| (n != 1).then_some(200)).await;
    let hedge = [("CALL_HEDGE", "after=p50 min=1 budget=50%")];
    let users = caller(&address, &hedge);
    assert_eq!(status(&users.get("/").await), 200);
    assert_eq!(status(&users.get("/").await), 200);
    let report = users.report();
    assert_at_rest(&report);
    assert_eq!((report.attempts, report.hedges, report.hedges_won), (3, 1, 1));
    assert!(
        report.hedge_after_ms.is_some() && report.hedge_budget_left.unwrap() < 1.0,
        "{report:?}"
    );
}

#[tokio::test]
async fn a_throttled_caller_asks_less_of_what_rejects_all() {
    let users = caller(&service(|_| Some(503)).await, &[("CALL_THROTTLE", "k=2")]);
    for _ in 0..200 {
        let outcome = users.get("/").await;
        assert!(status(&outcome) == 503 || rejection(&outcome) == Some(Rejection::Throttle));
    }
    let report = users.report();
    assert_at_rest(&report);
    // The nth call is sent with probability 1/n, or a little more than six of 200.
    assert!(report.attempts < 60, "{report:?}");
    assert!(report.throttle_rejection.unwrap() > 0.9);
}

#[tokio::test]
async fn a_change_keeps_what_did_not_change_and_one_that_is_wrong_changes_nothing() {
    let users = caller(
        &service(|_| Some(500)).await,
        &[("CALL_BREAKER", "window=2 min=2 open=10m")],
    );
    for _ in 0..2 {
        users.get("/").await.unwrap();
    }
    let change = |change: PolicyChange| users.set_policies(change.apply(&users.policies()));
    let retry = Some("attempts=2".to_owned());
    change(PolicyChange {
        retry,
        ..PolicyChange::default()
    })
    .unwrap();
    assert_eq!(users.report().breakers[0].state, "open");
    let before = users.report().policies;
    let hedge = Some("after=tomorrow".to_owned());
    let error = change(PolicyChange {
        hedge,
        ..PolicyChange::default()
    })
    .unwrap_err();
    assert!(error.to_string().starts_with("hedge: after=tomorrow"), "{error}");
    assert_eq!(users.report().policies, before);
    assert_eq!(users.report().breakers[0].state, "open");
    let off = || Some("off".to_owned());
    change(PolicyChange {
        breaker: off(),
        retry: off(),
        ..PolicyChange::default()
    })
    .unwrap();
    assert_eq!(status(&users.get("/").await), 500);
    let breaker_for = Some(BreakerFor::Instance);
    let breaker = Some("min=1".to_owned());
    change(PolicyChange {
        breaker,
        breaker_for,
        ..PolicyChange::default()
    })
    .unwrap();
    assert_eq!(users.report().breakers[0].state, "closed");
}
