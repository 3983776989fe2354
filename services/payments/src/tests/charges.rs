//! Payments.

use std::time::Duration;

use axum::Router;
use chassis::testing::{assert_problem, assert_refuses_bodies, count, get_from, post_to, settings};
use contract::{Program, StepKind};
use serde_json::{Value, json};
use store::Database;

use super::Bank;
use crate::{MIGRATIONS, app, open};

async fn router(variables: &[(&str, &str)]) -> Router {
    let settings = settings(Program::Payments, variables);
    app(&settings, open("sqlite::memory:").await.unwrap()).unwrap()
}

async fn payments(router: &Router) -> Value {
    get_from(router, "/payments").await.json()
}

fn keyed() -> Value {
    json!({"order_id": 7, "amount_cents": 500, "idempotency_key": "k"})
}

#[tokio::test]
async fn a_payment_is_captured_and_listed_newest_first() {
    let router = router(&[]).await;
    let first = post_to(&router, "/payments", &json!({"order_id": 7, "amount_cents": 500})).await;
    assert_eq!(first.status, 201);
    assert_eq!(
        first.json(),
        json!({"id": 1, "order_id": 7, "amount_cents": 500, "status": "captured"})
    );
    let second = post_to(&router, "/payments", &json!({"order_id": 8, "amount_cents": 1})).await;
    assert_eq!(payments(&router).await, json!([second.json(), first.json()]));
    assert_eq!(get_from(&router, "/payments/1").await.json(), first.json());
    for (query, expected) in [
        ("order_id=7", json!([first.json()])),
        ("order_id=8&limit=1", json!([second.json()])),
        ("order_id=9", json!([])),
        ("limit=1", json!([second.json()])),
    ] {
        assert_eq!(
            get_from(&router, &format!("/payments?{query}")).await.json(),
            expected,
            "{query}"
        );
    }
    assert_problem(&get_from(&router, "/payments?order_id=x").await, 400);
}

#[tokio::test]
async fn the_same_key_charges_once() {
    for idempotency in ["atomic", "check-first"] {
        let router = router(&[("IDEMPOTENCY", idempotency)]).await;
        let first = post_to(&router, "/payments", &keyed()).await;
        let again = post_to(&router, "/payments", &keyed()).await;
        assert_eq!((first.status, again.status), (201, 200));
        assert_eq!(first.json(), again.json());
        let other = json!({"order_id": 7, "amount_cents": 501, "idempotency_key": "k"});
        assert_problem(&post_to(&router, "/payments", &other).await, 422);
        assert_eq!(payments(&router).await, json!([first.json()]));
    }
}

#[tokio::test]
async fn a_key_that_is_ignored_charges_again() {
    let router = router(&[("IDEMPOTENCY", "none")]).await;
    for id in 1..=2 {
        let paid = post_to(&router, "/payments", &keyed()).await;
        assert_eq!((paid.status, &paid.json()["id"]), (201, &json!(id)));
    }
}

#[tokio::test]
async fn looking_first_charges_concurrent_duplicates_and_claiming_does_not() {
    for (idempotency, barrier, charged) in [("check-first", "300", 4), ("atomic", "10", 1)] {
        let bank = Bank::new(2, &[("IDEMPOTENCY", idempotency), ("DECISION_MS", barrier)]).await;
        let answers = bank.rush(4, "/payments", "atomic", &keyed()).await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 200)),
            (charged, 4 - charged),
            "{answers:?}"
        );
        let listed = get_from(&bank.instances[0], "/payments?order_id=7").await.json();
        assert_eq!(listed.as_array().unwrap().len(), charged);
        for answer in &answers {
            let expected = match (idempotency, answer.status) {
                ("check-first", _) => vec![StepKind::Read, StepKind::Written],
                (_, 201) => vec![StepKind::Written],
                _ => vec![StepKind::Read],
            };
            assert_eq!(answer.step_kinds(), expected);
            // Those that were charged once are told of the same payment.
            assert!(idempotency == "check-first" || answer.json()["id"] == answers[0].json()["id"]);
        }
    }
}

#[tokio::test]
async fn a_slow_answer_comes_after_the_charge_and_the_retry_is_told_at_once() {
    let variables = [
        ("PAYMENTS_SLOW_ANSWER_RATE", "1"),
        ("PAYMENTS_SLOW_ANSWER_MS", "600000"),
    ];
    let router = router(&variables).await;
    let slow = tokio::spawn({
        let router = router.clone();
        async move { post_to(&router, "/payments", &keyed()).await }
    });
    let told = async {
        while payments(&router).await == json!([]) {
            tokio::task::yield_now().await;
        }
        post_to(&router, "/payments", &keyed()).await
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert_eq!(
        told.expect("it was charged, and who asks again is not held up").status,
        200
    );
    assert!(!slow.is_finished(), "the client still sees no answer");
    slow.abort();
}

#[tokio::test]
async fn wrong_and_refused_requests_change_nothing() {
    let router = router(&[]).await;
    assert_refuses_bodies(&router, "/payments").await;
    for body in [
        json!({"order_id": 1, "amount_cents": -5}),
        json!({"order_id": 1, "amount_cents": 0}),
        json!({"order_id": 0, "amount_cents": 1}),
        json!({"order_id": "1", "amount_cents": 1}),
        json!({"order_id": 1, "amount_cents": 1, "idempotency_key": ""}),
    ] {
        assert_problem(&post_to(&router, "/payments", &body).await, 422);
    }
    assert_problem(&get_from(&router, "/payments/1").await, 404);
    assert_problem(&get_from(&router, "/payments/x").await, 400);
    assert_eq!(payments(&router).await, json!([]));

    let refusing = self::router(&[("PAYMENTS_FAILURE_RATE", "1")]).await;
    assert_problem(
        &post_to(&refusing, "/payments", &json!({"order_id": 7, "amount_cents": 500})).await,
        503,
    );
    assert_eq!(payments(&refusing).await, json!([]));
}

#[tokio::test]
async fn wrong_settings_are_named() {
    for (variable, value) in [
        ("IDEMPOTENCY", "sometimes"),
        ("PAYMENTS_SLOW_ANSWER_RATE", "2"),
        ("PAYMENTS_SLOW_ANSWER_MS", "-1"),
        ("BALANCE_IN", "cloud"),
        ("STRATEGY", "hope"),
        ("LOCK_TTL_MS", "0"),
        ("LOCK_RELEASE", "never"),
    ] {
        let settings = settings(Program::Payments, &[(variable, value)]);
        let database = open("sqlite::memory:").await.unwrap();
        let error = app(&settings, database).unwrap_err().to_string();
        assert!(error.contains(variable) && error.contains(value), "{error}");
    }
}

#[tokio::test]
async fn payments_of_an_older_schema_keep_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/payments.db", folder.path().display());
    let old = Database::open(&url, &MIGRATIONS[..1]).await.unwrap();
    sqlx::query("INSERT INTO payments (order_id, amount_cents, idempotency_key) VALUES (7, 500, 'k'), (8, 1, NULL)")
        .execute(&*old)
        .await
        .unwrap();
    old.close().await;
    let router = app(&settings(Program::Payments, &[]), open(&url).await.unwrap()).unwrap();
    let again = post_to(&router, "/payments", &keyed()).await;
    assert_eq!((again.status, &again.json()["id"]), (200, &json!(1)));
    assert_eq!(
        get_from(&router, "/payments/1").await.json(),
        json!({"id": 1, "order_id": 7, "amount_cents": 500, "status": "captured", "idempotency_key": "k"})
    );
    assert_eq!(payments(&router).await.as_array().unwrap().len(), 2);
}
