//! Products and reservations, one request at a time.

use axum::Router;
use chassis::testing::{assert_problem, assert_refuses_bodies, count, get_from, post_to, send, send_with, settings};
use contract::{Product, Program};
use http::Method;
use serde_json::json;

use super::Shop;
use crate::{app, open};

/// The product of which there are ten.
const TICKET: &str = "/products/5";

async fn router() -> Router {
    let database = open("sqlite::memory:").await.unwrap();
    app(&settings(Program::Inventory, &[]), database).unwrap()
}

async fn products(router: &Router) -> Vec<Product> {
    serde_json::from_value(get_from(router, "/products").await.json()).unwrap()
}

async fn stock(router: &Router) -> i64 {
    get_from(router, TICKET).await.json()["stock"].as_i64().unwrap()
}

#[tokio::test]
async fn pieces_are_taken_and_given_back_once() {
    let router = router().await;
    let reserved = post_to(&router, &format!("{TICKET}/reservations"), &json!({"quantity": 3})).await;
    assert_eq!(reserved.status, 201);
    assert_eq!(
        reserved.json(),
        json!({"id": 1, "product_id": 5, "quantity": 3, "price_cents": 5000, "stock_left": 7})
    );
    assert_eq!(stock(&router).await, 7);
    let release = || send(&router, Method::DELETE, "/reservations/1", None, "");
    assert_eq!(release().await.status, 204);
    assert_eq!(stock(&router).await, 10);
    assert_problem(&release().await, 404);
    assert_eq!(stock(&router).await, 10);
}

#[tokio::test]
async fn no_more_is_sold_than_there_is() {
    let shop = Shop::new(3, &[]).await;
    let answers = shop
        .rush(15, "/products/5/reservations", &[], &json!({"quantity": 1}))
        .await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (10, 5));
    assert_eq!(stock(&shop.instances[0]).await, 0);
}

#[tokio::test]
async fn a_product_is_created_and_replaced_under_the_key_of_the_client() {
    let router = router().await;
    let put = |path: &'static str, body: serde_json::Value| {
        let router = router.clone();
        async move { send_with(&router, Method::PUT, path, &[], &body).await }
    };
    let lamp = json!({"name": "Lamp", "price_cents": 250, "stock": 1});
    let created = put("/products/1000000", lamp.clone()).await;
    let expected = json!({"id": 1_000_000, "name": "Lamp", "price_cents": 250, "stock": 1});
    assert_eq!((created.status, created.json()), (201, expected.clone()));
    assert_eq!(get_from(&router, "/products/1000000").await.json(), expected);
    let replaced = put(TICKET, lamp.clone()).await;
    assert_eq!((replaced.status, stock(&router).await), (200, 1));

    let before = products(&router).await;
    for (path, body, status) in [
        ("/products/0", lamp.clone(), 400),
        ("/products/1000001", lamp.clone(), 400),
        ("/products/x", lamp, 400),
        (TICKET, json!({"name": "", "price_cents": 1, "stock": 1}), 422),
        (TICKET, json!({"name": "A", "price_cents": -1, "stock": 1}), 422),
        (TICKET, json!({"name": "A", "price_cents": 1, "stock": -1}), 422),
        (
            TICKET,
            json!({"name": "A", "price_cents": 1, "stock": 1_000_000_001}),
            422,
        ),
        (TICKET, json!({"name": "A", "price_cents": 1}), 422),
        (TICKET, json!({"name": "A", "price_cents": 1, "stock": 1, "id": 3}), 422),
    ] {
        assert_problem(&put(path, body).await, status);
    }
    assert_eq!(products(&router).await, before);
}

#[tokio::test]
async fn wrong_requests_get_the_right_answer_and_change_nothing() {
    let router = router().await;
    let before = products(&router).await;
    let path = format!("{TICKET}/reservations");
    assert_refuses_bodies(&router, &path).await;
    for (path, quantity, status) in [
        (path.as_str(), json!(-1), 422),
        (&path, json!(0), 422),
        (&path, json!("1"), 422),
        (&path, json!(1.5), 422),
        (&path, json!(1_001), 422),
        (&path, json!(11), 409),
        ("/products/999/reservations", json!(1), 404),
        ("/products/x/reservations", json!(1), 400),
    ] {
        for strategy in ["atomic", "none", "local-lock"] {
            let headers = [("x-strategy", strategy)];
            let answer = send_with(&router, Method::POST, path, &headers, &json!({"quantity": quantity})).await;
            assert_problem(&answer, status);
        }
    }
    assert_problem(&get_from(&router, "/products/999").await, 404);
    assert_problem(&send(&router, Method::DELETE, "/reservations/999", None, "").await, 404);
    assert_problem(&send(&router, Method::DELETE, TICKET, None, "").await, 405);
    assert_eq!(products(&router).await, before);
    assert_problem(&send(&router, Method::DELETE, "/reservations/1", None, "").await, 404);
}
