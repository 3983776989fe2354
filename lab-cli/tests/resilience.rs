//! The gateway before services that fail, or are slow.

mod common;

use common::http::{get, receive, send};
use common::service::Service;
use common::{promtool, until};
use serde_json::Value;
use tempfile::tempdir;

/// The value of a series; 0 where it is not there yet.
fn value(service: &Service, series: &str) -> f64 {
    let text = get(service.port, "/metrics").body;
    let values = text.lines().filter_map(|line| line.rsplit_once(' '));
    let found = values.into_iter().find(|(name, _)| *name == series);
    found.map_or(0.0, |(_, value)| value.parse().unwrap())
}

#[test]
fn a_breaker_for_each_instance_goes_round_the_one_that_is_broken() {
    let folder = tempdir().unwrap();
    let users: Vec<Service> = ["users-1", "users-2", "users-3"]
        .iter()
        .map(|name| {
            Service::start(
                "users",
                folder.path(),
                &[("INSTANCE", name), ("WORK_BROKEN", "users-2")],
            )
        })
        .collect();
    let upstreams: Vec<String> = users
        .iter()
        .enumerate()
        .map(|(index, service)| format!("users-{}={}", index + 1, service.url()))
        .collect();
    let balancer = Service::start("balancer", folder.path(), &[("UPSTREAMS", &upstreams.join(","))]);
    let users_url = balancer.url();
    let gateway = Service::start(
        "gateway",
        folder.path(),
        &[
            ("USERS_URL", &users_url),
            ("CALL_BREAKER", "window=1m min=3 failures=50% open=10m"),
            ("CALL_BREAKER_FOR", "instance"),
        ],
    );
    let statuses: Vec<u16> = (0..40).map(|_| get(gateway.port, "/api/users/1").status).collect();
    let failed = statuses.iter().filter(|status| **status == 503).count();
    assert_eq!(
        failed, 3,
        "three failures open its breaker, and nobody is sent there any more: {statuses:?}"
    );
    assert!(statuses[20..].iter().all(|status| *status == 200), "{statuses:?}");

    let seen: Value = get(gateway.port, "/resilience").json();
    let breakers = seen["upstreams"]["users"]["breakers"].as_array().unwrap();
    let open: Vec<_> = breakers
        .iter()
        .filter(|one| one["state"] == "open")
        .map(|one| &one["name"])
        .collect();
    assert_eq!(open, ["users-2"], "{seen}");
    until("the change is in the log", || {
        let log = gateway.log();
        let changed = log.iter().find(|line| line["message"] == "a circuit breaker changed");
        changed.is_some_and(|line| (&line["breaker"], &line["to"]) == (&"users-2".into(), &"open".into()))
    });
    let open = "breaker_state{upstream=\"users\",breaker=\"users-2\",state=\"open\"}";
    assert_eq!(value(&gateway, open), 1.0);
    if promtool::is_installed() {
        let text = get(gateway.port, "/metrics").body;
        assert_eq!(promtool::complaints(&text), "", "{text}");
    }
}

#[test]
fn work_that_nobody_waits_for_any_more_is_not_done() {
    let folder = tempdir().unwrap();
    let users = Service::start(
        "users",
        folder.path(),
        &[
            ("WORK_WAIT_MS", "50"),
            ("WORK_DISTRIBUTION", "constant"),
            ("WORK_LIMIT", "1"),
            ("WORK_ABANDONED", "finish"),
        ],
    );
    let users_url = users.url();
    let gateway = Service::start(
        "gateway",
        folder.path(),
        &[("USERS_URL", &users_url), ("DEADLINE_MS", "120")],
    );
    let asked: Vec<_> = (0..10)
        .map(|_| send(gateway.port, "GET", "/api/users/1", &[], "").unwrap())
        .collect();
    let statuses: Vec<u16> = asked.into_iter().map(|answer| receive(answer).status).collect();
    assert!(statuses.contains(&504), "{statuses:?}");
    // Ten pieces of work take half a second, one after the other, and each is waited for for 120 ms.
    let expired = || value(&users, "http_requests_expired_total{at=\"queue\"}");
    until("one that was late has left the queue", || expired() >= 1.0);
    // What has left it undone was not begun, and on a slow machine some are late before they get there.
    let begun = value(&users, "work_started_total");
    assert!(begun + expired() <= 10.0, "{begun} were begun");
}
