//! Systems that are left running: `lab up` and what can be done to them.

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::http::{get, port, post_with};
use common::{Lab, Said, files, until};
use compose::ProcessStamp;
use compose::servers::prometheus::Prometheus;
use serde_json::Value;

/// The instances of the only system, by `lab ps --json`.
#[track_caller]
fn instances(lab: &Lab) -> Vec<Value> {
    let systems = lab.say("ps --json").code(0).json();
    let systems = systems.as_array().unwrap();
    assert_eq!(systems.len(), 1, "{systems:?}");
    systems[0]["instances"].as_array().unwrap().clone()
}

#[track_caller]
fn instance(lab: &Lab, name: &str) -> Value {
    let all = instances(lab);
    all.iter()
        .find(|instance| instance["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {all:?}"))
        .clone()
}

#[track_caller]
fn state(lab: &Lab, name: &str) -> String {
    instance(lab, name)["state"]["state"].as_str().unwrap().to_owned()
}

fn stamps(lab: &Lab) -> Vec<ProcessStamp> {
    let pids = instances(lab)
        .into_iter()
        .filter_map(|instance| instance["pid"].as_u64());
    pids.filter_map(|pid| ProcessStamp::of(u32::try_from(pid).unwrap()))
        .collect()
}

/// The port of the front door that `lab up` printed.
#[track_caller]
fn door(up: &Said) -> u16 {
    let (_, rest) = up
        .stdout
        .split_once("Front door: ")
        .unwrap_or_else(|| panic!("{}", up.stdout));
    port(rest.split_ascii_whitespace().next().unwrap())
}

/// Names of the instances that answer at a front door, as long as none has been missing.
fn answering(door: u16, requests: usize) -> BTreeSet<String> {
    (0..requests)
        .map(|_| get(door, "/api/non-blocking").headers["x-instance"].clone())
        .collect()
}

fn nothing_is_left(lab: &Lab, processes: &[ProcessStamp]) {
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    assert_eq!(files(&lab.state().join("systems")), Vec::<std::path::PathBuf>::new());
    assert_eq!(files(&lab.state().join("up")), Vec::<std::path::PathBuf>::new());
    assert_eq!(lab.say("ps --json").code(0).json(), serde_json::json!([]));
}

#[test]
fn the_systems_there_are_come_up_and_answer() {
    let lab = Lab::new();
    let list = lab.say("up --list").code(0).stdout;
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().next())
        .collect();
    assert_eq!(names, ["full", "shop", "users", "locks", "events", "whole"]);

    let up = lab.say("up shop").code(0);
    let door = door(&up);
    assert_eq!(get(door, "/ready").status, 200);
    let users = get(door, "/api/users").json();
    let user = users[0]["id"].as_i64().unwrap();
    let products = get(door, "/api/products").json();
    let product = products[0]["id"].as_i64().unwrap();
    let order = format!("{{\"user_id\": {user}, \"product_id\": {product}, \"quantity\": 1}}");
    let placed = post_with(door, "/api/orders", &[], &order);
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.json()["id"].clone();
    assert_eq!(get(door, &format!("/api/orders/{id}")).json()["id"], id);
    let processes = stamps(&lab);
    assert_eq!(processes.len(), 4);
    lab.say("down").code(0);
    nothing_is_left(&lab, &processes);
}

#[test]
fn a_prometheus_beside_a_system_asks_every_instance() {
    if !common::servers::is_installed(&Prometheus) {
        return;
    }
    let lab = Lab::new();
    lab.say("up users --with prometheus").code(0);
    let url = instance(&lab, "prometheus-1")["url"].as_str().unwrap().to_owned();
    until("every instance has answered it", || {
        let answer = get(port(&url), "/api/v1/targets?state=active").json();
        let targets = answer["data"]["activeTargets"].as_array().unwrap();
        let up = targets.iter().filter(|target| target["health"] == "up");
        let up: BTreeSet<&str> = up.filter_map(|target| target["labels"]["instance"].as_str()).collect();
        up == BTreeSet::from(["gateway-1", "users-1"])
    });
    let processes = stamps(&lab);
    lab.say("down").code(0);
    nothing_is_left(&lab, &processes);
    let refused = lab.say("up users --with nginx").code(2);
    assert!(refused.stderr.contains("prometheus"), "{}", refused.stderr);
}

