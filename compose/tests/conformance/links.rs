//! Links between two services that go through a proxy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::{Capability, Family, InstanceState, LinkConditions, LinkSpec, Passage, Role, System, SystemSpec};

use super::bench::*;
use super::redis::can_start_redis;

/// Each way. A question takes at least twice as much; over a new connection, with its handshake, four times.
const LATENCY: Duration = Duration::from_millis(40);

fn slow() -> LinkConditions {
    LinkConditions {
        latency_ms: 1000.0 * LATENCY.as_secs_f64(),
        ..LinkConditions::default()
    }
}

async fn up(bench: &Bench, spec: SystemSpec) -> Arc<dyn System> {
    bench.backend.up(spec, bench.options("run")).await.unwrap()
}

/// Asks an instance, which asks those that it calls, how it is; with how long that took.
async fn asked(system: &Arc<dyn System>, name: &str) -> (u16, Duration) {
    let url = instance(system, name).await.url.unwrap();
    let start = Instant::now();
    let (status, _) = ask(&url, "/ready").await.unwrap();
    (status, start.elapsed())
}

/// Asks until an instance says that it is well, which on a starved machine may take more than once.
async fn until_well(system: &Arc<dyn System>, name: &str) -> Duration {
    let mut last = Duration::MAX;
    until(&format!("{name} is well"), async || {
        let (status, took) = asked(system, name).await;
        last = took;
        status == 200
    })
    .await;
    last
}

async fn until_unwell(system: &Arc<dyn System>, name: &str) {
    until(&format!("{name} is not well"), async || {
        asked(system, name).await.0 == 503
    })
    .await;
}

async fn heal(system: &Arc<dyn System>, from: &str, to: &str) {
    system.set_link(from, to, LinkConditions::default()).await.unwrap();
}

