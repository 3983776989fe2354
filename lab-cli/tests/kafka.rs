//! A Kafka through the whole program: the built-in broker, Apache Kafka, one that the user names, none.

mod common;

use std::path::{Path, PathBuf};

use common::kafka::{Client, home};
use common::scenario::{Tiny, lesson, write};
use common::service::Service;
use common::{Lab, Said, files, finish};
use compose::ProcessStamp;
use serde_json::Value;

/// Runs the program with these variables and no others that speak of Kafka.
#[track_caller]
fn say(lab: &Lab, variables: &[(&str, &Path)], arguments: &str) -> Said {
    let mut command = lab.command(arguments.split_ascii_whitespace());
    for name in ["KAFKA_BROKERS", "KAFKA_HOME", "KAFKA_BROKER"] {
        command.env_remove(name);
    }
    finish({
        command.envs(variables.iter().copied());
        command
    })
}

#[track_caller]
fn instances(lab: &Lab) -> Vec<Value> {
    let systems = lab.say("ps --json").code(0).json();
    assert_eq!(systems.as_array().unwrap().len(), 1, "{systems}");
    systems[0]["instances"].as_array().unwrap().clone()
}

#[track_caller]
fn kafka(lab: &Lab) -> Value {
    let found = instances(lab)
        .into_iter()
        .find(|instance| instance["name"] == "kafka-1");
    found.expect("there is a kafka-1")
}

fn port(instance: &Value) -> u16 {
    u16::try_from(instance["port"].as_u64().unwrap()).unwrap()
}

fn stamps(lab: &Lab) -> Vec<ProcessStamp> {
    let pids = instances(lab)
        .into_iter()
        .filter_map(|instance| instance["pid"].as_u64());
    pids.filter_map(|pid| ProcessStamp::of(u32::try_from(pid).unwrap()))
        .collect()
}

#[track_caller]
fn comes_down(lab: &Lab) {
    let processes = stamps(lab);
    lab.say("down").code(0);
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    assert_eq!(lab.records(), Vec::<PathBuf>::new());
    assert_eq!(files(&lab.state().join("up")), Vec::<PathBuf>::new());
}

#[test]
fn the_built_in_broker_is_paused_killed_and_restarted_like_any_instance() {
    let lab = Lab::new();
    let up = say(&lab, &[], "up events").code(0).stdout;
    let before = kafka(&lab);
    let address = format!("kafka://127.0.0.1:{}", before["port"]);
    assert_eq!(
        (&before["url"], &before["state"]["state"]),
        (&address.as_str().into(), &"ready".into())
    );
    assert!(up.contains(&address), "{up}");
    let client = Client::of(port(&before));
    client.publish(1);
    assert_eq!(client.events(), 1);

    lab.say("pause kafka-1").code(0);
    assert_eq!(kafka(&lab)["state"]["state"], "paused");
    lab.say("resume kafka-1").code(0);
    assert_eq!(client.events(), 1);

    lab.say("kill kafka-1").code(0);
    assert_eq!(kafka(&lab)["state"]["state"], "killed");
    // It is this system's own that is started again, wherever the environment now points.
    say(&lab, &[("KAFKA_BROKERS", Path::new("127.0.0.1:1"))], "restart kafka-1").code(0);
    let after = kafka(&lab);
    assert_eq!(
        (&after["url"], &after["state"]["state"]),
        (&before["url"], &"ready".into())
    );
    assert_eq!(client.events(), 0, "it keeps nothing");
    client.publish(2);
    assert_eq!(client.events(), 1);
    lab.say("scale kafka=2").code(2).complains(&["kafka", "1 instance"]);
    comes_down(&lab);
}

#[test]
fn apache_kafka_keeps_what_it_was_given_when_it_is_killed_and_started_again() {
    let Some(home) = home() else { return };
    let lab = Lab::new();
    say(&lab, &[("KAFKA_HOME", &home)], "up events").code(0);
    let before = kafka(&lab);
    assert_eq!(before["state"]["state"], "ready");
    let client = Client::of(port(&before));
    client.publish(1);
    lab.say("kill kafka-1").code(0);
    // Nobody names it any more: the system remembers what it is.
    say(&lab, &[], "restart kafka-1").code(0);
    let after = kafka(&lab);
    assert_eq!(after["port"], before["port"]);
    assert_ne!(after["pid"], before["pid"]);
    assert_eq!(client.events(), 1);
    let log = lab.say("logs kafka-1").code(0).stdout;
    assert_eq!(log.matches("Kafka Server started").count(), 2, "{log}");
    comes_down(&lab);
}

#[test]
fn a_kafka_that_the_user_names_is_used_and_left_alone() {
    let lab = Lab::new();
    let server = Service::start("kafka", lab.folder(), &[]);
    let address = format!("127.0.0.1:{}", server.port);
    let named: [(&str, &Path); 1] = [("KAFKA_BROKERS", Path::new(&address))];
    let doctor = say(&lab, &named, "doctor --json").code(0).json();
    let mut findings = doctor.as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["name"] == "Kafka").unwrap();
    assert!(
        finding["detail"].as_str().unwrap().contains("answers (KAFKA_BROKERS)"),
        "{finding}"
    );
    let up = say(&lab, &named, "up events").code(0).stdout;
    assert!(up.contains(&address) && up.contains("did not start"), "{up}");
    assert!(instances(&lab).iter().all(|instance| instance["service"] != "kafka"));
    lab.say("kill kafka-1")
        .code(2)
        .complains(&["kafka-1 is not the lab's", "KAFKA_BROKERS", &address]);
    comes_down(&lab);
    Client::of(server.port).publish(1);
}

#[test]
fn a_kafka_that_cannot_be_had_is_said_before_anything_starts() {
    let lab = Lab::new();
    for (name, value, about) in [
        (
            "KAFKA_BROKERS",
            "127.0.0.1:1",
            &["127.0.0.1:1", "unset KAFKA_BROKERS"][..],
        ),
        (
            "KAFKA_BROKERS",
            "nowhere",
            &["Kafka at nowhere (KAFKA_BROKERS)", "host:port"],
        ),
        ("KAFKA_HOME", "/nowhere", &["KAFKA_HOME=/nowhere", ".jar"]),
    ] {
        say(&lab, &[(name, Path::new(value))], "up events")
            .code(4)
            .complains(about);
        assert_eq!(lab.records(), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_scenario_that_needs_a_real_one_says_so_before_anything_starts() {
    let lab = Lab::new();
    let text = Tiny {
        name: "durable",
        system: "entry = \"users\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"kafka\"",
        ..Tiny::default()
    };
    let scenario = text
        .text()
        .replacen("schema = 1", "schema = 1\nneeds = [\"durable_kafka\"]", 1);
    write(lab.folder(), "durable", &scenario, &lesson());
    say(&lab, &[("KAFKA_HOME", Path::new("/nowhere"))], "run ./durable")
        .code(4)
        .complains(&["/nowhere"]);
    assert_eq!(lab.records(), Vec::<PathBuf>::new());
    if let Some(home) = home() {
        let report = say(&lab, &[("KAFKA_HOME", &home)], "run ./durable").code(0).stdout;
        assert!(report.contains("Apache Kafka"), "{report}");
    }
    let easy = scenario
        .replacen("durable_kafka", "kafka", 1)
        .replacen("\"durable\"", "\"easy\"", 1);
    write(lab.folder(), "easy", &easy, &lesson());
    let report = say(&lab, &[], "run ./easy").code(0).stdout;
    assert!(
        report.contains("built into the lab") && report.contains("5 MiB"),
        "{report}"
    );
}
