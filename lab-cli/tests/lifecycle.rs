//! Labs that are interrupted, ended and killed: what was measured is kept, and nothing stays behind.
#![cfg(target_os = "linux")]

mod common;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use common::scenario::{ONE_USERS, TWO_GATEWAYS, Tiny};
use common::{Lab, Lines, Running, files, json_file, until, until_within};
use rustix::process::{Signal, kill_process, kill_process_group};
use serde_json::Value;

/// Far longer than any test takes.
const LONG: Tiny = Tiny {
    name: "long",
    duration_s: 600.0,
    system: TWO_GATEWAYS,
    load: "rate_per_s = 40",
    path: "/api/non-blocking",
    more: "",
};

/// A lab in the middle of a run, with its events.
struct Midway {
    lab: Lab,
    run: Running,
    events: Lines,
    out: PathBuf,
}

/// Starts a run and waits for an event.
#[track_caller]
fn midway(tiny: &Tiny, event: &str) -> Midway {
    let lab = Lab::new();
    let scenario = tiny.write(lab.folder());
    let out = lab.folder().join("out");
    let mut run = lab.spawn([
        "run".as_ref(),
        scenario.as_os_str(),
        "--ui".as_ref(),
        "json".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    let events = run.lines();
    events.event(event);
    Midway { lab, run, events, out }
}

impl Midway {
    /// What must hold once the lab has ended in order.
    #[track_caller]
    fn nothing_is_left(&self) {
        assert_eq!(children(&self.lab), 0);
        assert_eq!(self.lab.records(), Vec::<PathBuf>::new());
    }

    #[track_caller]
    fn report(&self) -> Value {
        json_file(&self.out.join("report.json"))
    }
}

/// Live processes that work in the lab's folders, the lab itself left out.
fn children(lab: &Lab) -> usize {
    lab.processes()
        .into_iter()
        .filter(|pid| {
            let command =
                std::fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            command.contains("\0serve\0")
        })
        .count()
}

#[test]
fn an_interrupted_run_reports_what_was_measured_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut midway = midway(&LONG, "system_ready");
        // The first sample may come before the first request.
        midway.events.json("a sample of requests", |event| {
            event["kind"]["type"] == "sample" && event["kind"]["classes"][0]["ok"].as_u64() > Some(0)
        });
        assert_eq!(children(&midway.lab), 3, "two gateways and their balancer");
        assert_eq!(midway.lab.records().len(), 1);
        midway.run.signal(signal);
        assert_eq!(midway.run.wait().code(), Some(130), "{}", midway.run.stderr());
        midway.nothing_is_left();
        let ended = midway.events.event("run_ended");
        assert_eq!(
            (&ended["kind"]["interrupted"], &ended["kind"]["verdict"]),
            (&true.into(), &"inconclusive".into())
        );
        let report = midway.report();
        assert_eq!(
            (&report["interrupted"], &report["complete"]),
            (&true.into(), &false.into())
        );
        assert_eq!(report["verdict"], "inconclusive");
        assert!(
            report["arms"][0]["classes"][0]["sent"].as_u64().unwrap() > 0,
            "what was measured is there"
        );
        for file in ["report.html", "report.md", "run.jsonl"] {
            assert!(midway.out.join(file).is_file(), "no {file}");
        }
        let said = midway.lab.run([
            "replay".as_ref(),
            midway.out.as_os_str(),
            "--speed".as_ref(),
            "0".as_ref(),
        ]);
        said.code(130);
    }
}

