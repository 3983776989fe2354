//! Coming up, being there, and going away.

use std::net::TcpListener;
use std::time::Duration;

use compose::{Capability, Error, Family, InstanceEventKind, InstanceState, Role};

use compose::ProcessStamp;

use super::bench::*;

pub async fn every_instance_comes_up_ready(bench: Bench) {
    let system = bench.up().await;
    assert_eq!(names(&system).await, PAIR_NAMES);
    for instance in system.instances().await {
        assert_eq!(instance.state, InstanceState::Ready, "{}", instance.name);
        let url = instance.url.unwrap();
        assert_eq!(url.port(), instance.port);
        let (path, role) = match instance.name.as_str() {
            "gateway-balancer" => ("/_balancer/ready", Role::Balancer),
            _ => ("/ready", Role::Instance),
        };
        assert_eq!(instance.role, role);
        assert_eq!(ask(&url, path).await.unwrap(), (200, instance.name.clone()));
        bench.came_up_in_order(&instance.name);
        assert_eq!(bench.has_told_start(&instance.name), instance.pid.is_some());
    }
    assert_eq!(system.entry(), system.front_door("gateway").unwrap());
    assert_eq!(Some(system.entry()), instance(&system, "gateway-balancer").await.url);
    assert_eq!(system.front_door("users").ok(), instance(&system, "users-1").await.url);
    system.down().await.unwrap();
}

pub async fn requests_reach_every_instance(bench: Bench) {
    let system = bench.up().await;
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2"]).await;
    until_answered_by(&system, "users", &["users-1"]).await;
    system.down().await.unwrap();
}

pub async fn logs_can_be_followed(bench: Bench) {
    let system = bench.up().await;
    // A line may come a moment after what it tells of: an engine passes logs on by itself.
    let first = until_logged(&system, "users-1", 0, "\"listening\"").await;
    system.restart("users-1").await.unwrap();
    let second = until_logged(&system, "users-1", first.next, "\"listening\"").await;
    let followed = [first.bytes, second.bytes].concat();
    let whole = system.log("users-1", 0).await.unwrap().bytes;
    assert!(whole.starts_with(&followed), "followed without loss or repetition");
    system.down().await.unwrap();
}

pub async fn stats_are_told_of_running_instances(bench: Bench) {
    let system = bench.up().await;
    system.kill("gateway-2").await.unwrap();
    let stats = system.stats().await;
    let told: Vec<&str> = stats.iter().map(|stats| stats.instance.as_str()).collect();
    assert_eq!(told, ["gateway-1", "gateway-balancer", "users-1"]);
    let is_told = bench.can(Capability::Stats);
    for figures in &stats {
        assert_eq!(figures.cpu_ms.is_some(), is_told, "{stats:?}");
        assert_eq!(
            figures.resident_bytes.is_some_and(|bytes| bytes > 0),
            is_told,
            "{stats:?}"
        );
    }
    system.down().await.unwrap();
}

pub async fn unknown_names_are_answered_with_the_known_ones(bench: Bench) {
    let system = bench.up().await;
    for error in [
        system.pause("gateway-9").await.unwrap_err(),
        system.resume("gateway-9").await.unwrap_err(),
        system.kill("gateway-9").await.unwrap_err(),
        system.restart("gateway-9").await.unwrap_err(),
        system.log("gateway-9", 0).await.unwrap_err(),
    ] {
        assert_eq!(error.family(), Family::Usage);
        assert!(
            error
                .to_string()
                .contains("gateway-1, gateway-2, gateway-balancer, users-1"),
            "{error}"
        );
    }
    for error in [
        system.scale("gate", 2).await.unwrap_err(),
        system.set_policy("gate", "round_robin").await.unwrap_err(),
        system.front_door("gate").unwrap_err(),
    ] {
        assert_eq!(error.family(), Family::Usage);
        assert!(error.to_string().contains("gateway, users"), "{error}");
    }
    system.down().await.unwrap();
}

