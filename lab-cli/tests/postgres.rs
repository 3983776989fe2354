//! The same services on PostgreSQL: `DATABASE_URL` is all that changes.

mod common;

use common::http::{get, post_with};
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
