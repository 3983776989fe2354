//! The conformance suite of backends over each of them, with the real program and the real services.

#[macro_use]
#[path = "../../compose/tests/conformance/mod.rs"]
mod conformance;

use std::sync::Arc;

use compose::{Backend, BackendRegistry};
use conformance::bench::{Bench, at, client, until};
use conformance::{can_start_postgres, stored};
use serde_json::{Value, json};
use url::Url;

/// Not a part of the suite, since the stand-in keeps nothing: what services wrote down is there after they and their
/// PostgreSQL were started again, and all instances see it.
async fn what_services_keep_outlives_them(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let system = bench.backend.up(stored(), bench.options("run")).await.unwrap();
    let door = system.entry();
    let ada = json!({ "name": "Ada", "email": "ada@example.org" });
    let posted = client()
        .post(at(door.clone(), "/users"))
        .json(&ada)
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), 201);
    let user: Value = posted.json().await.unwrap();
    let path = format!("/users/{}", user["id"]);
    for _ in 0..4 {
        assert_eq!(look(&door, &path).await.unwrap(), user);
    }
    for instance in ["users-1", "users-2"] {
        system.restart(instance).await.unwrap();
        assert_eq!(look(&door, &path).await.unwrap(), user);
    }
    system.kill("postgres-1").await.unwrap();
    assert_eq!(look(&door, &path).await, None, "nobody answers from memory");
    system.restart("postgres-1").await.unwrap();
    until("its users have come back to it", async || {
        look(&door, &path).await.as_ref() == Some(&user)
    })
    .await;
    system.down().await.unwrap();
}

/// What is at this path, where it answers well.
async fn look(door: &Url, path: &str) -> Option<Value> {
    let answer = client().get(at(door.clone(), path)).send().await.unwrap();
    match answer.status().as_u16() {
        200 => Some(answer.json().await.unwrap()),
        _ => None,
    }
}

mod process {
    use super::*;

    fn backend() -> Arc<dyn Backend> {
        BackendRegistry::new(env!("CARGO_BIN_EXE_lab")).get("process").unwrap()
    }

    conformance_suite!(backend, conformance::available::always);

    #[tokio::test]
    async fn what_services_keep_outlives_them() {
        super::what_services_keep_outlives_them(Bench::new(backend(), "none")).await;
    }
}

mod docker {
    use super::*;

    fn backend() -> Arc<dyn Backend> {
        BackendRegistry::new(env!("CARGO_BIN_EXE_lab")).get("docker").unwrap()
    }

    conformance_suite!(backend, conformance::available::has_engine);

    #[tokio::test]
    async fn what_services_keep_outlives_them() {
        if conformance::available::has_engine() {
            super::what_services_keep_outlives_them(Bench::new(backend(), "none")).await;
        }
    }
}
