//! Doubt beats verdict: a run whose lab, instance, server or data was disturbed decides nothing that rests on it, and says
//! who, when and how long. What was not measured is not zero.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod frozen;
mod servers;
mod stores;

use std::time::Duration;

use common::scenario::Tiny;
use common::watched::{Watched, assert_undecided, is_stopped};
use common::{Lab, json_file, until};
use rustix::process::{Signal, kill_process};

/// How long somebody is stopped; what follows waits for what the run says.
const STOP: Duration = Duration::from_millis(700);

fn tiny() -> Tiny {
    Tiny {
        duration_s: 3.0,
        ..Tiny::default()
    }
}

#[test]
fn a_lab_that_stood_still_decides_nothing() {
    let lab = Lab::new();
    let run = Watched::start(&lab, &tiny().write(lab.folder()));
    run.lines.event("sample");
    run.running.signal(Signal::STOP);
    until("the lab stands still", || {
        is_stopped(common::pid(run.running.child.id()))
    });
    std::thread::sleep(STOP);
    run.running.signal(Signal::CONT);
    let told = run.lines.disturbance_of("lab");
    assert!(told["kind"]["lasted_ms"].as_f64().unwrap() >= 250.0, "{told:#}");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "the lab stood still for");
}

#[test]
fn an_instance_that_stood_still_unasked_decides_nothing() {
    let lab = Lab::new();
    let run = Watched::start(&lab, &tiny().write(lab.folder()));
    run.lines.event("sample");
    let instance = run.instance("users-1");
    kill_process(instance, Signal::STOP).unwrap();
    run.lines.disturbance_of("users-1");
    kill_process(instance, Signal::CONT).unwrap();
    let (report, code) = run.finish();
    assert_undecided(&report, code, "users-1 stood still for");
}

#[test]
fn an_instance_that_never_goes_on_is_named_and_not_waited_for() {
    let lab = Lab::new();
    let asked = Tiny {
        more: "[[probe]]\nname = \"users\"\nservice = \"users\"\npath = \"/users/1\"\nfield = \"id\"\ntimes = 50\n",
        ..tiny()
    };
    let run = Watched::start(&lab, &asked.write(lab.folder()));
    run.lines.event("sample");
    kill_process(run.instance("users-1"), Signal::STOP).unwrap();
    let (report, code) = run.finish();
    assert_undecided(&report, code, "users-1 stood still for");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("nothing is asked after the load: users-1 stands still"),
        "{warnings}"
    );
    lab.assert_nothing_runs();
}

/// Looks for the rate of an instance that answers some hundred requests a second, and tries each rate for a second.
const SEARCHING: Tiny = Tiny {
    name: "searching",
    duration_s: 1.0,
    system: "entry = \"users\"\n[[system.service]]\nname = \"users\"\n\
             env = { WORK_WAIT_MS = \"10\", WORK_LIMIT = \"1\", WORK_DISTRIBUTION = \"constant\" }",
    load: "from_rate_per_s = 50\nto_rate_per_s = 400\nquantile = 0.95\nwithin_ms = 500\nstep_s = 1\nsteps_max = 12",
    path: "/users/1",
    more: "",
};

#[test]
fn a_search_whose_instance_stood_still_finds_nothing() {
    let lab = Lab::new();
    let text = SEARCHING.text().replacen("[[load]]", "[[search]]", 1);
    let text = text.replace("one.read.sent", "one.read.max_rate_per_s");
    let folder = common::scenario::write(lab.folder(), SEARCHING.name, &text, &common::scenario::lesson());
    let run = Watched::start(&lab, &folder);
    run.lines.event("search_step");
    let instance = run.instance("users-1");
    kill_process(instance, Signal::STOP).unwrap();
    // Longer than a step, so that one is disturbed from its first moment to its last.
    std::thread::sleep(3 * STOP);
    kill_process(instance, Signal::CONT).unwrap();
    let steps = run.lines.rest();
    let (report, code) = run.finish();
    // A rate was found all the same, and nobody is to rely on it.
    assert_undecided(&report, code, "users-1 stood still for");
    assert!(!report["checks"].to_string().contains("it has no value"), "{report:#}");
    let says_nothing = |line: &String| line.contains(r#""outcome":"no_evidence""#);
    assert!(steps.iter().any(says_nothing), "{steps:#?}");
}

#[test]
fn a_pause_that_was_planned_is_no_disturbance() {
    let lab = Lab::new();
    let planned = Tiny {
        more: r#"
[[action]]
at_s = 0.5
do = "pause"
target = "users-1"

[[action]]
at_s = 1.2
do = "resume"
target = "users-1"
"#,
        ..tiny()
    };
    let (report, _) = Watched::start(&lab, &planned.write(lab.folder())).finish();
    // A busy machine may stop anybody; nobody says it of the one that was asked.
    assert!(!report["disturbances"].to_string().contains("users-1"), "{report:#}");
}

/// Clients whose every wave fails to be prepared.
const UNPREPARED: &str = r#"schema = 1
name = "unprepared"
phase = 8
title = "Preparation fails"
question = "Is a run in which nothing was done a failed law?"
[run]
rounds = 1
quick_rounds = 1
[system]
entry = "inventory"
[[system.service]]
name = "inventory"
[[arm]]
name = "one"
label = "one"
[[clients]]
class = "buy"
actor = "buyer"
count = 4
waves = 2
key = "item {wave}"
prepare = { method = "PUT", path = "/products/{wave}00/nowhere", json = '{"name": "Item", "price_cents": 100, "stock": 4}' }
request = { path = "/products/{wave}00/reservations", json = '{"quantity": 1}' }
at_rest = { path = "/products/{wave}00", field = "stock" }
[[law]]
name = "stock"
law = "conservation"
of = "buy"
resource = "item"
initial = 4
[[check]]
name = "every piece is sold"
value = "one.buy.ok"
equals = 8
[[check]]
name = "nothing is sold twice"
value = "one.stock.violations"
equals = 0
[[check]]
name = "nobody failed"
value = "one.buy.failed == 0.0"
equals = 0
"#;

#[test]
fn what_was_never_done_is_no_failure_and_no_zero() {
    let lab = Lab::new();
    let folder = common::scenario::write(lab.folder(), "unprepared", UNPREPARED, &common::scenario::lesson());
    let out = lab.folder().join("out");
    lab.run(["run".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .code(3);
    let report = json_file(&out.join("report.json"));
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check["verdict"], "inconclusive", "{check:#}");
        assert!(check["value"].is_null(), "{check:#}");
    }
}

#[test]
fn a_load_of_no_rate_measures_nothing() {
    for load in ["rate_per_s = 0", "rate_per_s = 0.000001"] {
        let lab = Lab::new();
        let idle = Tiny {
            load,
            more: "[[check]]\nname = \"nothing failed\"\nvalue = \"one.read.failed\"\nequals = 0\n",
            ..Tiny::default()
        };
        let folder = idle.write(lab.folder());
        let out = lab.folder().join("out");
        lab.run(["run".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()])
            .code(3);
        let report = json_file(&out.join("report.json"));
        let checks = report["checks"].as_array().unwrap();
        for name in ["requests were sent", "nothing failed"] {
            let check = checks.iter().find(|check| check["name"] == name).unwrap();
            assert!(
                check["value"].is_null() && check["verdict"] == "inconclusive",
                "{load}: {check:#}"
            );
        }
        let class = &report["arms"][0]["classes"][0];
        assert!(class["ok"].is_null() && class["sent"].is_null(), "{load}: {class:#}");
    }
}
