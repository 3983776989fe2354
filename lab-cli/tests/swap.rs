//! `lab check --swap`: arms that change places under the checks, planted faults, and what is said of them.

mod common;

use std::path::PathBuf;

use common::scenario::{lesson, write};
use common::{Lab, until};
use rustix::process::Signal;

/// Scenarios of the catalogue whose checks count and never time, so that they say the same on a busy machine, and that take
/// a few seconds each. `lab check --swap` has all of them.
const SHORT: [&str; 4] = ["double-charge", "fencing", "race-condition", "seat-booking"];

/// Two arms of different size, their equal, and a fault in the larger one.
fn scenario(lab: &Lab, alike: &str, checks: &str, seconds: f64) -> PathBuf {
    let text = format!(
        r#"schema = 1
name = "sizes"
phase = 0
title = "A scenario of a test"
question = "How many are there?"
{alike}

[run]
rounds = 1
quick_rounds = 1
duration_s = {seconds:?}
lateness_p99_ms_max = 10000
error_share_max = 1

[system]
entry = "users"
[[system.service]]
name = "users"
balancer = "round_robin"

[[arm]]
name = "one"
label = "one instance"

[[arm]]
name = "two"
label = "two instances"
[[arm.service]]
name = "users"
instances = 2

[[arm]]
name = "pair"
label = "a pair of instances"
quick = false
[[arm.service]]
name = "users"
instances = 2

[[planted]]
name = "crowd"
label = "one too many"
stands_in = "two"
[[planted.service]]
name = "users"
instances = 3

[[load]]
class = "read"
request = {{ path = "/users" }}
rate_per_s = 60

[[check]]
name = "there is one"
value = "one.instances"
equals = 1

[[check]]
name = "there are two"
value = "double(size(two.read.by_instance))"
equals = 2

{checks}
"#
    );
    write(lab.folder(), "sizes", &text, &lesson())
}

const ALIKE: &str = "alike = [[\"two\", \"pair\"]]";
const IDLE: &str = "[[check]]\nname = \"somebody was asked\"\nvalue = \"one.read.sent\"\nat_least = 1\n";

/// A text without the ends of its lines, which are wherever it was wrapped.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_scenario_whose_checks_tell_its_arms_apart_keeps_the_law_and_every_change_is_named() {
    let lab = Lab::new();
    let folder = scenario(&lab, ALIKE, "", 0.4);
    let said = lab
        .run(["check".as_ref(), folder.as_os_str(), "--swap".as_ref()])
        .code(0);
    for line in [
        "one and two change places: \"there is one\" measures 2; expected exactly 1, and 1 more",
        "one and pair change places: \"there is one\" measures 2; expected exactly 1",
        "two and pair change places: no check notices, as declared",
        "crowd stands in the place of two: \"there are two\" measures 3; expected exactly 2",
        "1 scenario: nothing refused.",
    ] {
        assert!(
            in_one_line(&said.stdout).contains(line),
            "no {line:?} in:\n{}",
            said.stdout
        );
    }
    assert!(
        said.stderr.contains("one quick run of every arm, about"),
        "{}",
        said.stderr
    );
    assert!(!lab.state().join("learner.json").exists(), "such a run is no progress");
    lab.assert_nothing_runs();
}

#[test]
fn arms_that_nothing_tells_apart_and_checks_that_nothing_disturbs_are_refused_by_name() {
    let lab = Lab::new();
    let folder = scenario(&lab, "", IDLE, 0.4);
    let said = lab
        .run(["check".as_ref(), folder.as_os_str(), "--swap".as_ref()])
        .code(1);
    for words in [
        "no check tells two from pair",
        "no swap disturbs \"somebody was asked\"",
        "2 things refused",
    ] {
        assert!(said.stdout.contains(words), "no {words:?} in:\n{}", said.stdout);
    }
}

#[test]
fn a_recorded_run_is_judged_by_the_checks_as_they_are_now() {
    let lab = Lab::new();
    let folder = scenario(&lab, "", "", 0.4);
    let out = lab.folder().join("out");
    lab.run(["run".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .code(0);
    let judge = |code| {
        let arguments = [
            "check".as_ref(),
            folder.as_os_str(),
            "--swap".as_ref(),
            "--recorded".as_ref(),
            out.as_os_str(),
        ];
        lab.run(arguments).code(code)
    };
    let said = judge(1);
    assert!(said.stdout.contains("no check tells two from pair"), "{}", said.stdout);
    scenario(&lab, ALIKE, "", 0.4);
    let said = judge(3);
    let open = "crowd, which is planted in this scenario, is no part of this run";
    assert!(
        in_one_line(&said.stdout).contains(open) && said.stdout.contains("nothing refused"),
        "{}",
        said.stdout
    );
    let text = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    std::fs::write(
        folder.join("scenario.toml"),
        text.replace("name = \"pair\"", "name = \"other\"").replace(ALIKE, ""),
    )
    .unwrap();
    judge(2).complains(&["the arms of sizes are no longer those of that run"]);
}

#[test]
fn what_is_declared_is_checked_before_anything_runs() {
    let lab = Lab::new();
    for (alike, about) in [
        ("alike = [[\"two\", \"par\"]]", "there is no arm `par`"),
        ("alike = [[\"two\"]]", "`two` alone is alike to nothing"),
        (
            "alike = [[\"two\", \"two\"]]",
            "there are two arms in a group that is alike: `two`",
        ),
    ] {
        let folder = scenario(&lab, alike, "", 0.4);
        lab.run(["check".as_ref(), folder.as_os_str(), "--swap".as_ref()])
            .code(2)
            .complains(&[about]);
    }
    let folder = scenario(&lab, "", "", 0.4);
    let text = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    let replaced = text.replace("stands_in = \"two\"", "stands_in = \"twins\"");
    std::fs::write(folder.join("scenario.toml"), replaced).unwrap();
    lab.run(["check".as_ref(), folder.as_os_str()])
        .code(2)
        .complains(&["there is no arm `twins`"]);
    lab.say("check --recorded last").code(2);
    lab.say("check --swap --schema").code(2);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_it_in_order() {
    let lab = Lab::new();
    let folder = scenario(&lab, ALIKE, "", 600.0);
    let mut running = lab.spawn(["check".as_ref(), folder.as_os_str(), "--swap".as_ref()]);
    until("a system runs", || !lab.records().is_empty());
    running.signal(Signal::INT);
    assert_eq!(running.wait().code(), Some(130), "{}", running.stderr());
    assert!(running.stderr().contains("stopping"), "{}", running.stderr());
    lab.assert_nothing_runs();
}

/// What disturbs such a run leaves it open, and refuses nothing.
#[test]
fn short_scenarios_of_the_catalogue_keep_the_law() {
    for name in SHORT {
        let said = Lab::new().run(["check", name, "--swap"]);
        assert!(
            said.stdout.contains("1 scenario: nothing refused.") && matches!(said.code, Some(0 | 3)),
            "{name}: {:?}\n{}\n{}",
            said.code,
            said.stdout,
            said.stderr
        );
    }
}