#[test]
fn ctrl_c_in_a_terminal_reaches_the_whole_group_and_still_ends_in_order() {
    let lab = Lab::new();
    let scenario = LONG.write(lab.folder());
    let mut command = lab.command(["run".as_ref(), scenario.as_os_str(), "--ui".as_ref(), "json".as_ref()]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let events = Lines::of(child.stdout.take().unwrap());
    events.event("sample");
    kill_process_group(common::pid(child.id()), Signal::INT).unwrap();
    assert_eq!(common::wait(&mut child).code(), Some(130));
    let rest = events.rest();
    let crashed = rest.iter().any(|line| line.contains("\"crash\""));
    assert!(!crashed, "the lab ends its instances, the terminal does not: {rest:#?}");
    assert_eq!((children(&lab), lab.records().len()), (0, 0));
}

/// A pipe without room, and its reader that does not read.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[test]
fn one_interrupt_is_enough_where_nobody_reads_the_output() {
    for ui in ["json", "plain"] {
        let lab = Lab::new();
        let scenario = LONG.write(lab.folder());
        let out = lab.folder().join("out");
        let (reader, writer) = full_pipe();
        let mut command = lab.command(["run", "--yes", "--ui", ui, "--out"]);
        command.args([&out, &scenario]).stdout(writer).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        drop(command);
        until("the system is up", || children(&lab) == 3);
        kill_process(common::pid(child.id()), Signal::TERM).unwrap();
        assert_eq!(common::wait(&mut child).code(), Some(130), "{ui}");
        assert_eq!((children(&lab), lab.records().len()), (0, 0), "{ui}");
        assert_eq!(json_file(&out.join("report.json"))["interrupted"], true, "{ui}");
        drop(reader);
    }
}

#[test]
fn an_interrupt_before_the_system_is_up_leaves_nothing() {
    let mut midway = midway(&LONG, "run_started");
    midway.run.signal(Signal::INT);
    assert_eq!(midway.run.wait().code(), Some(130), "{}", midway.run.stderr());
    midway.nothing_is_left();
    assert_eq!(midway.report()["interrupted"], true);
}

#[test]
fn an_interrupt_while_an_instance_is_paused_leaves_nothing() {
    let paused = Tiny {
        name: "paused",
        load: "rate_per_s = 20\ntimeout_s = 1",
        more: "[[action]]\nat_s = 0.2\ndo = \"pause\"\ntarget = \"gateway-1\"",
        ..LONG
    };
    let mut midway = midway(&paused, "action");
    midway.run.signal(Signal::INT);
    assert_eq!(midway.run.wait().code(), Some(130), "{}", midway.run.stderr());
    midway.nothing_is_left();
    midway.report();
}

#[test]
fn a_second_interrupt_ends_at_once() {
    // The first would wait for the answers in flight, which come in ten minutes.
    let slow = Tiny {
        name: "slow",
        system: "entry = \"users\"\n[[system.service]]\nname = \"users\"\nenv = { WORK_WAIT_MS = \"600000\" }",
        load: "rate_per_s = 40\ntimeout_s = 600",
        path: "/users",
        ..LONG
    };
    let mut midway = midway(&slow, "sample");
    until("requests are in flight", || {
        let sample = midway.events.event("sample");
        sample["kind"]["classes"][0]["in_flight_now"]
            .as_u64()
            .is_some_and(|requests| requests > 0)
    });
    midway.run.signal(Signal::INT);
    until("the first was heard", || midway.run.stderr().contains("Ctrl-C again"));
    midway.run.signal(Signal::INT);
    assert_eq!(midway.run.wait().code(), Some(130), "{}", midway.run.stderr());
    until("no child is alive", || children(&midway.lab) == 0);
    midway.nothing_is_left();
}

#[test]
fn a_killed_lab_takes_its_system_along_and_the_next_one_cleans_up() {
    let paused = Tiny {
        name: "paused",
        more: "[[action]]\nat_s = 0.1\ndo = \"pause\"\ntarget = \"gateway-1\"",
        ..LONG
    };
    for (tiny, event) in [(&LONG, "sample"), (&paused, "action"), (&LONG, "system_ready")] {
        let mut midway = midway(tiny, event);
        assert_eq!(children(&midway.lab), 3);
        midway.run.signal(Signal::KILL);
        assert_eq!(midway.run.wait().code(), None);
        until_within(Duration::from_secs(2), "no child is alive", || {
            children(&midway.lab) == 0
        });
        assert_eq!(midway.lab.records().len(), 1, "the record tells the next lab");

        let cleaned = midway
            .lab
            .say("clean")
            .code(0)
            .complains(&["cleaned up after", tiny.name]);
        assert!(
            !cleaned.stdout.contains("Nothing was left behind"),
            "{}",
            cleaned.stdout
        );
        midway.nothing_is_left();
        assert!(
            midway
                .lab
                .say("clean")
                .code(0)
                .stdout
                .contains("Nothing was left behind")
        );
        // What it had recorded can be read, and says that it is not whole.
        let report = midway.lab.run([
            "report".as_ref(),
            midway.out.as_os_str(),
            "--format".as_ref(),
            "json".as_ref(),
        ]);
        assert_eq!(report.code(0).json()["complete"], false);
    }
}

#[test]
fn a_run_cleans_up_after_a_killed_lab_of_the_same_state() {
    let mut midway = midway(&LONG, "sample");
    midway.run.signal(Signal::KILL);
    midway.run.wait();
    until_within(Duration::from_secs(2), "no child is alive", || {
        children(&midway.lab) == 0
    });
    let short = Tiny {
        duration_s: 0.2,
        ..Tiny::default()
    }
    .write(midway.lab.folder());
    midway
        .lab
        .run(["run".as_ref(), short.as_os_str(), "--ui".as_ref(), "json".as_ref()])
        .code(0)
        .complains(&["cleaned up after"]);
    midway.nothing_is_left();
    let runs = midway.lab.say("runs --json").code(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 1);
}

#[test]
fn an_instance_that_dies_in_the_middle_makes_the_run_inconclusive() {
    let mut midway = midway(
        &Tiny {
            duration_s: 2.0,
            ..LONG
        },
        "sample",
    );
    midway.lab.say("kill gateway-2").code(0);
    assert_eq!(midway.run.wait().code(), Some(3), "{}", midway.run.stderr());
    midway.nothing_is_left();
    let report = midway.report();
    let crashes = report["arms"][0]["rounds"][0]["crashes"].as_array().unwrap();
    assert_eq!(crashes.len(), 1, "{report:#}");
    assert!(crashes[0].as_str().unwrap().contains("gateway-2"), "{crashes:?}");
    let check = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "no instance died on its own");
    assert_eq!(check.unwrap()["verdict"], "inconclusive");
}

