//! The terminal laboratory on a real pseudo-terminal: what a person does, and what they see.

mod common;

use common::scenario::{ASKING, TWO_GATEWAYS, Tiny};
use common::tty::Tty;
use common::{Lab, json_file, until};
use rustix::process::Signal;

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (160, 50);

/// Long enough to be interrupted.
const LONG: Tiny = Tiny {
    name: "long",
    duration_s: 50.0,
    system: TWO_GATEWAYS,
    load: "rate_per_s = 60",
    path: "/api/non-blocking",
    more: "",
};

/// The newest recorded run of a lab.
fn newest(lab: &Lab) -> std::path::PathBuf {
    let mut runs: Vec<_> = std::fs::read_dir(lab.state().join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    runs.sort();
    runs.pop().expect("there is a recorded run")
}

/// The sign of an instance in a line of the system's panel.
fn sign_of(line: &str, instance: &str) -> Option<char> {
    line.split_once(instance)?.1.trim_start().chars().next()
}

/// Waits until an instance has a sign.
#[track_caller]
fn is(tty: &mut Tty, instance: &str, sign: char) {
    tty.until(&format!("{instance} is {sign}"), |text| {
        text.lines().any(|line| sign_of(line, instance) == Some(sign))
    });
}

/// The whole page of a verdict once it shows a text: the line at the bottom is drawn last.
#[track_caller]
fn verdict(tty: &mut Tty, wanted: &str) -> String {
    tty.until(&format!("the verdict shows {wanted:?}"), |text| {
        text.contains(wanted) && text.lines().last().is_some_and(|line| line.contains("try next"))
    })
}

#[test]
fn from_home_to_a_verdict_and_back() {
    let lab = Lab::new();
    let mut tty = Tty::start(&lab, LARGE, &[], &[]);
    tty.shows("One service dies: who else falls?");
    tty.write("/cpu-bl");
    tty.shows("One request burns the CPU: who else waits?");
    tty.write("\r");
    tty.write("s");
    tty.shows("which bystanders still wait");
    tty.write("i");
    tty.shows("one thread that serves many requests");
    tty.write("q");
    tty.shows("What is compared");
    tty.write("1\r");
    tty.shows("your guess: nobody");
    tty.shows("balancer (round robin)");
    let verdict = verdict(&mut tty, "You guessed \"nobody");
    assert!(
        ["PASS", "FAIL", "INCONCLUSIVE"]
            .iter()
            .any(|word| verdict.contains(word)),
        "{verdict}"
    );
    assert!(newest(&lab).join("report.html").is_file());
    // There is no desktop here that could open it.
    tty.write("o");
    tty.shows("report.html");
    tty.write("q");
    tty.until("home knows of it", |text| {
        text.contains("scenarios") && text.contains("1 of")
    });
    tty.write("\x1b");
    tty.shows("The gateway");
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 0 && ended.given_back, "{ended:?}");
    let learner = json_file(&lab.state().join("learner.json"));
    assert_eq!(learner["scenarios"]["cpu-blocking"]["runs"], 1);
    lab.assert_nothing_runs();
}

#[test]
fn a_run_is_asked_about_shown_and_told_again_on_the_terminal() {
    let lab = Lab::new();
    let scenario = ASKING.write(lab.folder());
    let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
    tty.shows("How many fingers?");
    tty.write("5\r");
    tty.shows("You guessed 5, and it was 10");
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 0 && ended.given_back, "{ended:?}");
    assert!(
        ended.text.contains("off by a factor of 2") && ended.text.contains("report.html"),
        "{}",
        ended.text
    );
}

#[test]
fn a_replay_ends_on_the_screen_that_the_live_run_ended_on() {
    let lab = Lab::new();
    let scenario = Tiny::default().write(lab.folder());
    let mut live = Tty::start(
        &lab,
        LARGE,
        &[],
        &["run", "--ui", "tui", "--yes", scenario.to_str().unwrap()],
    );
    let seen = verdict(&mut live, "The report:");
    live.write("q");
    assert_eq!(live.end().code, 0);
    let mut replay = Tty::start(&lab, LARGE, &[], &["replay", "last", "--speed", "0"]);
    let again = verdict(&mut replay, "The report:");
    assert_eq!(again, seen);
    replay.write("q");
    assert_eq!(replay.end().code, 0);
}

#[test]
fn another_size_is_another_picture_at_once() {
    let lab = Lab::new();
    let scenario = LONG.write(lab.folder());
    let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
    tty.shows("under load");
    tty.resize(60, 12);
    tty.shows("needs 72 columns");
    tty.resize(LARGE.0, LARGE.1);
    tty.until("all panels are there, on all columns", |text| {
        let panels = ["events", "checks", "over time"];
        panels.iter().all(|panel| text.contains(panel)) && text.lines().any(|line| line.chars().count() > 150)
    });
    tty.write("q");
    tty.shows("Stop this run?");
    tty.write("n");
    tty.until("the question is gone", |text| !text.contains("Stop this run?"));
    tty.write("q");
    tty.shows("Stop this run?");
    tty.write("y");
    tty.shows("interrupted by hand");
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 130 && ended.given_back, "{ended:?}");
    lab.assert_nothing_runs();
}

