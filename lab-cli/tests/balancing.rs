//! Scenarios of phase 3 through the whole program: what they prove by counting holds however busy the machine is.
#![cfg(target_os = "linux")]

mod common;

use common::{Lab, finish, json_file};
use serde_json::Value;

/// Runs a scenario with these options and gives its report.
#[track_caller]
fn run(lab: &Lab, scenario: &str, options: &[&str]) -> Value {
    let out = lab.folder().join(format!("{scenario}{}", options.concat()));
    let mut command = lab.command(["run", scenario, "--seed", "7", "--out"]);
    command.arg(&out).args(options);
    finish(command);
    json_file(&out.join("report.json"))
}

/// Whether the check whose name begins so has passed.
#[track_caller]
fn assert_passed(report: &Value, name: &str) {
    let checks = report["checks"].as_array().unwrap();
    let found = checks
        .iter()
        .find(|check| check["name"].as_str().unwrap().starts_with(name));
    let check = found.unwrap_or_else(|| panic!("no check {name:?} in {checks:#?}"));
    assert_eq!(check["verdict"], "pass", "{check:#}");
}

/// One client that waits for each answer, so that what is picked is the same in every run.
const WEIGHTS_AND_KEYS: &str = r#"schema = 1
name = "weights-and-keys"
phase = 3
title = "A scenario of a test"
question = "Do weights and keys reach the balancer?"

[run]
rounds = 1
quick_rounds = 1
duration_s = 60
lateness_p99_ms_max = 10000

[system]
entry = "users"
[[system.service]]
name = "users"
instances = 3
balancer = "weighted_round_robin"
weights = [1, 2]

[[arm]]
name = "weighted"
label = "by weight"

[[arm]]
name = "hashed"
label = "by key"
[[arm.service]]
name = "users"
balancer = "maglev"
env = { BALANCER_HASH_ON = "header:x-key" }

[[load]]
class = "any"
arms = ["weighted"]
request = { path = "/users/{key}", keys = 3 }
closed = { connections = 1, requests_max = 50 }
collect = "id"

[[load]]
class = "same"
arms = ["hashed"]
request = { path = "/users", headers = { x-key = "{key}" }, keys = 1 }
closed = { connections = 1, requests_max = 30 }

[[check]]
name = "each key is asked for"
value = "weighted.any.collected.distinct"
equals = 3

[[check]]
name = "the first instance has one request in five"
value = "weighted.any.by_instance['users-1'].requests"
equals = 10

[[check]]
name = "the last weight is that of the third instance, too"
value = "weighted.any.by_instance['users-3'].requests"
equals = 20

[[check]]
name = "one key has one instance"
value = "size(hashed.same.by_instance)"
equals = 1
"#;

#[test]
fn weights_and_keys_reach_the_balancer() {
    let lab = Lab::new();
    let scenario = common::scenario::write(
        lab.folder(),
        "weights-and-keys",
        WEIGHTS_AND_KEYS,
        &common::scenario::lesson(),
    );
    finish(lab.command(["run".as_ref(), scenario.as_os_str()])).code(0);
}

#[test]
fn modulo_moves_most_keys_and_consistent_hashing_a_fair_share() {
    let lab = Lab::new();
    let report = run(&lab, "resharding", &["--set", "seconds=2.5"]);
    for name in [
        "modulo moves most",
        "on a ring no more",
        "nor by rendezvous",
        "nor by Maglev's table",
        "without a key",
        "simulated with hot keys",
        "a bound on loads",
    ] {
        assert_passed(&report, name);
    }
}

#[test]
fn instances_come_and_go_without_a_failed_request() {
    let lab = Lab::new();
    let report = run(&lab, "discovery", &["--set", "step_s=0.9", "--set", "rate=400"]);
    for name in [
        "every planned action was done",
        "a list that was made once misses",
        "while the list follows",
        "with retries, neither",
        "with slow start they lose none, either",
    ] {
        assert_passed(&report, name);
    }
}

#[test]
fn nginx_in_the_balancer_s_place_runs_the_same_scenario_and_can_be_compared() {
    if !common::nginx::is_installed() {
        return;
    }
    let lab = Lab::new();
    let quick = ["--quick", "--set", "seconds=2"];
    let own = run(&lab, "lb-algorithms", &quick);
    let nginx = run(
        &lab,
        "lb-algorithms",
        &[&quick[..], &["--set", "balancer=nginx"]].concat(),
    );
    assert_eq!(
        (&own["params"]["balancer"], &nginx["params"]["balancer"]),
        (&"lab".into(), &"nginx".into())
    );
    let names = |report: &Value| -> Vec<String> {
        let arms = report["arms"].as_array().unwrap().iter();
        arms.map(|arm| arm["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&own), ["round_robin", "least_connections", "peak_ewma"]);
    assert_eq!(names(&nginx), ["round_robin", "least_connections"]);
    let left_out = nginx["left_out"].as_array().unwrap();
    let reason = left_out.iter().find(|out| out["name"] == "peak_ewma").unwrap()["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("nginx cannot"), "{reason}");
    let undecided = nginx["not_measured"].to_string();
    assert!(
        undecided.contains("peak EWMA loses less than one request in fifty"),
        "{undecided}"
    );
    // Counted, and the same by whatever balances: one in five goes to the slow node.
    assert_passed(&nginx, "round robin sends one request in");
    assert_passed(&nginx, "least connections loses less");
    let folders = [&quick[..], &[&quick[..], &["--set", "balancer=nginx"]].concat()];
    let folders = folders.map(|options| lab.folder().join(format!("lb-algorithms{}", options.concat())));
    let mut command = lab.command(["compare"]);
    command.args(&folders);
    let said = finish(command).code(0).stdout;
    assert!(
        said.contains("balancer: lab, then nginx") && said.contains("round_robin"),
        "{said}"
    );
}
