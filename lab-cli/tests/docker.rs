//! The laboratory on Docker: the commands, and what is left when they are cut short.

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::docker::{container, has_engine, left};
use common::http::{get, port};
use common::scenario::Tiny;
use common::{Lab, Running, files, json_file, until};
use rustix::process::Signal;
use serde_json::Value;

#[track_caller]
fn nothing_is_left(lab: &Lab) {
    assert_eq!(left(lab), 0);
    assert_eq!(files(&lab.state().join("systems")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_system_of_containers_is_left_running_and_handled_as_one_of_processes() {
    if !has_engine() {
        return;
    }
    let lab = Lab::new();
    let up = lab.say("up full --backend docker --scale gateway=2").code(0);
    let (_, door) = up.stdout.split_once("Front door: ").unwrap();
    let door = port(door.split_ascii_whitespace().next().unwrap());
    let answering = || -> BTreeSet<String> {
        (0..12)
            .map(|_| get(door, "/api/non-blocking").headers["x-instance"].clone())
            .collect()
    };
    assert_eq!(get(door, "/ready").status, 200);
    assert_eq!(answering().len(), 2);
    lab.say("scale gateway=3").code(0);
    assert_eq!(answering().len(), 3);
    lab.say("kill gateway-2").code(0);
    lab.say("restart gateway-2").code(0);
    lab.say("pause users-1").code(0);
    let systems = lab.say("ps --json").code(0).json();
    let state = |name: &str| -> Value {
        let instances = systems[0]["instances"].as_array().unwrap();
        let found = instances.iter().find(|instance| instance["name"] == name).unwrap();
        found["state"]["state"].clone()
    };
    assert_eq!(
        (state("gateway-2"), state("users-1")),
        ("ready".into(), "paused".into())
    );
    lab.say("resume users-1").code(0);
    assert!(lab.say("logs gateway-2").code(0).stdout.contains("\"listening\""));
    assert!(lab.say("clean").code(0).stdout.contains("Nothing was left behind"));
    lab.say("down").code(0);
    nothing_is_left(&lab);
}

#[test]
fn a_scenario_ends_with_the_same_verdict_as_on_processes() {
    if !has_engine() || !common::redis::is_installed() {
        return;
    }
    // Whether the generator kept its times depends on what else the machine does; what it found does not.
    let of_the_machine = |check: &Value| check["name"].as_str().unwrap().starts_with("the generator");
    let mut found = Vec::new();
    for backend in ["process", "docker"] {
        let lab = Lab::new();
        let command = format!("run race-condition --quick --yes --seed 7 --ui plain --out run --backend {backend}");
        let said = lab.say(&command);
        let report = json_file(&lab.folder().join("run").join("report.json"));
        assert_eq!(report["backend"], backend);
        let checks = report["checks"].as_array().unwrap();
        let about_the_scenario: Vec<_> = checks
            .iter()
            .filter(|check| !of_the_machine(check))
            .map(|check| (check["name"].clone(), check["verdict"].clone()))
            .collect();
        assert!(about_the_scenario.len() >= 8, "{}{}", said.stdout, said.stderr);
        for (name, verdict) in &about_the_scenario {
            assert_eq!(verdict, "pass", "{backend}: {name}\n{}", said.stdout);
        }
        found.push(about_the_scenario);
        nothing_is_left(&lab);
    }
    assert_eq!(found[0], found[1]);
}

/// A run in containers, under way.
fn on_docker(lab: &Lab) -> Running {
    lab.spawn("run cpu-blocking --quick --yes --ui json --backend docker".split_whitespace())
}

#[test]
fn a_killed_lab_leaves_what_the_next_one_removes_and_says_so() {
    if !has_engine() {
        return;
    }
    let lab = Lab::new();
    let mut running = on_docker(&lab);
    running.lines().event("system_ready");
    running.signal(Signal::KILL);
    running.wait();
    assert!(left(&lab) > 0, "containers outlive the lab");
    lab.say("clean").code(0).complains(&["cleaned up after", "gateway-1"]);
    nothing_is_left(&lab);
}

#[test]
fn an_interrupted_run_takes_its_containers_along() {
    if !has_engine() {
        return;
    }
    // In the middle of the start, and once it is up.
    for event in ["turn_started", "system_ready"] {
        let lab = Lab::new();
        let mut running = on_docker(&lab);
        running.lines().event(event);
        running.signal(Signal::INT);
        assert_eq!(running.wait().code(), Some(130), "{}", running.stderr());
        nothing_is_left(&lab);
    }
}

#[test]
fn a_second_interrupt_takes_them_along_too() {
    if !has_engine() {
        return;
    }
    let lab = Lab::new();
    let mut running = on_docker(&lab);
    running.lines().event("system_ready");
    running.signal(Signal::INT);
    until("it was heard", || running.stderr().contains("Ctrl-C again"));
    running.signal(Signal::INT);
    assert_eq!(running.wait().code(), Some(130), "{}", running.stderr());
    // Where the two met in the middle of the orderly end, the next command removes the rest.
    lab.say("clean").code(0);
    nothing_is_left(&lab);
}

#[test]
fn a_container_that_somebody_else_freezes_decides_nothing() {
    if !has_engine() {
        return;
    }
    let lab = Lab::new();
    let scenario = Tiny {
        duration_s: 6.0,
        ..Tiny::default()
    };
    let (folder, out) = (scenario.write(lab.folder()), lab.folder().join("out"));
    let mut command = lab.command(["run".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()]);
    command.args(["--backend", "docker", "--ui", "json", "--yes"]);
    let mut run = lab.spawn_command(command);
    let lines = run.lines();
    lines.event("sample");
    let frozen = container(&lab, "users-1");
    let docker = |verb: &str| assert!(Command::new("docker").args([verb, &frozen]).status().unwrap().success());
    docker("pause");
    lines.disturbance_of("users-1");
    docker("unpause");
    lines.rest();
    let code = run.wait().code();
    let report = json_file(&out.join("report.json"));
    let checks = report["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|check| check["name"] == "requests were sent")
        .unwrap();
    let why = check["why"].as_str().unwrap();
    assert!(why.contains("users-1 stood still for"), "{why}");
    assert_eq!((&report["verdict"], code), (&"inconclusive".into(), Some(3)));
    nothing_is_left(&lab);
}

#[test]
fn without_an_engine_it_is_said_what_to_do_and_other_runs_go_on() {
    let lab = Lab::new();
    let nowhere = format!("unix://{}/none.sock", lab.folder().display());
    let mut command = lab.command(["up", "users", "--backend", "docker"]);
    command.env("DOCKER_HOST", &nowhere);
    common::finish(command)
        .code(4)
        .complains(&["no Docker engine answers", &nowhere, "start one"]);
    nothing_was_recorded(&lab);
    let mut command = lab.command(["doctor"]);
    command.env("DOCKER_HOST", &nowhere);
    assert!(common::finish(command).stdout.contains("for --backend docker"));
}

fn nothing_was_recorded(lab: &Lab) {
    assert_eq!(files(&lab.state().join("systems")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_only_containers_can_do_is_refused_elsewhere_before_anything_starts() {
    let lab = Lab::new();
    let tiny = common::scenario::Tiny::default().write(lab.folder());
    let file = tiny.join("scenario.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("\n[[action]]\nat_s = 0.1\ndo = \"disconnect\"\ntarget = \"users-1\"\n");
    std::fs::write(&file, text).unwrap();
    let said = lab
        .run(["run", tiny.to_str().unwrap(), "--yes", "--ui", "plain"])
        .code(4);
    let told = format!("{}{}", said.stdout, said.stderr);
    assert!(
        told.contains("disconnect") && told.contains("--backend docker"),
        "{told}"
    );
    nothing_was_recorded(&lab);
}

#[test]
fn a_system_is_written_as_files_that_name_an_image_which_the_lab_makes() {
    let lab = Lab::new();
    let written = lab.say("export compose -o files").code(0).stdout;
    assert_eq!(written.lines().next(), Some("files/docker-compose.yml"));
    let file = std::fs::read_to_string(lab.folder().join("files/docker-compose.yml")).unwrap();
    assert_eq!(lab.say("export compose").code(0).stdout, file);
    assert!(lab.say("export k8s shop").code(0).stdout.contains("kind: Deployment"));
    lab.say("export compose nothing")
        .code(2)
        .complains(&["full, shop, users, locks"]);
    if has_engine() {
        let image = lab.say("export image").code(0).stdout;
        assert!(file.contains(&format!("image: \"{}\"", image.trim())), "{image}");
        let inspected = Command::new("docker")
            .args(["image", "inspect", image.trim()])
            .output()
            .unwrap();
        assert!(inspected.status.success());
    }
}

#[test]
fn a_signal_at_any_moment_leaves_nothing_on_the_engine() {
    if !has_engine() {
        return;
    }
    let heard = [Signal::TERM, Signal::HUP, Signal::INT, Signal::KILL];
    let mut state = attack::seed();
    for round in 0..4 * attack::times() {
        let signal = heard[usize::try_from(round).unwrap() % heard.len()];
        // A start takes about a second; the moment is what is drawn.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let moment = std::time::Duration::from_millis((state >> 33) % 1500);
        let lab = Lab::new();
        let mut run = lab.spawn("up users --backend docker".split_ascii_whitespace());
        std::thread::sleep(moment);
        run.signal(signal);
        let status = run.wait();
        if status.success() {
            lab.say("down").code(0);
        } else if signal != Signal::KILL {
            nothing_is_left(&lab);
        }
        lab.say("clean").code(0);
        nothing_is_left(&lab);
    }
}

#[test]
fn the_engine_is_that_of_the_context_that_was_chosen() {
    // Nobody has to answer there: what is told is where somebody was asked.
    let lab = Lab::new();
    let settings = lab.folder().join("settings");
    let meta = settings.join("contexts/meta/4d48fba6cf5f7d6abfb35e695f453297870a7a56568ceae968f06d04701b0047");
    std::fs::create_dir_all(&meta).unwrap();
    std::fs::write(settings.join("config.json"), r#"{"currentContext":"alt"}"#).unwrap();
    let socket = lab.folder().join("alt.sock");
    let host = format!("unix://{}", socket.display());
    let context = serde_json::json!({"Name": "alt", "Metadata": {}, "Endpoints": {"docker": {"Host": host}}});
    std::fs::write(meta.join("meta.json"), context.to_string()).unwrap();
    let mut doctor = lab.command(["doctor", "--json"]);
    doctor.env("DOCKER_CONFIG", &settings);
    for said_otherwise in ["DOCKER_HOST", "DOCKER_CONTEXT"] {
        doctor.env_remove(said_otherwise);
    }
    let findings = common::finish(doctor).json();
    let mut findings = findings.as_array().unwrap().iter();
    let docker = findings.find(|finding| finding["name"] == "Docker").unwrap();
    assert!(
        docker["found"] == false && docker["detail"].as_str().unwrap().contains(&host),
        "{docker:#}"
    );
}
