//! A real Redis through the whole program: started with a system, named by the user, missing.

mod common;

use std::path::PathBuf;
use std::process::Stdio;

use common::http::{get, port, post_with};
use common::{Lab, Lines, Said, files, finish, hold_a_port, redis, service, until, wait};
use compose::ProcessStamp;
use compose::servers::Server;
use compose::servers::redis::Redis;
use compose::{Host, host};
use rustix::process::{Signal, kill_process};
use serde_json::Value;

/// Nothing listens on port 1.
const DEAD: &str = "redis://:secret@127.0.0.1:1";

/// Runs the program with this `REDIS_URL`, or with none.
#[track_caller]
fn say(lab: &Lab, redis_url: Option<&str>, arguments: &str) -> Said {
    let mut command = lab.command(arguments.split_ascii_whitespace());
    match redis_url {
        Some(url) => command.env("REDIS_URL", url),
        None => command.env_remove("REDIS_URL"),
    };
    finish(command)
}

/// The instances of the only system.
#[track_caller]
fn instances(lab: &Lab) -> Vec<Value> {
    let systems = lab.say("ps --json").code(0).json();
    assert_eq!(systems.as_array().unwrap().len(), 1, "{systems}");
    systems[0]["instances"].as_array().unwrap().clone()
}

#[track_caller]
fn instance(lab: &Lab, name: &str) -> Value {
    let found = instances(lab).into_iter().find(|instance| instance["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// The port of an instance.
#[track_caller]
fn port_of(lab: &Lab, name: &str) -> u16 {
    u16::try_from(instance(lab, name)["port"].as_u64().unwrap()).unwrap()
}

fn stamps(lab: &Lab) -> Vec<ProcessStamp> {
    let pids = instances(lab)
        .into_iter()
        .filter_map(|instance| instance["pid"].as_u64());
    pids.filter_map(|pid| ProcessStamp::of(u32::try_from(pid).unwrap()))
        .collect()
}

#[track_caller]
fn nothing_is_left(lab: &Lab) {
    assert_eq!(lab.records(), Vec::<PathBuf>::new());
    assert_eq!(files(&lab.state().join("up")), Vec::<PathBuf>::new());
}

/// The status of a reservation under a strategy.
fn reserve(door: u16, strategy: &str) -> u16 {
    let headers = [("x-strategy", strategy)];
    post_with(door, "/products/1/reservations", &headers, "{\"quantity\": 1}").status
}

#[test]
fn the_redis_of_a_system_is_paused_killed_and_restarted_like_any_instance() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let up = say(&lab, None, "up locks").code(0).stdout;
    let names: Vec<String> = instances(&lab)
        .iter()
        .map(|instance| instance["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in [
        "redis-1",
        "inventory-3",
        "inventory-balancer",
        "payments-3",
        "payments-balancer",
    ] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    let redis = instance(&lab, "redis-1");
    let address = format!("redis://127.0.0.1:{}", redis["port"]);
    assert_eq!(
        (&redis["url"], &redis["state"]["state"]),
        (&address.as_str().into(), &"ready".into())
    );
    assert!(up.contains(&address), "{up}");
    let door = port_of(&lab, "inventory-balancer");
    assert!(up.contains(&format!("Front door: http://127.0.0.1:{door}")), "{up}");
    assert_eq!(reserve(door, "redis-lock"), 201);

    lab.say("pause redis-1").code(0);
    assert_eq!(instance(&lab, "redis-1")["state"]["state"], "paused");
    lab.say("resume redis-1").code(0);
    assert_eq!(reserve(door, "redis-lock"), 201);

    let processes = stamps(&lab);
    lab.say("kill redis-1").code(0);
    assert_eq!(instance(&lab, "redis-1")["state"]["state"], "killed");
    assert_eq!(reserve(door, "redis-lock"), 503);
    assert_eq!(reserve(door, "atomic"), 201, "who needs no lock goes on");
    // The address is the same although REDIS_URL now names another: it is this system's own that is restarted.
    say(&lab, Some(DEAD), "restart redis-1").code(0);
    let restarted = instance(&lab, "redis-1");
    assert_eq!(
        (&restarted["url"], &restarted["state"]["state"]),
        (&address.as_str().into(), &"ready".into())
    );
    assert_ne!(restarted["pid"], redis["pid"]);
    until("every instance has found it again", || {
        (0..6).all(|_| reserve(door, "redis-lock") == 201)
    });
    let log = lab.say("logs redis-1").code(0).stdout;
    assert_eq!(log.matches("Ready to accept connections").count(), 2, "{log}");

    // A new instance is wired as those before it.
    say(&lab, Some(DEAD), "scale inventory=4").code(0);
    assert_eq!(reserve(port_of(&lab, "inventory-4"), "redis-lock"), 201);
    lab.say("scale redis=2").code(2).complains(&["redis", "1 instance"]);

    let processes: Vec<_> = processes.into_iter().chain(stamps(&lab)).collect();
    lab.say("down").code(0);
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    nothing_is_left(&lab);
}

#[test]
fn a_redis_that_the_user_names_is_used_and_left_alone() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let path = std::env::var("PATH").unwrap();
    let mut server = service::command("redis", lab.folder(), &[("PATH", &path)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = Lines::of(server.stdout.take().unwrap());
    let listening = lines.json("its port", |line| line["message"] == "listening");
    assert_eq!(
        (&listening["instance"], &listening["service"]),
        (&"redis-1".into(), &"redis".into())
    );
    assert_eq!(listening["pid"], server.id(), "the server is this very process");
    while !lines
        .next()
        .expect("it goes on")
        .contains("Ready to accept connections")
    {}
    let url = format!("redis://127.0.0.1:{}", listening["port"]);

    let doctor = say(&lab, Some(&url), "doctor --json").code(0).json();
    assert_eq!(redis_finding(&doctor)["found"], true);
    let up = say(&lab, Some(&url), "up locks").code(0).stdout;
    assert!(up.contains(&url) && up.contains("did not start"), "{up}");
    assert!(instances(&lab).iter().all(|instance| instance["service"] != "redis"));
    assert_eq!(reserve(port_of(&lab, "inventory-balancer"), "redis-lock"), 201);
    lab.say("kill redis-1")
        .code(2)
        .complains(&["redis-1 is not the lab's", &url]);
    let processes = stamps(&lab);
    lab.say("down").code(0);
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    nothing_is_left(&lab);

    assert!(server.try_wait().unwrap().is_none(), "it is not the lab's to end");
    kill_process(common::pid(server.id()), Signal::TERM).unwrap();
    assert_eq!(wait(&mut server).code(), Some(0));
    let left: Vec<_> = files(lab.folder())
        .into_iter()
        .filter(|file| *file != lab.state())
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "it keeps nothing on disk");
}

#[test]
fn a_redis_url_that_does_not_answer_is_said_before_anything_starts() {
    let lab = Lab::new();
    let said = say(&lab, Some(DEAD), "up locks")
        .code(4)
        .complains(&["127.0.0.1:1", "REDIS_URL", "unset"]);
    assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    nothing_is_left(&lab);
    say(&lab, Some("127.0.0.1:6379"), "up locks")
        .code(4)
        .complains(&["REDIS_URL", "redis://host:port"]);
    nothing_is_left(&lab);

    let doctor = say(&lab, Some(DEAD), "doctor --json").code(0).json();
    let finding = redis_finding(&doctor);
    assert_eq!(finding["found"], false);
    let detail = finding["detail"].as_str().unwrap();
    assert!(
        detail.contains("cannot use the Redis at") && !detail.contains("secret"),
        "{detail}"
    );

    let up = say(&lab, Some(DEAD), "up users").code(0).stdout;
    let door = port(
        up.split_once("Front door: ")
            .unwrap()
            .1
            .split_ascii_whitespace()
            .next()
            .unwrap(),
    );
    assert_eq!(get(door, "/ready").status, 200, "who needs none does not miss it");
    lab.say("down").code(0);
}

#[track_caller]
fn redis_finding(findings: &Value) -> Value {
    let mut findings = findings.as_array().unwrap().iter();
    findings.find(|finding| finding["name"] == "Redis").unwrap().clone()
}

#[test]
fn doctor_finds_the_program_and_its_version() {
    if !redis::is_installed() {
        return;
    }
    let program = Redis.find(&Host::of_process()).unwrap();
    let doctor = say(&Lab::new(), None, "doctor --json").code(0).json();
    let finding = redis_finding(&doctor);
    assert_eq!(finding["found"], true);
    let detail = finding["detail"].as_str().unwrap();
    let (_, version) = detail.split_once("version ").unwrap();
    assert!(detail.contains(program.to_str().unwrap()), "{detail}");
    assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{detail}");
}

#[test]
fn serving_a_redis_says_what_is_in_the_way() {
    let lab = Lab::new();
    lab.say("serve radish").code(2).complains(&["redis"]);
    // Where system folders hold one, it is found whatever PATH says.
    let system_folders = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let programs = ["redis-server", "valkey-server"];
    if programs
        .iter()
        .all(|name| host::find_program(name, &system_folders).is_none())
    {
        service::refused(
            "redis",
            lab.folder(),
            &[("PATH", "/nowhere"), ("REDIS_SERVER", "program")],
        )
        .code(4)
        .complains(&["apt-get install redis-server", "REDIS_URL=redis://"]);
    }
    service::refused("redis", lab.folder(), &[("REDIS_SERVER", "kafka")])
        .code(4)
        .complains(&["REDIS_SERVER=kafka", "any, built-in or program"]);
    let taken = hold_a_port();
    let port = taken.local_addr().unwrap().port().to_string();
    let path = std::env::var("PATH").unwrap();
    for server in ["any", "built-in"] {
        let environment = [("PATH", path.as_str()), ("PORT", &port), ("REDIS_SERVER", server)];
        service::refused("redis", lab.folder(), &environment)
            .code(4)
            .complains(&["cannot listen", &port]);
    }
    service::refused("redis", lab.folder(), &[("PATH", &path), ("PORT", "many")])
        .code(2)
        .complains(&["PORT", "many"]);
}

#[test]
fn the_folder_of_a_system_that_did_not_come_up_stays_until_it_is_cleaned() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    finish(lab.command_without_room("up users"))
        .code(4)
        .complains(&["users-1", "users-2/logs"]);
    let up = lab.state().join("up");
    assert_eq!(files(&up), [up.join("users-1"), up.join("users-2")]);
    let cleaned = lab.say("clean").code(0).stdout;
    assert!(cleaned.contains("users-2") && !cleaned.contains("users-1"), "{cleaned}");
    assert_eq!(files(&up), [up.join("users-1")], "the one that is up keeps its folder");
    assert!(lab.say("clean").code(0).stdout.contains("Nothing was left behind"));
    lab.say("down").code(0);
    nothing_is_left(&lab);
}