pub async fn a_link_is_one_of_the_instances(bench: Bench) {
    let capabilities = bench.backend.capabilities();
    for capability in [Capability::Delay, Capability::Loss, Capability::Partition] {
        assert!(capabilities.contains(&capability), "{capability}");
    }
    let system = up(&bench, linked()).await;
    assert_eq!(names(&system).await, LINKED_NAMES);
    let link = instance(&system, "gateway-users-link").await;
    assert_eq!((link.role, link.state), (Role::Link, InstanceState::Ready));
    until_well(&system, "gateway-1").await;
    // What the callers asked went over it.
    let metrics = client().get(at(link.url.unwrap(), "/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let passed = |line: &str| line.starts_with("link_bytes_total") && !line.ends_with(" 0");
    assert!(metrics.lines().any(passed), "{metrics}");
    until_logged(&system, "gateway-users-link", 0, "listening").await;
    let processes = processes(&system).await;
    assert_eq!(processes.len(), LINKED_NAMES.len());
    system.down().await.unwrap();
    until_gone(&processes).await;
    assert!(bench.records().is_empty());
}

pub async fn a_slow_link_delays_what_goes_over_it(bench: Bench) {
    let system = up(&bench, linked()).await;
    system.set_link("gateway", "users", slow()).await.unwrap();
    for gateway in ["gateway-1", "gateway-2"] {
        let took = until_well(&system, gateway).await;
        assert!(took >= 2 * LATENCY, "{gateway}: {took:?}");
    }
    assert_eq!(system.spec().links[0].conditions, slow());
    heal(&system, "gateway", "users").await;
    until("the link is as it was", async || {
        let (status, took) = asked(&system, "gateway-1").await;
        status == 200 && took < 2 * LATENCY
    })
    .await;
    system.down().await.unwrap();
}

pub async fn a_partition_is_silent_until_it_is_healed(bench: Bench) {
    let system = up(&bench, linked()).await;
    let cut = LinkConditions::of(Passage::BlackHole);
    system.set_link("gateway", "users", cut).await.unwrap();
    let asking = tokio::spawn({
        let system = Arc::clone(&system);
        async move { asked(&system, "gateway-1").await }
    });
    // Not a race: over a link that is cut no answer can come, however long this waits. Who asked may give up.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let gave_up = asking.is_finished();
    let users = instance(&system, "users-1").await.url.unwrap();
    assert_eq!(
        ask(&users, "/health").await.unwrap().0,
        200,
        "only the way to it is cut"
    );
    heal(&system, "gateway", "users").await;
    let (status, _) = asking.await.unwrap();
    assert!(!gave_up || status == 503, "{status}");
    until_well(&system, "gateway-1").await;
    system.down().await.unwrap();
}

pub async fn a_reset_link_fails_at_once(bench: Bench) {
    let system = up(&bench, linked()).await;
    let reset = LinkConditions::of(Passage::Reset);
    system.set_link("gateway", "users", reset).await.unwrap();
    until_unwell(&system, "gateway-1").await;
    heal(&system, "gateway", "users").await;
    until_well(&system, "gateway-1").await;
    system.down().await.unwrap();
}

pub async fn a_link_keeps_its_conditions_when_it_is_restarted(bench: Bench) {
    const LINK: &str = "gateway-users-link";
    let system = up(&bench, linked()).await;
    system.set_link("gateway", "users", slow()).await.unwrap();
    system.kill(LINK).await.unwrap();
    assert_eq!(state(&system, LINK).await, InstanceState::Killed);
    until_unwell(&system, "gateway-1").await;
    let error = system.set_link("gateway", "users", slow()).await.unwrap_err();
    assert!(error.to_string().contains("does not run"), "{error}");
    system.restart(LINK).await.unwrap();
    let took = until_well(&system, "gateway-1").await;
    assert!(took >= 2 * LATENCY, "{took:?}");
    // Who comes later uses the link as well.
    system.scale("gateway", 3).await.unwrap();
    let took = until_well(&system, "gateway-3").await;
    assert!(took >= 2 * LATENCY, "{took:?}");
    system.down().await.unwrap();
}

pub async fn a_link_to_a_redis_is_a_link_too(bench: Bench) {
    if !can_start_redis() {
        return;
    }
    let spec = SystemSpec {
        links: vec![LinkSpec::new("inventory", "redis")],
        ..guarded()
    };
    let system = up(&bench, spec).await;
    until_well(&system, "inventory-1").await;
    let reset = LinkConditions::of(Passage::Reset);
    system.set_link("inventory", "redis", reset).await.unwrap();
    until_unwell(&system, "inventory-1").await;
    heal(&system, "inventory", "redis").await;
    until_well(&system, "inventory-1").await;
    system.down().await.unwrap();
}

pub async fn links_that_cannot_be_are_refused(bench: Bench) {
    let wrong = SystemSpec {
        links: vec![LinkSpec::new("users", "gateway")],
        ..pair()
    };
    let Err(error) = bench.backend.up(wrong, bench.options("wrong")).await else {
        panic!("a link that nothing goes over")
    };
    assert!(
        error.family() == Family::Usage && error.to_string().contains("gateway->users"),
        "{error}"
    );
    let system = up(&bench, linked()).await;
    let error = system.set_link("users", "gateway", slow()).await.unwrap_err();
    assert!(
        error.family() == Family::Usage && error.to_string().contains("gateway->users"),
        "{error}"
    );
    let too_much = LinkConditions {
        loss: 1.0,
        ..LinkConditions::default()
    };
    let error = system.set_link("gateway", "users", too_much).await.unwrap_err();
    assert!(
        error.family() == Family::Usage && error.to_string().contains("loss"),
        "{error}"
    );
    system.down().await.unwrap();
}

pub async fn a_link_is_changed_by_another_lab(bench: Bench) {
    let mut driver = bench.start_driver(linked(), true);
    driver.kill();
    let system = bench.backend.attach(bench.records().remove(0)).await.unwrap();
    assert_eq!(names(&system).await, LINKED_NAMES);
    system.set_link("gateway", "users", slow()).await.unwrap();
    let took = until_well(&system, "gateway-1").await;
    assert!(took >= 2 * LATENCY, "{took:?}");
    assert_eq!(bench.records()[0].spec.links[0].conditions, slow());
    system.down().await.unwrap();
    assert!(bench.records().is_empty());
}