#[test]
fn ctrl_c_stops_the_run_writes_its_report_and_leaves() {
    let lab = Lab::new();
    let scenario = LONG.write(lab.folder());
    let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
    tty.shows("under load");
    tty.write("\x03");
    let ended = tty.end();
    assert!(ended.code == 130 && ended.given_back, "{ended:?}");
    assert!(newest(&lab).join("report.json").is_file());
    lab.assert_nothing_runs();
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_nothing() {
    let lab = Lab::new();
    let scenario = LONG.write(lab.folder());
    let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
    tty.shows("under load");
    tty.write("\x03\x03");
    let ended = tty.end();
    assert!(ended.code == 130 && ended.given_back, "{ended:?}");
    until("everything has gone", || lab.processes().is_empty());
}

#[test]
fn every_signal_to_end_gives_the_terminal_back_and_ends_a_run_in_order() {
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT] {
        let lab = Lab::new();
        let scenario = LONG.write(lab.folder());
        let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
        tty.shows("under load");
        tty.signal(signal);
        let ended = tty.end();
        assert!(
            ended.code == 130 && ended.given_back && ended.takes_lines,
            "{signal:?}: {ended:?}"
        );
        assert!(newest(&lab).join("report.json").is_file(), "{signal:?}");
        lab.assert_nothing_runs();
    }
}

#[test]
fn a_run_that_cannot_begin_says_why_on_the_screen_and_after_it() {
    let lab = Lab::new();
    let scenario = LONG.write(lab.folder());
    std::fs::create_dir_all(lab.state()).unwrap();
    // Where the runs' folder should be, there is a file.
    std::fs::write(lab.state().join("runs"), "in the way").unwrap();
    let mut tty = Tty::start(&lab, SMALL, &[], &["run", scenario.to_str().unwrap()]);
    tty.shows("could not be done");
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 4 && ended.given_back, "{ended:?}");
    assert!(ended.text.contains("cannot make the folder"), "{}", ended.text);
}

#[test]
fn keys_change_the_playground_and_nothing_is_left_of_it() {
    let lab = Lab::new();
    let mut tty = Tty::start(&lab, LARGE, &[], &["play"]);
    is(&mut tty, "gateway-3", '●');
    tty.write("+");
    tty.shows("request at 375/s");
    tty.write("x");
    tty.until("the first is dead", |text| {
        text.lines()
            .any(|line| sign_of(line, "gateway-1") == Some('✗') && line.contains("dead"))
    });
    tty.write("r");
    is(&mut tty, "gateway-1", '●');
    tty.write("js");
    is(&mut tty, "gateway-2", '‖');
    tty.write("s");
    is(&mut tty, "gateway-2", '●');
    tty.write("o");
    tty.shows("balancer (least connections)");
    tty.write("i");
    is(&mut tty, "gateway-4", '●');
    tty.write("w");
    tty.shows("gateway-2 10 times slower");
    tty.write("b");
    tty.shows("burn 2000 ms on gateway-2");
    tty.write("?");
    tty.shows("kill the instance (SIGKILL)");
    tty.write("q");
    tty.shows("gateway-4");
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 0 && ended.given_back, "{ended:?}");
    lab.assert_nothing_runs();
    let left: Vec<_> = std::fs::read_dir(lab.state().join("up")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_system_that_is_up_is_watched() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let mut tty = Tty::start(&lab, LARGE, &[], &["watch"]);
    is(&mut tty, "gateway-1", '●');
    lab.say("pause gateway-1").code(0);
    is(&mut tty, "gateway-1", '‖');
    lab.say("resume gateway-1").code(0);
    is(&mut tty, "gateway-1", '●');
    tty.write("q");
    let ended = tty.end();
    assert!(ended.code == 0 && ended.given_back, "{ended:?}");
    lab.say("down").code(0);
}

#[test]
fn without_colour_nothing_is_coloured() {
    let lab = Lab::new();
    let colors = |raw: &[u8]| String::from_utf8_lossy(raw).matches("\x1b[38;").count();
    let visit = |environment: &[(&str, &str)]| {
        let mut tty = Tty::start(&lab, SMALL, environment, &[]);
        tty.shows("scenarios");
        tty.write("q");
        tty.end()
    };
    assert!(colors(&visit(&[]).raw) > 0);
    assert_eq!(colors(&visit(&[("NO_COLOR", "1")]).raw), 0);
}

#[test]
fn in_a_pipe_the_laboratory_is_a_list_and_a_run_is_plain() {
    let lab = Lab::new();
    let said = lab.say("").code(0).stdout;
    assert!(said.contains("lab explain NAME") && !said.contains('\x1b'), "{said}");
    lab.say("run cpu-blocking --ui tui")
        .code(2)
        .complains(&["needs a terminal", "--ui plain"]);
    lab.say("play").code(2).complains(&["needs a terminal"]);
}
