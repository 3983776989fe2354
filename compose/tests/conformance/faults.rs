//! Pausing, killing, crashing and restarting single instances.

use std::process::Command;
use std::time::Duration;

use compose::{Error, Family, InstanceEventKind, InstanceState};

use super::bench::*;

pub async fn a_paused_instance_answers_once_it_goes_on(bench: Bench) {
    let system = bench.up().await;
    let url = instance(&system, "users-1").await.url.unwrap();
    system.pause("users-1").await.unwrap();
    assert_eq!(state(&system, "users-1").await, InstanceState::Paused);
    system
        .pause("users-1")
        .await
        .expect("pausing what is paused is no error");
    let request = tokio::spawn(async move { ask(&url, "/health").await });
    // Not a race: what is frozen cannot answer, however long this waits.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!request.is_finished());
    system.resume("users-1").await.unwrap();
    assert_eq!(state(&system, "users-1").await, InstanceState::Ready);
    assert_eq!(request.await.unwrap().unwrap(), (200, "users-1".into()));
    system.down().await.unwrap();
}

pub async fn a_killed_instance_is_gone(bench: Bench) {
    let system = bench.up().await;
    let url = instance(&system, "users-1").await.url.unwrap();
    bench.pause_if_it_can(&system, "users-1").await;
    system.kill("users-1").await.unwrap();
    let killed = instance(&system, "users-1").await;
    assert_eq!((killed.state, killed.pid), (InstanceState::Killed, None));
    assert!(ask(&url, "/health").await.unwrap_err().is_connect());
    for error in [
        system.kill("users-1").await.unwrap_err(),
        system.pause("users-1").await.unwrap_err(),
        system.resume("users-1").await.unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::NotRunning { .. }) && error.family() == Family::Usage,
            "{error}"
        );
    }
    until("its end was told", async || {
        let kinds: Vec<_> = bench.events_of("users-1").into_iter().map(|event| event.kind).collect();
        kinds.contains(&InstanceEventKind::Killed)
            && kinds.contains(&InstanceEventKind::Exited {
                code: None,
                signal: Some(9),
                expected: true,
            })
    })
    .await;
    system.down().await.unwrap();
}

pub async fn a_crash_is_noticed(bench: Bench) {
    let system = bench.up().await;
    let pid = instance(&system, "gateway-2").await.pid.unwrap();
    let status = Command::new("kill")
        // The only signal that nothing can turn down, as when memory runs out.
        .args(["-s", "KILL", &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    until("the crash is noticed", async || {
        !state(&system, "gateway-2").await.is_running()
    })
    .await;
    assert_eq!(
        state(&system, "gateway-2").await,
        InstanceState::Exited {
            code: None,
            signal: Some(9)
        }
    );
    until("the crash is told", async || {
        let crash = InstanceEventKind::Exited {
            code: None,
            signal: Some(9),
            expected: false,
        };
        bench.events_of("gateway-2").iter().any(|event| event.kind == crash)
    })
    .await;
    system.restart("gateway-2").await.unwrap();
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2"]).await;
    system.down().await.unwrap();
}

pub async fn an_instance_restarts_on_its_port(bench: Bench) {
    let system = bench.up().await;
    let first = instance(&system, "users-1").await;
    let mut pids = vec![first.pid];
    for before in [InstanceState::Ready, InstanceState::Paused, InstanceState::Killed] {
        match before {
            InstanceState::Paused => bench.pause_if_it_can(&system, "users-1").await,
            InstanceState::Killed => system.kill("users-1").await.unwrap(),
            _ => {}
        }
        system.restart("users-1").await.unwrap();
        let restarted = instance(&system, "users-1").await;
        assert_eq!((restarted.state, &restarted.url), (InstanceState::Ready, &first.url));
        assert_eq!(restarted.pid.is_some(), first.pid.is_some());
        assert!(
            restarted.pid.is_none() || !pids.contains(&restarted.pid),
            "a new process"
        );
        pids.push(restarted.pid);
        assert_eq!(ask(&first.url.clone().unwrap(), "/health").await.unwrap().0, 200);
    }
    system.down().await.unwrap();
}