#[test]
fn a_running_lab_is_not_cleaned_up_after() {
    let mut midway = midway(
        &Tiny {
            name: "long",
            system: ONE_USERS,
            path: "/users",
            ..LONG
        },
        "sample",
    );
    assert!(
        midway
            .lab
            .say("clean")
            .code(0)
            .stdout
            .contains("Nothing was left behind")
    );
    assert!(
        midway.lab.say("down").code(0).stdout.contains("No system is up"),
        "it belongs to the run"
    );
    assert_eq!(children(&midway.lab), 1);
    // A fault by hand is welcome, and is told.
    assert!(midway.lab.say("ps").code(0).stdout.contains("users-1"));
    midway.lab.say("pause users-1").code(0);
    midway.lab.say("resume users-1").code(0);
    midway.run.signal(Signal::INT);
    assert_eq!(midway.run.wait().code(), Some(130));
    midway.nothing_is_left();
}

#[test]
fn a_kept_system_outlives_its_run() {
    let lab = Lab::new();
    let scenario = Tiny {
        duration_s: 0.2,
        ..Tiny::default()
    }
    .write(lab.folder());
    let said = lab
        .run(["run".as_ref(), scenario.as_os_str(), "--keep".as_ref()])
        .code(0);
    assert!(said.stdout.contains("lab down"), "{}", said.stdout);
    assert_eq!(children(&lab), 1);
    lab.say("clean").code(0);
    assert!(lab.say("logs users-1").code(0).stdout.contains("listening"));
    lab.say("down").code(0);
    assert_eq!((children(&lab), lab.records().len()), (0, 0));
    assert_eq!(files(&lab.state().join("runs")).len(), 1, "the recording stays");
}

#[test]
fn a_signal_after_everything_was_measured_changes_no_verdict() {
    let mut midway = midway(&Tiny::default(), "check");
    midway.run.signal(Signal::INT);
    let code = midway.run.wait().code().unwrap();
    let report = midway.report();
    let asked = if report["verdict"] == "pass" { 0 } else { 3 };
    assert_eq!(
        (code, &report["interrupted"]),
        (asked, &false.into()),
        "{}",
        midway.run.stderr()
    );
    let folder = midway.out.to_str().unwrap();
    midway.lab.run(["replay", folder, "--speed", "0"]).code(code);
}