#[test]
fn instances_are_scaled_paused_killed_and_restarted() {
    let lab = Lab::new();
    let up = lab.say("up users --scale gateway=2").code(0);
    let door = door(&up);
    let names = |lab: &Lab| -> Vec<String> {
        instances(lab)
            .iter()
            .map(|instance| instance["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&lab), ["users-1", "gateway-1", "gateway-2", "gateway-balancer"]);
    for instance in instances(&lab) {
        for field in ["name", "service", "role", "url", "log", "started"] {
            assert!(instance[field].is_string(), "no {field}: {instance}");
        }
        assert!(instance["pid"].is_u64() && instance["port"].is_u64(), "{instance}");
        assert!(up.stdout.contains(instance["url"].as_str().unwrap()), "{}", up.stdout);
    }
    assert_eq!(get(door, "/api/users").status, 200);
    assert_eq!(
        answering(door, 4),
        BTreeSet::from(["gateway-1", "gateway-2"].map(String::from))
    );

    lab.say("scale gateway=3").code(0);
    until("all three answer", || answering(door, 9).len() == 3);
    lab.say("scale gateway=1").code(0);
    until("one answers", || {
        answering(door, 4) == BTreeSet::from(["gateway-1".to_owned()])
    });
    assert_eq!(names(&lab), ["users-1", "gateway-1", "gateway-balancer"]);

    lab.say("pause users-1").code(0);
    assert_eq!(state(&lab, "users-1"), "paused");
    assert!(lab.say("ps").code(0).stdout.contains("paused"));
    lab.say("pause users-1").code(0);
    lab.say("resume users-1").code(0);
    assert_eq!(
        (state(&lab, "users-1").as_str(), get(door, "/api/users").status),
        ("ready", 200)
    );

    let before = instance(&lab, "users-1");
    lab.say("kill users-1").code(0);
    assert_eq!(state(&lab, "users-1"), "killed");
    assert_eq!(get(door, "/api/users").status, 502);
    lab.say("kill users-1").code(2).complains(&["users-1"]);
    lab.say("restart users-1").code(0);
    let after = instance(&lab, "users-1");
    assert_eq!(
        (&after["url"], &after["state"]["state"]),
        (&before["url"], &"ready".into())
    );
    assert_ne!(after["pid"], before["pid"]);
    assert_eq!(get(door, "/api/users").status, 200);

    let log = lab.say("logs users-1").code(0).stdout;
    let starts = log.lines().filter(|line| line.contains("\"listening\"")).count();
    assert_eq!(starts, 2, "the log goes on after a restart:\n{log}");
    lab.say("logs gateway-balancer").code(0);

    let processes = stamps(&lab);
    // A frozen instance does not hold up the end.
    lab.say("pause gateway-1").code(0);
    assert!(
        lab.say("down").code(0).stdout.contains("users-1 is down"),
        "the id of the system"
    );
    nothing_is_left(&lab, &processes);
    assert!(lab.say("down").code(0).stdout.contains("No system is up"));
}

#[test]
fn nobody_else_reads_what_the_lab_keeps() {
    let lab = Lab::new();
    // What a user mostly has: others may read what they make.
    common::finish(lab.command_after("umask 022", "up users")).code(0);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let state = lab.state();
    let open: Vec<_> = [state.clone(), state.join("systems"), state.join("up")]
        .into_iter()
        .filter(|folder| mode(folder) & 0o077 != 0)
        .collect();
    assert_eq!(open, Vec::<PathBuf>::new(), "folders that others may look into");
    for record in lab.records() {
        assert_eq!(mode(&record), 0o600, "{}", record.display());
    }
    lab.say("down").code(0);
}

#[test]
fn a_log_can_be_followed() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let mut following = lab.spawn(["logs", "users-1", "--follow"]);
    let lines = following.lines();
    lines.json("the first start", |line| line["message"] == "listening");
    lab.say("restart users-1").code(0);
    lines.json("the second start", |line| line["message"] == "listening");
    following.signal(rustix::process::Signal::INT);
    assert_eq!(following.wait().code(), Some(130));
    assert_eq!(state(&lab, "users-1"), "ready", "only the following has ended");
    lab.say("down").code(0);
}

#[test]
fn wrong_names_are_answered_with_the_right_ones() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let known = "gateway-1, users-1";
    for arguments in [
        "pause users-2",
        "resume users-2",
        "kill users-2",
        "restart users-2",
        "logs users-2",
    ] {
        let said = lab.say(arguments).code(2);
        assert!(
            said.stderr.contains("users-2")
                && (said.stderr.contains(known) || said.stderr.contains("users-1, gateway-1")),
            "{arguments}: {}",
            said.stderr
        );
    }
    lab.say("scale gatewy=2").code(2).complains(&["gatewy", "gateway"]);
    lab.say("scale users=two").code(2).complains(&["SERVICE=N"]);
    lab.say("scale gateway=2").code(2).complains(&["gateway", "balancer"]);
    lab.say("pause users-1 --system other")
        .code(2)
        .complains(&["no system `other` is up", "lab ps"]);
    assert!(
        instances(&lab)
            .iter()
            .all(|instance| instance["state"]["state"] == "ready")
    );
    lab.say("down").code(0);
}

#[test]
fn a_port_can_be_chosen_and_a_taken_one_is_refused() {
    let lab = Lab::new();
    let taken = common::hold_a_port();
    let wanted = taken.local_addr().unwrap().port();
    lab.say(&format!("up users --port {wanted}"))
        .code(4)
        .complains(&[&wanted.to_string(), "hint:"]);
    assert!(lab.records().is_empty());
    assert_eq!(lab.say("ps --json").code(0).json(), serde_json::json!([]));
    drop(taken);
    let up = lab.say(&format!("up users --port {wanted}")).code(0);
    assert_eq!(door(&up), wanted);
    assert_eq!(get(wanted, "/api/users").status, 200);
    lab.say("down").code(0);
}

#[test]
fn of_several_systems_the_one_that_is_meant_must_be_named() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    lab.say("up users").code(0);
    let systems = lab.say("ps --json").code(0).json();
    let ids: Vec<&str> = systems
        .as_array()
        .unwrap()
        .iter()
        .map(|system| system["system"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["users-1", "users-2"]);
    lab.say("pause gateway-1")
        .code(2)
        .complains(&["several systems", "--system", "users-1", "users-2"]);
    lab.say("pause gateway-1 --system users-2").code(0);
    let state = |systems: &Value, index: usize| {
        let instances = systems[index]["instances"].as_array().unwrap().clone();
        instances
            .iter()
            .find(|instance| instance["name"] == "gateway-1")
            .unwrap()["state"]["state"]
            .clone()
    };
    let systems = lab.say("ps --json").code(0).json();
    assert_eq!(
        (state(&systems, 0), state(&systems, 1)),
        ("ready".into(), "paused".into())
    );

    // Cleaning up touches nothing that was left running on purpose.
    assert!(lab.say("clean").code(0).stdout.contains("Nothing was left behind"));
    lab.say("down --system users-1").code(0);
    assert_eq!(instances(&lab).len(), 2, "the other goes on");
    lab.say("up users").code(0);
    let processes: Vec<ProcessStamp> = compose::records(&lab.state())
        .unwrap()
        .systems
        .into_iter()
        .flat_map(|record| record.instances)
        .map(|instance| serde_json::from_value(instance.platform_id["process"].clone()).unwrap())
        .collect();
    assert_eq!(processes.len(), 4);
    lab.say("down").code(0);
    nothing_is_left(&lab, &processes);
}

#[test]
fn a_system_whose_processes_are_gone_can_be_brought_down() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let processes = stamps(&lab);
    for process in &processes {
        rustix::process::kill_process(common::pid(process.pid), rustix::process::Signal::KILL).unwrap();
    }
    until("they are gone", || !processes.iter().any(ProcessStamp::is_alive));
    lab.say("ps").code(0);
    lab.say("down").code(0);
    nothing_is_left(&lab, &processes);
}

#[test]
fn a_system_of_a_backend_that_this_lab_does_not_have_is_named_and_left_alone() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let processes = stamps(&lab);
    let record = lab.records().remove(0);
    let own = std::fs::read_to_string(&record).unwrap();
    std::fs::write(
        &record,
        own.replace("\"backend\": \"process\"", "\"backend\": \"cloud\""),
    )
    .unwrap();
    for (command, code) in [("clean", 0), ("ps", 0), ("down", 0), ("down --system users-1", 4)] {
        let said = lab.say(command).code(code);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(
            ["users-1", "cloud", "process"].iter().all(|part| told.contains(part)),
            "{command}: {told}"
        );
        assert!(
            record.exists() && processes.iter().all(ProcessStamp::is_alive),
            "{command}"
        );
    }
    std::fs::write(&record, own).unwrap();
    lab.say("down").code(0);
    nothing_is_left(&lab, &processes);
}
