//! A Prometheus as one of the services of a system.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use compose::servers::prometheus::Prometheus;
use compose::{Family, InstanceState, ProcessStamp, ServiceSpec, System, SystemSpec};
use contract::Program;
use serde_json::Value;

use super::bench::*;

/// Whether there is a Prometheus that this test can start; says so loudly where there is none.
#[track_caller]
pub fn can_start_prometheus() -> bool {
    can_start(&Prometheus)
}

/// Two instances behind a balancer, one that calls them, and a Prometheus that watches them all.
fn watched() -> SystemSpec {
    SystemSpec {
        name: "watched".into(),
        services: vec![
            ServiceSpec::new(Program::Prometheus),
            ServiceSpec::new(Program::Users).balanced(2, "round_robin"),
            ServiceSpec::new(Program::Gateway),
        ],
        entry: "gateway".into(),
        links: Vec::new(),
    }
}

/// Asks the system's Prometheus something.
async fn answer(system: &dyn System, path: &str, query: &[(&str, &str)]) -> Value {
    let mut url = at(system.front_door("prometheus").unwrap(), path);
    url.query_pairs_mut().extend_pairs(query);
    let response = client().get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// Waits until a Prometheus has asked exactly these instances, and all have answered.
async fn until_asked(system: &dyn System, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    until(&format!("{expected:?} are up"), async || {
        let answer = answer(system, "/api/v1/targets", &[("state", "active")]).await;
        let targets = answer["data"]["activeTargets"].as_array().unwrap().clone();
        let name = |target: &Value| target["labels"]["instance"].as_str().unwrap().to_owned();
        let are_up = targets.iter().all(|target| target["health"] == "up");
        are_up && targets.iter().map(name).collect::<BTreeSet<_>>() == expected
    })
    .await;
}

const SCRAPED: [&str; 4] = ["gateway-1", "users-1", "users-2", "users-balancer"];

pub async fn a_prometheus_asks_every_instance_and_hears_who_comes_and_goes(bench: Bench) {
    if !can_start_prometheus() {
        return;
    }
    let system = bench.backend.up(watched(), bench.options("run")).await.unwrap();
    let prometheus = instance(&system, "prometheus-1").await;
    assert_eq!(prometheus.state, InstanceState::Ready);
    bench.came_up_in_order("prometheus-1");
    until_asked(system.as_ref(), &SCRAPED).await;
    system.scale("users", 3).await.unwrap();
    until_asked(
        system.as_ref(),
        &["gateway-1", "users-1", "users-2", "users-3", "users-balancer"],
    )
    .await;
    system.scale("users", 1).await.unwrap();
    until_asked(system.as_ref(), &["gateway-1", "users-1", "users-balancer"]).await;
    assert_eq!(
        instance(&system, "prometheus-1").await.pid,
        prometheus.pid,
        "it was not restarted"
    );
    let error = system.scale("prometheus", 2).await.unwrap_err();
    assert_eq!(error.family(), Family::Usage);
    system.down().await.unwrap();
}

pub async fn a_killed_prometheus_comes_back_with_what_it_collected(bench: Bench) {
    if !can_start_prometheus() {
        return;
    }
    let system = bench.backend.up(watched(), bench.options("run")).await.unwrap();
    let door = system.front_door("prometheus").unwrap();
    until_asked(system.as_ref(), &SCRAPED).await;
    let then = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
        .to_string();
    system.kill("prometheus-1").await.unwrap();
    assert_eq!(state(&system, "prometheus-1").await, InstanceState::Killed);
    until("nobody answers", async || ask(&door, "/-/ready").await.is_err()).await;
    system.restart("prometheus-1").await.unwrap();
    assert_eq!(system.front_door("prometheus").unwrap(), door);
    let answer = answer(system.as_ref(), "/api/v1/query", &[("query", "up"), ("time", &then)]).await;
    assert_eq!(
        answer["data"]["result"].as_array().unwrap().len(),
        SCRAPED.len(),
        "{answer}"
    );
    until_asked(system.as_ref(), &SCRAPED).await;
    system.down().await.unwrap();
}

pub async fn a_prometheus_goes_down_in_order(bench: Bench) {
    if !can_start_prometheus() {
        return;
    }
    let system = bench.backend.up(watched(), bench.options("run")).await.unwrap();
    let processes = processes(&system).await;
    let port = instance(&system, "prometheus-1").await.port.unwrap();
    system.down().await.unwrap();
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    assert!(bench.records().is_empty());
    bench.ended_in_order("prometheus-1");
}

pub async fn a_crash_of_the_lab_takes_its_prometheus_along(bench: Bench) {
    if !can_start_prometheus() {
        return;
    }
    let mut driver = bench.start_driver(watched(), false);
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let processes = processes(&system).await;
    until_asked(system.as_ref(), &SCRAPED).await;
    driver.kill();
    if ends_with_its_lab(&record) {
        until_gone(&processes).await;
    }
    registry().clean(&the_leftover(&bench).await.record).await.unwrap();
    until_gone(&processes).await;
    assert!(bench.records().is_empty());
}
