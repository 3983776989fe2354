//! Scenarios of phase 3 through the whole program: what they prove by counting holds however busy the machine is.
#![cfg(target_os = "linux")]

mod common;

use common::{Lab, finish, json_file};
use serde_json::Value;

/// Runs a scenario quickly and gives its report.
#[track_caller]
fn run(lab: &Lab, scenario: &str) -> Value {
    let out = lab.folder().join(scenario);
    let mut command = lab.command(["run", scenario, "--quick", "--seed", "7", "--out"]);
    command.arg(&out);
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

#[test]
fn modulo_moves_most_keys_and_consistent_hashing_a_fair_share() {
    let lab = Lab::new();
    let report = run(&lab, "resharding");
    for name in [
        "modulo moves most",
        "on a ring no more",
        "nor by rendezvous",
        "nor by Maglev's table",
        "without a key",
    ] {
        assert_passed(&report, name);
    }
}

#[test]
fn instances_come_and_go_without_a_failed_request() {
    let lab = Lab::new();
    let report = run(&lab, "discovery");
    for name in [
        "every planned action was done",
        "while the list follows",
        "with retries a rolling restart",
        "nor does it with a slow start",
    ] {
        assert_passed(&report, name);
    }
}
