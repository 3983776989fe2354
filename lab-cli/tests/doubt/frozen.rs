//! Every part of a system may be stopped behind the lab's back: servers, balancers, links, containers.

use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, kill_process};

use crate::common::scenario::Tiny;
use crate::common::watched::{Watched, assert_told, assert_undecided};
use crate::common::{Lab, docker, nginx, postgres, redis, until};
use crate::{STOP, tiny};

const WITH_POSTGRES: &str = "entry = \"users\"\nstore = \"postgres\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"postgres\"";
const WITH_KAFKA: &str =
    "entry = \"users\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"kafka\"";
const WITH_REDIS: &str =
    "entry = \"users\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"redis\"";
const BALANCED: &str =
    "entry = \"users\"\n[[system.service]]\nname = \"users\"\ninstances = 2\nbalancer = \"round_robin\"";
const LINKED: &str =
    "entry = \"gateway\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"gateway\"";
/// The way has a link where something is done to it.
const HEALED: &str = "[[action]]\nat_s = 0.1\ndo = \"heal\"\ntarget = \"gateway->users\"\n";

/// Stops a part of a system for a while, and lets it go on.
#[track_caller]
fn stop(part: &str, asked: &Tiny) {
    let lab = Lab::new();
    let run = Watched::start(&lab, &asked.write(lab.folder()));
    run.lines.event("sample");
    let process = run.instance(part);
    kill_process(process, Signal::STOP).unwrap();
    run.lines.disturbance_of(part);
    std::thread::sleep(STOP);
    kill_process(process, Signal::CONT).unwrap();
    let (report, code) = run.finish();
    assert_undecided(&report, code, &format!("{part} stood still for"));
    lab.assert_nothing_runs();
}

#[test]
fn a_redis_decides_nothing() {
    if redis::is_installed() {
        let system = WITH_REDIS;
        stop("redis-1", &Tiny { system, ..tiny() });
    }
}

#[test]
fn a_postgresql_decides_nothing() {
    if postgres::is_installed() {
        let system = WITH_POSTGRES;
        stop("postgres-1", &Tiny { system, ..tiny() });
    }
}

#[test]
fn the_built_in_kafka_decides_nothing() {
    let system = WITH_KAFKA;
    stop("kafka-1", &Tiny { system, ..tiny() });
}

#[test]
fn a_balancer_decides_nothing() {
    let system = BALANCED;
    stop("users-balancer", &Tiny { system, ..tiny() });
}

#[test]
fn an_nginx_decides_nothing() {
    if nginx::is_installed() {
        let system = format!("{BALANCED}\nbalanced_by = \"nginx\"");
        let system = system.leak();
        stop("users-balancer", &Tiny { system, ..tiny() });
    }
}

#[test]
fn a_link_decides_nothing() {
    let asked = Tiny {
        system: LINKED,
        path: "/api/users/1",
        more: HEALED,
        ..tiny()
    };
    stop("gateway-users-link", &asked);
}

#[test]
fn a_part_that_never_goes_on_is_not_waited_for_while_events_settle() {
    let lab = Lab::new();
    let mut run = Watched::start(&lab, Path::new("saga"));
    run.lines.event("sample");
    kill_process(run.instance("payments-1"), Signal::STOP).unwrap();
    until("a run whose payments never go on ends", || {
        run.running.child.try_wait().unwrap().is_some()
    });
    let (report, code) = run.finish();
    assert_eq!((report["verdict"].as_str(), code), (Some("inconclusive"), Some(3)));
    assert_told(&report, "payments-1 stood still");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("was not waited for: payments-1 stands still"),
        "{warnings}"
    );
    lab.assert_nothing_runs();
}

#[test]
fn a_container_that_somebody_else_froze_decides_nothing() {
    if !docker::has_engine() {
        return;
    }
    let lab = Lab::new();
    let run = Watched::start_with(&lab, &tiny().write(lab.folder()), &["--backend", "docker"], &[]);
    run.lines.event("sample");
    let container = docker::container(&lab, "users-1");
    docker(&["pause", &container]);
    run.lines.disturbance_of("users-1");
    docker(&["unpause", &container]);
    let (report, code) = run.finish();
    assert_undecided(&report, code, "users-1 stood still for");
    assert_eq!(docker::left(&lab), 0);
}

#[track_caller]
fn docker(arguments: &[&str]) {
    let status = Command::new("docker").args(arguments).output().unwrap().status;
    assert!(status.success(), "docker {arguments:?}");
}
