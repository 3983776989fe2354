//! An nginx as the balancer in front of a service.

use std::collections::BTreeSet;

use compose::servers::nginx::Nginx;
use compose::{BalancerKind, Error, Family, InstanceState, ServiceSpec, SystemSpec};
use contract::Program;

use super::bench::*;

/// Whether there is an nginx that this test can start; says so loudly where there is none.
#[track_caller]
pub fn can_start_nginx() -> bool {
    can_start(&Nginx)
}

/// Two instances behind an nginx that tries the next one where nobody takes the connection.
fn balanced() -> SystemSpec {
    let users = ServiceSpec::new(Program::Users)
        .balanced(2, "round_robin")
        .balanced_by(BalancerKind::Nginx);
    SystemSpec {
        name: "balanced".into(),
        services: vec![users.with_env("BALANCER_RETRIES", "2")],
        entry: "users".into(),
        links: Vec::new(),
    }
}

const NAMES: [&str; 3] = ["users-1", "users-2", "users-balancer"];

pub async fn an_nginx_comes_up_and_requests_reach_every_instance(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    assert_eq!(names(&system).await, NAMES);
    assert_eq!(state(&system, "users-balancer").await, InstanceState::Ready);
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;
    // What every nginx says, also one that is started without the lab's own program.
    until_logged(&system, "users-balancer", 0, "start worker process").await;
    bench.came_up_in_order("users-balancer");
    system.down().await.unwrap();
}

pub async fn an_nginx_follows_who_comes_and_goes(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    system.scale("users", 4).await.unwrap();
    until_answered_by(&system, "users", &["users-1", "users-2", "users-3", "users-4"]).await;
    system.scale("users", 1).await.unwrap();
    assert_eq!(names(&system).await, ["users-1", "users-balancer"]);
    until_answered_by(&system, "users", &["users-1"]).await;
    system.scale("users", 2).await.unwrap();
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;
    system.down().await.unwrap();
}

pub async fn an_nginx_takes_another_policy_while_it_runs(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    let before = instance(&system, "users-balancer").await.pid;
    // All requests of this test come from one address.
    system.set_policy("users", "ip_hash").await.unwrap();
    let door = system.front_door("users").unwrap();
    until("one instance answers them all", async || {
        let mut seen = BTreeSet::new();
        for _ in 0..6 {
            seen.insert(ask(&door, "/health").await.unwrap());
        }
        seen.len() == 1
    })
    .await;
    let error = system.set_policy("users", "peak_ewma").await.unwrap_err();
    assert!(matches!(error, Error::PolicyRefused { .. }), "{error}");
    assert_eq!(error.family(), Family::Usage);
    assert!(error.to_string().contains("nginx"), "{error}");
    system.set_policy("users", "round_robin").await.unwrap();
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;
    assert_eq!(
        instance(&system, "users-balancer").await.pid,
        before,
        "it was not restarted"
    );
    system.down().await.unwrap();
}

pub async fn an_nginx_goes_on_without_a_killed_instance_and_takes_it_back(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    let door = system.front_door("users").unwrap();
    system.kill("users-1").await.unwrap();
    until_answered_by(&system, "users", &["users-2"]).await;
    system.restart("users-1").await.unwrap();
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;

    system.kill("users-balancer").await.unwrap();
    assert_eq!(state(&system, "users-balancer").await, InstanceState::Killed);
    // Not its master alone: nobody takes connections any more.
    until("nobody answers", async || ask(&door, "/health").await.is_err()).await;
    system.restart("users-balancer").await.unwrap();
    assert_eq!(system.front_door("users").unwrap(), door);
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;
    system.restart("users-balancer").await.unwrap();
    until_answered_by(&system, "users", &["users-1", "users-2"]).await;
    system.down().await.unwrap();
}

pub async fn a_paused_nginx_answers_once_it_goes_on(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    let door = system.front_door("users").unwrap();
    system.pause("users-balancer").await.unwrap();
    let request = tokio::spawn(async move { ask(&door, "/health").await });
    // Not a race: what is frozen cannot answer, however long this waits.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!request.is_finished());
    system.resume("users-balancer").await.unwrap();
    assert_eq!(request.await.unwrap().unwrap().0, 200);
    system.down().await.unwrap();
}

pub async fn an_nginx_goes_down_in_order(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let system = bench.backend.up(balanced(), bench.options("run")).await.unwrap();
    let (processes, door) = (processes(&system).await, system.entry());
    assert_eq!(processes.len(), NAMES.len());
    system.down().await.unwrap();
    until_gone(&processes).await;
    assert!(ask(&door, "/health").await.is_err(), "its worker has ended, too");
    assert!(bench.records().is_empty());
    bench.ended_in_order("users-balancer");
}

pub async fn a_crash_of_the_lab_takes_its_nginx_along(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let mut driver = bench.start_driver(balanced(), false);
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let (processes, door) = (processes(&system).await, system.front_door("users").unwrap());
    assert_eq!(processes.len(), NAMES.len());
    assert_eq!(ask(&door, "/health").await.unwrap().0, 200);
    driver.kill();
    if ends_with_its_lab(&record) {
        until_gone(&processes).await;
        until("its worker has ended, too", async || {
            ask(&door, "/health").await.is_err()
        })
        .await;
    }
    registry().clean(&the_leftover(&bench).await.record).await.unwrap();
    until_gone(&processes).await;
    assert!(ask(&door, "/health").await.is_err());
    assert!(bench.records().is_empty());
}

pub async fn an_nginx_is_told_weights(bench: Bench) {
    if !can_start_nginx() {
        return;
    }
    let mut spec = balanced();
    let weighted = ServiceSpec::new(Program::Users).balanced(2, "weighted_round_robin");
    spec.services[0] = weighted.weighted(&[1, 4]).balanced_by(BalancerKind::Nginx);
    let system = bench.backend.up(spec, bench.options("run")).await.unwrap();
    let door = system.front_door("users").unwrap();
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(ask(&door, "/health").await.unwrap().1);
    }
    let by_first = answers.iter().filter(|answer| answer.contains("users-1")).count();
    assert_eq!(by_first, 4, "{answers:?}");
    system.down().await.unwrap();
}
