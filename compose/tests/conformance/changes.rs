//! Changing a system while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

use compose::{Error, Family};

use super::bench::*;

pub async fn scaling_adds_and_removes_instances(bench: Bench) {
    let system = bench.up().await;
    system.scale("gateway", 4).await.unwrap();
    assert_eq!(
        names(&system).await,
        [
            "gateway-1",
            "gateway-2",
            "gateway-3",
            "gateway-4",
            "gateway-balancer",
            "users-1"
        ]
    );
    until_answered_by(
        &system,
        "gateway",
        &["gateway-1", "gateway-2", "gateway-3", "gateway-4"],
    )
    .await;
    assert_eq!(system.spec().services[0].instances, 4);

    let before = processes(&system).await;
    system.scale("gateway", 1).await.unwrap();
    assert_eq!(names(&system).await, ["gateway-1", "gateway-balancer", "users-1"]);
    assert_eq!(
        before.iter().filter(|process| process.is_alive()).count(),
        3,
        "those that left have ended"
    );
    until_answered_by(&system, "gateway", &["gateway-1"]).await;

    system.scale("gateway", 2).await.unwrap();
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2"]).await;
    system.down().await.unwrap();
}

pub async fn scaling_loses_no_request(bench: Bench) {
    let system = bench.up().await;
    let door = system.front_door("gateway").unwrap();
    let done = AtomicBool::new(false);
    let clients = futures_util::future::join_all((0..4).map(|_| async {
        let mut requests = 0;
        while !done.load(Ordering::Acquire) {
            assert_eq!(ask(&door, "/health").await.unwrap().0, 200);
            requests += 1;
        }
        requests
    }));
    let scaling = async {
        for instances in [3, 1, 2, 1] {
            system.scale("gateway", instances).await.unwrap();
        }
        done.store(true, Ordering::Release);
    };
    let (requests, ()) = tokio::join!(clients, scaling);
    assert!(requests.iter().all(|requests| *requests > 0));
    system.down().await.unwrap();
}

pub async fn scaling_refuses_what_cannot_be(bench: Bench) {
    let system = bench.up().await;
    for (service, instances) in [("gateway", 0), ("gateway", 100_000), ("users", 2)] {
        let error = system.scale(service, instances).await.unwrap_err();
        assert_eq!(error.family(), Family::Usage, "{error}");
    }
    system
        .scale("users", 1)
        .await
        .expect("as many as there are is no change");
    assert_eq!(names(&system).await, PAIR_NAMES);
    system.down().await.unwrap();
}

pub async fn a_list_that_was_made_once_hears_nothing_of_scaling(bench: Bench) {
    let mut spec = pair();
    spec.services[0] = spec.services[0].clone().listed_once();
    let system = bench.backend.up(spec, bench.options("run")).await.unwrap();
    let door = system.front_door("gateway").unwrap();
    system.scale("gateway", 3).await.unwrap();
    let third = instance(&system, "gateway-3").await.url.unwrap();
    assert_eq!(
        ask(&third, "/health").await.unwrap(),
        (200, "gateway-3".into()),
        "it is there"
    );
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2"]).await;
    system.scale("gateway", 1).await.unwrap();
    until("the one that left is missed", async || {
        !matches!(ask(&door, "/health").await, Ok((200, _)))
    })
    .await;
    system.down().await.unwrap();
}

pub async fn the_policy_changes_while_it_runs(bench: Bench) {
    let system = bench.up().await;
    let before = processes(&system).await;
    assert_eq!(policy(&system, "gateway").await, "round_robin");
    system.set_policy("gateway", "least_connections").await.unwrap();
    assert_eq!(policy(&system, "gateway").await, "least_connections");

    let error = system.set_policy("gateway", "astrology").await.unwrap_err();
    assert!(matches!(error, Error::PolicyRefused { .. }), "{error}");
    assert!(
        error.to_string().contains("round_robin"),
        "it says what there is: {error}"
    );
    assert_eq!(policy(&system, "gateway").await, "least_connections");

    let error = system.set_policy("users", "round_robin").await.unwrap_err();
    assert!(matches!(error, Error::NoBalancer { .. }), "{error}");
    assert_eq!(processes(&system).await, before, "nothing was restarted");
    system.down().await.unwrap();
}

pub async fn a_restarted_balancer_knows_what_changed(bench: Bench) {
    let system = bench.up().await;
    system.scale("gateway", 3).await.unwrap();
    system.set_policy("gateway", "least_connections").await.unwrap();
    let door = system.front_door("gateway").unwrap();
    system.kill("gateway-balancer").await.unwrap();
    let error = system.scale("gateway", 2).await.unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
    system.restart("gateway-balancer").await.unwrap();
    assert_eq!(system.front_door("gateway").unwrap(), door);
    assert_eq!(policy(&system, "gateway").await, "least_connections");
    system.set_policy("gateway", "round_robin").await.unwrap();
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2", "gateway-3"]).await;
    system.down().await.unwrap();
}
