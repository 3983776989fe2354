//! The same services on PostgreSQL: `DATABASE_URL` is all that changes.

mod common;

use std::sync::Barrier;

use common::http::{get, post_with, receive, send};
use common::postgres::Postgres;
use common::service::Service;

#[test]
fn every_service_keeps_its_data_in_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, more: &[(&str, &str)]| {
        let url = postgres.database(name);
        let mut environment = vec![("DATABASE_URL", url.as_str())];
        environment.extend(more);
        Service::start(name, folder.path(), &environment)
    };
    let users = start("users", &[]);
    let inventory = start("inventory", &[]);
    let (users_url, inventory_url) = (users.url(), inventory.url());
    let orders = start(
        "orders",
        &[("USERS_URL", &users_url), ("INVENTORY_URL", &inventory_url)],
    );
    let payments = start("payments", &[]);
    let analytics = start("analytics", &[]);
    for service in [&users, &inventory, &orders, &payments, &analytics] {
        assert_eq!(get(service.port, "/ready").status, 200);
    }

    let new = post_with(users.port, "/users", &[], r#"{"name":"Ada","email":"ada@example.org"}"#);
    assert_eq!(new.status, 201, "{new:?}");
    let id = new.json()["id"].as_i64().unwrap();
    assert_eq!(get(users.port, &format!("/users/{id}")).json()["name"], "Ada");

    let before = get(inventory.port, "/products/1").json();
    let order = format!(r#"{{"user_id":{id},"product_id":1,"quantity":2}}"#);
    let placed = post_with(orders.port, "/orders", &[], &order);
    assert_eq!(placed.status, 201, "{placed:?}");
    let after = get(inventory.port, "/products/1").json();
    let stock = |product: &serde_json::Value| product["stock"].as_i64().unwrap();
    assert_eq!(stock(&after), stock(&before) - 2);

    let too_many = format!(r#"{{"user_id":{id},"product_id":1,"quantity":1000000}}"#);
    assert!((400..500).contains(&post_with(orders.port, "/orders", &[], &too_many).status));
    assert_eq!(
        get(inventory.port, "/products/1").json(),
        after,
        "a refused order changes nothing"
    );

    let order_id = placed.json()["id"].as_i64().unwrap();
    let payment = format!(r#"{{"order_id":{order_id},"amount_cents":1999}}"#);
    assert_eq!(post_with(payments.port, "/payments", &[], &payment).status, 201);
    assert_eq!(get(payments.port, "/payments").json().as_array().unwrap().len(), 1);
}

/// The statuses of the same request, sent by several clients at once.
fn at_once(clients: usize, ask: impl Fn() -> u16 + Sync) -> Vec<u16> {
    let start = Barrier::new(clients);
    let one = || {
        start.wait();
        ask()
    };
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        asked.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn created(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 201).count()
}

#[test]
fn a_conditional_statement_and_a_unique_key_hold_in_postgresql_too() {
    let Some(postgres) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let url = postgres.database(name);
        Service::start(name, folder.path(), &[("DATABASE_URL", url.as_str())])
    };
    let (payments, inventory) = (start("payments"), start("inventory"));
    let debits = |account: u32, strategy: &str| {
        let path = format!("/accounts/{account}");
        let body = r#"{"balance_cents":300}"#;
        let put = receive(
            send(
                payments.port,
                "PUT",
                &path,
                &[("content-type", "application/json")],
                body,
            )
            .unwrap(),
        );
        assert!((200..300).contains(&put.status), "{put:?}");
        let headers = [("x-strategy", strategy), ("x-decision-ms", "100")];
        let path = format!("{path}/debits");
        let debit = || post_with(payments.port, &path, &headers, r#"{"amount_cents":100}"#).status;
        let done = created(&at_once(8, debit));
        let left = get(payments.port, &format!("/accounts/{account}")).json()["balance_cents"].clone();
        (done, left.as_i64().unwrap())
    };
    assert_eq!(debits(1, "atomic"), (3, 0));
    let (done, left) = debits(2, "none");
    assert_ne!(
        i64::try_from(done).unwrap() * 100 + left,
        300,
        "{done} debits, {left} left"
    );

    let payment = r#"{"order_id":7,"amount_cents":500,"idempotency_key":"k"}"#;
    let paid = at_once(4, || {
        post_with(payments.port, "/payments", &[("x-decision-ms", "50")], payment).status
    });
    assert!(
        created(&paid) == 1 && paid.iter().all(|status| [200, 201].contains(status)),
        "{paid:?}"
    );
    assert_eq!(
        get(payments.port, "/payments?order_id=7")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let headers = [("x-decision-ms", "50")];
    let booked = at_once(4, || {
        post_with(inventory.port, "/seats/7/bookings", &headers, r#"{"customer":"Ada"}"#).status
    });
    assert_eq!(created(&booked), 1, "{booked:?}");
    assert_eq!(
        get(inventory.port, "/seats/7/bookings")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn instances_that_start_at_once_share_one_database() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database("shared");
    let folder = tempfile::tempdir().unwrap();
    let environment = [("DATABASE_URL", url.as_str())];
    let instances: Vec<Service> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Service::start("users", folder.path(), &environment)))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let new = post_with(
        instances[0].port,
        "/users",
        &[],
        r#"{"name":"Ada","email":"ada@example.org"}"#,
    );
    let path = format!("/users/{}", new.json()["id"]);
    for instance in &instances {
        assert_eq!(
            get(instance.port, &path).json()["name"],
            "Ada",
            "what one wrote, all read"
        );
    }
}
