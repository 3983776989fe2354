//! Stops of the lab and of its instances at random moments of real runs: no check that rests on what was disturbed is
//! decided. It takes long, so it runs by hand: `LAB_STOPS=30 cargo test --test stops -- --ignored --nocapture`.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Lab, Lines, Running, json_file};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const SCENARIOS: [&str; 4] = ["scaling", "cpu-blocking", "saga", "race-condition"];
/// A stop whose part in a measurement is no longer may end between two looks at the system, or be one of the moments
/// that this test cannot time better.
const UNSEEN_MS: u64 = 200;
/// How long somebody is stopped, milliseconds.
const STOP_MS: std::ops::RangeInclusive<u64> = 300..=5_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Lab,
    Instance,
}

/// What became of one run with one stop.
#[derive(Debug)]
struct Outcome {
    verdict: String,
    /// Whether a disturbance was told, and how many measurements the told ones fell into.
    told: bool,
    measurements: usize,
    /// How much of the stop fell into the measurement that was under way when it began, milliseconds.
    within_ms: u64,
    /// Checks that were decided although they rest on a disturbed arm.
    wrong: Vec<String>,
}

#[test]
#[ignore = "takes many minutes"]
fn no_stop_leaves_a_verdict_that_rests_on_what_it_disturbed() {
    let stops: usize = std::env::var("LAB_STOPS").map_or(4, |stops| stops.parse().expect("LAB_STOPS is a number"));
    let seed: u64 = std::env::var("LAB_STOPS_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let lengths = SCENARIOS.map(length);
    let mut wrong = Vec::new();
    println!("scenario, victim, stopped after ms, for ms: verdict, told, measurements, ms within one, wrong");
    for victim in [Victim::Lab, Victim::Instance] {
        for stop in 0..stops {
            let at = stop % SCENARIOS.len();
            let (scenario, length) = (SCENARIOS[at], lengths[at]);
            let after = Duration::from_millis(rng.random_range(0..length.as_millis() as u64));
            let lasting = Duration::from_millis(rng.random_range(STOP_MS));
            let which = rng.random_range(0..usize::MAX);
            let Some(outcome) = one(scenario, victim, after, lasting, which) else {
                println!("{scenario}, {victim:?}, {}: over before", after.as_millis());
                continue;
            };
            println!(
                "{scenario}, {victim:?}, {}, {}: {}, {}, {}, {}, {:?}",
                after.as_millis(),
                lasting.as_millis(),
                outcome.verdict,
                outcome.told,
                outcome.measurements,
                outcome.within_ms,
                outcome.wrong
            );
            // While a system starts or ends nothing is measured, and a stop of one of its instances spoils nothing.
            let spoils = victim == Victim::Lab || outcome.within_ms > UNSEEN_MS;
            let silent = spoils && !outcome.told && outcome.verdict != "inconclusive";
            if !outcome.wrong.is_empty() || silent {
                wrong.push((scenario, victim, after, lasting, outcome));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn start(lab: &Lab, scenario: &str, out: &Path) -> (Running, Lines) {
    let arguments = ["run", scenario, "--quick", "--yes", "--ui", "json", "--out"];
    let mut running = lab.spawn(arguments.iter().map(AsRef::as_ref).chain([out.as_os_str()]));
    let lines = running.lines();
    lines.event("run_started");
    (running, lines)
}

/// How long a scenario takes undisturbed.
fn length(scenario: &str) -> Duration {
    let lab = Lab::new();
    let (mut running, lines) = start(&lab, scenario, &lab.folder().join("out"));
    let began = Instant::now();
    lines.rest();
    running.wait();
    began.elapsed()
}

/// One run with one stop; none where it was over before, or nobody was there to be stopped.
fn one(scenario: &str, victim: Victim, after: Duration, lasting: Duration, which: usize) -> Option<Outcome> {
    let lab = Lab::new();
    let out = lab.folder().join("out");
    let (mut running, lines) = start(&lab, scenario, &out);
    let started = Instant::now();
    // Random moments are what is tried here, so this sleep is no synchronisation.
    std::thread::sleep(after);
    if running.child.try_wait().unwrap().is_some() {
        return None;
    }
    let stopped = match victim {
        Victim::Lab => common::pid(running.child.id()),
        Victim::Instance => {
            let instances = instances(&lab);
            *instances.get(which.checked_rem(instances.len())?)?
        }
    };
    kill_process(stopped, Signal::STOP).ok()?;
    let stopped_ms = started.elapsed().as_millis() as u64;
    std::thread::sleep(lasting);
    // An instance may have been brought down meanwhile.
    let _ = kill_process(stopped, Signal::CONT);
    lines.rest();
    running.wait();
    let report = json_file(&out.join("report.json"));
    let events = events(&out.join("run.jsonl"));
    let stop = (stopped_ms, stopped_ms + lasting.as_millis() as u64);
    Some(outcome(&report, &events[0]["kind"]["plan"], within_ms(&events, stop)))
}

/// Every process of a run that is an instance.
fn instances(lab: &Lab) -> Vec<Pid> {
    let is_one = |pid: &Pid| {
        let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|word| word.starts_with(b"INSTANCE="))
    };
    lab.processes().into_iter().filter(is_one).collect()
}

fn events(recording: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(recording).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How much of a time falls into the measurement of the turn in which it begins; all in milliseconds of the run.
fn within_ms(events: &[Value], (from, to): (u64, u64)) -> u64 {
    let at = |event: &Value| event["elapsed_ms"].as_u64().unwrap();
    let is = |event: &&Value, kind: &str| event["kind"]["type"] == kind;
    let begun = events
        .iter()
        .rposition(|event| is(&event, "turn_started") && at(event) <= from);
    let turn = &events[begun.unwrap_or(0)..];
    let phases = || turn.iter().filter(|event| is(event, "phase"));
    let measured = |event: &&Value| event["kind"]["phase"] != "starting" && event["kind"]["phase"] != "stopping";
    let Some(began) = phases().find(measured).map(at) else {
        return 0;
    };
    let ended = phases()
        .find(|event| event["kind"]["phase"] == "stopping")
        .map_or(to, at);
    to.min(ended).saturating_sub(from.max(began))
}

fn outcome(report: &Value, plan: &Value, within_ms: u64) -> Outcome {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let told = list(&report["disturbances"]);
    let labels: Vec<String> = told
        .iter()
        .flat_map(|told| list(&told["measurements"]))
        .map(|measurement| measurement["arm"].as_str().unwrap().to_owned())
        .collect();
    let arms = list(&plan["arms"]);
    let disturbed = arms
        .iter()
        .filter(|arm| labels.iter().any(|label| arm["label"] == **label));
    let names: Vec<&str> = disturbed.map(|arm| arm["name"].as_str().unwrap()).collect();
    let checks = list(&report["checks"]);
    let rests = |check: &&Value| {
        let value = check["value"].as_str().unwrap();
        names.iter().any(|name| value.contains(&format!("{name}.")))
    };
    let decided = |check: &&Value| {
        let found = checks.iter().find(|outcome| outcome["name"] == check["name"]);
        found.is_some_and(|outcome| outcome["verdict"] != "inconclusive")
    };
    let planned = list(&plan["checks"]);
    Outcome {
        verdict: report["verdict"].as_str().unwrap().to_owned(),
        told: !told.is_empty(),
        measurements: labels.len(),
        within_ms,
        wrong: planned
            .iter()
            .filter(rests)
            .filter(decided)
            .map(|check| check["name"].as_str().unwrap().to_owned())
            .collect(),
    }
}
