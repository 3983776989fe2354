//! The lessons on events and sagas through the whole program, on the broker that is built in and on Apache Kafka.

mod common;

use std::path::Path;

use common::kafka::home;
use common::{Lab, finish};
use serde_json::Value;

const ON_EVENTS: [&str; 6] = [
    "events",
    "delivery",
    "outbox",
    "dead-letter",
    "consumer-groups",
    "replay",
];
/// How often a run may be disturbed by whatever else this machine does: then it is inconclusive, and said to be.
const TRIES: usize = 3;

/// Runs a scenario until its verdict is not that nothing could be decided; gives the report.
#[track_caller]
fn passes(kafka: Option<&Path>, arguments: &str) -> Value {
    let mut seen = String::new();
    for _ in 0..TRIES {
        let lab = Lab::new();
        let mut command = lab.command(arguments.split_ascii_whitespace());
        for name in ["KAFKA_BROKERS", "KAFKA_HOME", "KAFKA_BROKER"] {
            command.env_remove(name);
        }
        if let Some(home) = kafka {
            command.env("KAFKA_HOME", home);
        }
        command.args(["--seed", "7", "--out"]).arg(lab.folder().join("report"));
        let said = finish(command);
        let report = std::fs::read_to_string(lab.folder().join("report/report.json")).unwrap_or_default();
        if said.stdout.contains("\nPASS ") {
            return serde_json::from_str(&report).unwrap();
        }
        assert!(
            said.stdout.contains("\nINCONCLUSIVE "),
            "{arguments}: {}\n{}",
            said.stdout,
            said.stderr
        );
        seen = said.stdout;
    }
    panic!("{arguments} could not be decided in {TRIES} tries: {seen}");
}

fn fact(report: &Value, arm: &str, name: &str) -> f64 {
    let arms = report["arms"].as_array().unwrap();
    let arm = arms.iter().find(|found| found["name"] == arm).unwrap();
    arm["rounds"][0]["facts"][name][0].as_f64().unwrap()
}

#[test]
fn lessons_on_events_come_out_on_the_built_in_broker() {
    for scenario in ON_EVENTS {
        passes(None, &format!("run {scenario} --quick"));
    }
}

#[test]
fn lessons_on_sagas_come_out_on_the_built_in_broker() {
    let report = passes(None, "run saga --quick");
    assert!(fact(&report, "failing", "cancelled") > 0.0);
    let story = &report["arms"][0]["rounds"][0]["stories"][0];
    assert!(story["diagram"]["events"].as_array().unwrap().len() >= 4, "{story}");
    passes(None, "run saga-styles --quick");
    passes(None, "run idempotency --quick --set kills=1");
    passes(None, "run saga-crash --quick");
}

#[test]
fn lessons_on_events_come_out_on_apache_kafka() {
    let Some(home) = home() else { return };
    for scenario in ON_EVENTS {
        passes(Some(&home), &format!("run {scenario} --quick"));
    }
}

#[test]
fn lessons_on_sagas_come_out_on_apache_kafka() {
    let Some(home) = home() else { return };
    passes(Some(&home), "run saga --quick");
    passes(Some(&home), "run idempotency --quick");
    passes(Some(&home), "run saga-styles --quick");
    let report = passes(Some(&home), "run saga-crash");
    let deaths = fact(&report, "choreography", "deaths") + fact(&report, "orchestration", "deaths");
    assert!(deaths >= 50.0, "{deaths}");
    for arm in ["choreography", "orchestration"] {
        assert_eq!(fact(&report, arm, "open"), 0.0);
        assert_eq!(fact(&report, arm, "charged_twice"), 0.0);
    }
}
