//! Labs that die, labs that leave a system running, and labs that take one up.

use compose::{Error, InstanceState};

use compose::ProcessStamp;

use super::bench::*;

pub async fn a_crash_of_the_lab_takes_its_system_along(bench: Bench) {
    let mut driver = bench.start_driver(pair(), false);
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let processes = processes(&system).await;
    assert_eq!(processes.len(), PAIR_NAMES.len());
    // A stopped process hears only of SIGKILL.
    system.pause("gateway-1").await.unwrap();
    assert!(
        registry().leftovers(&bench.state_folder()).await.unwrap().is_empty(),
        "its lab lives"
    );

    driver.kill();
    if ends_with_its_lab(&record) {
        until_gone(&processes).await;
        assert!(the_leftover(&bench).await.running.is_empty());
    } else {
        assert_eq!(the_leftover(&bench).await.running, PAIR_NAMES);
    }
    let left = the_leftover(&bench).await;
    registry().clean(&left.record).await.unwrap();
    until_gone(&processes).await;
    assert!(bench.records().is_empty());
    assert!(!left.record.folder.join("data").exists());
    for name in PAIR_NAMES {
        let log = std::fs::read_to_string(left.record.folder.join("logs").join(format!("{name}.log"))).unwrap();
        assert!(log.contains("\"listening\""), "{name}: {log}");
    }
    registry()
        .clean(&left.record)
        .await
        .expect("a second time finds nothing to do");
}

pub async fn a_detached_system_is_taken_up_by_another_lab(bench: Bench) {
    bench.start_driver(pair(), true).finish();
    assert!(
        registry().leftovers(&bench.state_folder()).await.unwrap().is_empty(),
        "left running on purpose"
    );
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let other = bench.backend.attach(record).await.unwrap();
    assert_eq!(names(&system).await, PAIR_NAMES);
    assert!(
        system
            .instances()
            .await
            .iter()
            .all(|instance| instance.state == InstanceState::Ready)
    );
    until_answered_by(&system, "gateway", &["gateway-1", "gateway-2"]).await;

    system.pause("gateway-1").await.unwrap();
    assert_eq!(state(&other, "gateway-1").await, InstanceState::Paused);
    other.resume("gateway-1").await.unwrap();
    assert_eq!(state(&system, "gateway-1").await, InstanceState::Ready);
    system.scale("gateway", 3).await.unwrap();
    other.kill("gateway-2").await.unwrap();
    assert_eq!(state(&system, "gateway-2").await, InstanceState::Killed);
    other.restart("gateway-2").await.unwrap();
    until_answered_by(&other, "gateway", &["gateway-1", "gateway-2", "gateway-3"]).await;
    until_logged(&system, "gateway-3", 0, "\"listening\"").await;

    let processes = processes(&other).await;
    assert_eq!(processes.len(), PAIR_NAMES.len() + 1);
    other.pause("users-1").await.unwrap();
    system.down().await.unwrap();
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    assert!(bench.records().is_empty());
    let error = other.scale("gateway", 1).await.unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    other.down().await.expect("down is what was wanted");
}

pub async fn a_running_lab_keeps_its_system_to_itself(bench: Bench) {
    let mut driver = bench.start_driver(pair(), false);
    let system = bench.backend.attach(bench.records().remove(0)).await.unwrap();
    for error in [
        system.scale("gateway", 1).await.unwrap_err(),
        system.restart("users-1").await.unwrap_err(),
        system.down().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::OwnedByRun { .. }), "{error}");
    }
    system.kill("gateway-1").await.expect("a fault from outside is welcome");
    drop(system);
    let record = bench.records().remove(0);
    assert_eq!(
        bench.backend.running(&record).await.unwrap().len(),
        PAIR_NAMES.len() - 1,
        "letting go of it ends nothing"
    );
    driver.finish();
    assert!(bench.records().is_empty(), "its own lab ended it");
}