pub async fn down_leaves_nothing(bench: Bench) {
    let system = bench.up().await;
    let processes = processes(&system).await;
    let port = instance(&system, "users-1").await.port.unwrap();
    bench.pause_if_it_can(&system, "gateway-1").await;
    system.kill("gateway-2").await.unwrap();
    system.down().await.unwrap();
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    assert!(
        system
            .instances()
            .await
            .iter()
            .all(|instance| !instance.state.is_running())
    );
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    assert!(bench.records().is_empty());
    let ended = bench.events_of("users-1").into_iter().any(|event| {
        matches!(
            event.kind,
            InstanceEventKind::Exited {
                code: Some(0),
                expected: true,
                ..
            }
        )
    });
    assert!(ended, "it was asked to end and did: {:?}", bench.events_of("users-1"));
    system.down().await.expect("a second time does nothing");
}

pub async fn a_dropped_system_ends(bench: Bench) {
    let system = bench.up().await;
    let processes = processes(&system).await;
    bench.pause_if_it_can(&system, "gateway-1").await;
    drop(system);
    until_gone(&processes).await;
    until("it is forgotten", async || bench.records().is_empty()).await;
}

pub async fn two_systems_do_not_meet(bench: Bench) {
    let (one, two) = (bench.options("one"), bench.options("two"));
    let (one, two) = tokio::join!(bench.backend.up(pair(), one), bench.backend.up(pair(), two));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(bench.records().len(), 2);
    one.down().await.unwrap();
    for instance in two.instances().await {
        assert_eq!(instance.state, InstanceState::Ready);
    }
    until_answered_by(&two, "gateway", &["gateway-1", "gateway-2"]).await;
    two.down().await.unwrap();
}

pub async fn a_run_id_is_used_once(bench: Bench) {
    let system = bench.up().await;
    let error = bench.backend.up(pair(), bench.options("run")).await.err().unwrap();
    assert!(matches!(error, Error::RunIdTaken { .. }), "{error}");
    assert_eq!(state(&system, "users-1").await, InstanceState::Ready);
    assert_eq!(bench.records().len(), 1, "the record in the way stays");
    system.down().await.unwrap();
}

pub async fn the_entry_takes_the_port_it_is_given(bench: Bench) {
    let listener = hold_a_port();
    let port = listener.local_addr().unwrap().port();
    let mut options = bench.options("run");
    options.entry_port = Some(port);
    let error = bench.backend.up(pair(), options.clone()).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    assert!(
        error.to_string().contains(&format!("gateway-balancer: port {port}")),
        "{error}"
    );
    drop(listener);
    let system = bench.backend.up(pair(), options).await.unwrap();
    assert_eq!(system.entry().port(), Some(port));
    system.down().await.unwrap();
}

pub async fn an_instance_that_exits_at_once_is_reported(bench: Bench) {
    let mut spec = pair();
    spec.services[0].env.insert("WORK_WAIT_MS".into(), "much".into());
    let error = bench.backend.up(spec, bench.options("run")).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    let message = error.to_string();
    // Both exit, and either may be seen first.
    let named = ["gateway-1", "gateway-2"].map(|name| format!("{name} exited with status"));
    assert!(named.iter().any(|start| message.starts_with(start)), "{message}");
    assert!(
        message.contains("WORK_WAIT_MS"),
        "the end of the log is shown: {message}"
    );
    assert!(bench.records().is_empty());
    assert!(
        bench
            .events_of("users-1")
            .iter()
            .any(|event| matches!(event.kind, InstanceEventKind::Exited { .. }))
    );
}

pub async fn an_instance_that_is_never_ready_is_reported(bench: Bench) {
    let mut spec = pair();
    // Nothing listens on port 1.
    spec.services[0]
        .env
        .insert("USERS_URL".into(), "http://127.0.0.1:1".into());
    let mut options = bench.options("run");
    // How long a busy machine takes to answer at all is not known beforehand; once all had the time to, exactly these
    // two are told of, each with what it said itself.
    for timeout_s in [1, 2, 4, 8, 16] {
        options.ready_timeout = Duration::from_secs(timeout_s);
        let error = bench.backend.up(spec.clone(), options.clone()).await.err().unwrap();
        assert_eq!(error.family(), Family::Environment);
        assert!(bench.records().is_empty());
        let Error::NotReady { waiting, .. } = &error else {
            panic!("{error}")
        };
        let told = waiting
            .iter()
            .zip(["gateway-1: ", "gateway-2: "])
            .filter(|(reason, name)| reason.starts_with(name) && reason.contains("/ready answers 503"));
        if waiting.len() == 2 && told.count() == 2 {
            return;
        }
        eprintln!("tried again with more time: {error}");
    }
    panic!("the two gateways were never told of as they should");
}
