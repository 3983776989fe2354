//! Seats, of which each is for one customer.

use chassis::testing::{Answer, assert_problem, count, get_from, send_with};
use contract::StepKind;
use http::Method;
use serde_json::json;
use store::testing::RedisServer;

use super::{Shop, kinds_of_problems};

const SEAT: &str = "/seats/14C/bookings";

async fn bookings(shop: &Shop) -> usize {
    get_from(&shop.instances[0], SEAT)
        .await
        .json()
        .as_array()
        .unwrap()
        .len()
}

async fn rush(shop: &Shop, clients: usize, strategy: &str) -> Vec<Answer> {
    let headers = [("x-strategy", strategy), ("x-steps", "1")];
    shop.rush(clients, SEAT, &headers, &json!({"customer": "Ada"})).await
}

#[tokio::test]
async fn a_seat_is_booked_once_and_listed() {
    for strategy in ["atomic", "none", "local-lock"] {
        let shop = Shop::new(1, &[]).await;
        let headers = [("x-strategy", strategy)];
        let ada = json!({"customer": "Ada"});
        let book = || send_with(&shop.instances[0], Method::POST, SEAT, &headers, &ada);
        let booked = book().await;
        assert_eq!(
            (booked.status, booked.json()),
            (201, json!({"id": 1, "seat": "14C", "customer": "Ada"}))
        );
        let taken = book().await;
        assert_problem(&taken, 409);
        assert_eq!(taken.json()["type"], "urn:lab:seat-taken");
        assert_eq!(get_from(&shop.instances[0], SEAT).await.json(), json!([booked.json()]));
        assert_eq!(
            get_from(&shop.instances[0], "/seats/1A/bookings").await.json(),
            json!([])
        );
    }
}

#[tokio::test]
async fn wrong_strategies_book_a_seat_twice() {
    let shop = Shop::new(2, &[("DECISION_MS", "300")]).await;
    assert_eq!(count(&rush(&shop, 4, "none").await, 201), 4);
    assert_eq!(bookings(&shop).await, 4);
    let shop = Shop::new(2, &[("DECISION_MS", "300")]).await;
    assert_eq!(
        count(&rush(&shop, 4, "local-lock").await, 201),
        2,
        "once for each instance"
    );
}

#[tokio::test]
async fn right_strategies_book_a_seat_once() {
    let Some(redis) = RedisServer::start() else { return };
    for strategy in ["atomic", "redis-lock", "redis-lock-asked", "redis-lock-fenced"] {
        let shop = Shop::new(2, &[("DECISION_MS", "10"), ("REDIS_URL", &redis.url())]).await;
        let answers = rush(&shop, 6, strategy).await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 409)),
            (1, 5),
            "{strategy}: {answers:?}"
        );
        assert_eq!(bookings(&shop).await, 1);
    }
}

#[tokio::test]
async fn the_storage_refuses_a_holder_that_outlives_its_lock() {
    for (strategy, booked) in [("redis-lock", 2), ("redis-lock-asked", 2), ("redis-lock-fenced", 1)] {
        let Some(redis) = RedisServer::start() else { return };
        let url = redis.url();
        let shop = Shop::new(2, &[("REDIS_URL", &url), ("LOCK_TTL_MS", "50"), ("DECISION_MS", "600")]).await;
        let answers = rush(&shop, 2, strategy).await;
        assert_eq!(
            (count(&answers, 201), bookings(&shop).await),
            (booked, booked),
            "{strategy}: {answers:?}"
        );
        if booked == 1 {
            assert_eq!(kinds_of_problems(&answers), ["urn:lab:stale-token"]);
            let refused = answers.iter().find(|answer| answer.status == 409).unwrap();
            assert!(refused.step_kinds().contains(&StepKind::Refused));
        }
    }
}

#[tokio::test]
async fn wrong_requests_get_the_right_answer_and_change_nothing() {
    let shop = Shop::new(1, &[]).await;
    let router = &shop.instances[0];
    chassis::testing::assert_refuses_bodies(router, SEAT).await;
    let long = format!("/seats/{}/bookings", "x".repeat(201));
    for (path, body, status) in [
        (SEAT, json!({"customer": ""}), 422),
        (SEAT, json!({"customer": 7}), 422),
        (&long, json!({"customer": "Ada"}), 400),
        ("/seats/%20/bookings", json!({"customer": "Ada"}), 400),
        ("/seats/%00/bookings", json!({"customer": "Ada"}), 400),
    ] {
        assert_problem(&send_with(router, Method::POST, path, &[], &body).await, status);
    }
    assert_problem(&get_from(router, &long).await, 400);
    assert_eq!(bookings(&shop).await, 0);
}
