//! The scenarios of phase 6 through the whole program: broken arms break, right arms hold, and a Redis that dies in the
//! middle gives a clear verdict.
#![cfg(target_os = "linux")]

mod common;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use common::{Lab, Said, json_file, redis};
use compose::Host;
use compose::servers::Server;
use compose::servers::postgres::Postgres;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

/// Runs a scenario quickly and gives its report.
#[track_caller]
fn run(lab: &Lab, scenario: &str) -> (Value, Said, PathBuf) {
    run_with(lab, scenario, &[])
}

#[track_caller]
fn run_with(lab: &Lab, scenario: &str, options: &[&str]) -> (Value, Said, PathBuf) {
    run_as(lab, scenario, options, &[])
}

#[track_caller]
fn run_with_environment(lab: &Lab, scenario: &str, environment: &[(&str, &str)]) -> (Value, Said, PathBuf) {
    run_as(lab, scenario, &[], environment)
}

#[track_caller]
fn run_as(lab: &Lab, scenario: &str, options: &[&str], environment: &[(&str, &str)]) -> (Value, Said, PathBuf) {
    let out = lab.folder().join(scenario);
    let arguments = ["run", scenario, "--quick", "--seed", "7", "--out"];
    let mut command = lab.command(arguments);
    command.arg(&out).args(options).env("COLUMNS", "100");
    command.envs(environment.iter().copied());
    let said = common::finish(command);
    (json_file(&out.join("report.json")), said, out)
}

/// The check whose name begins so.
#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks
        .iter()
        .find(|check| check["name"].as_str().unwrap().starts_with(name));
    found.unwrap_or_else(|| panic!("no check {name:?} in {checks:#?}"))
}

/// The law of an arm, by its name in the scenario.
#[track_caller]
fn law<'a>(report: &'a Value, arm: &str, law: &str) -> &'a Value {
    let arms = report["arms"].as_array().unwrap();
    let arm = arms.iter().find(|found| found["name"] == arm).unwrap();
    let laws = arm["histories"].as_array().unwrap();
    laws.iter().find(|found| found["law"] == law).unwrap()
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

#[test]
fn what_breaks_and_what_holds_does_not_depend_on_the_database() {
    let has_postgres = Postgres.find(&Host::of_process());
    if let Err(none) = &has_postgres {
        common::skip(none);
    }
    if has_postgres.is_err() || !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let (report, _, out) = run_with(&lab, "race-condition", &["--set", "store=postgres"]);
    assert_eq!(report["params"]["store"], "postgres");
    for (arm, broken) in [("nothing", 8), ("local", 8), ("redis", 0), ("atomic", 0)] {
        let law = law(&report, arm, "stock");
        assert_eq!(law["violations"], broken, "{arm}: {law}");
    }
    let log = read(&out, "logs/postgres-1.log");
    let starts = log.matches("ready to accept connections").count();
    assert_eq!(starts, 4, "one for each arm: {log}");
}

#[test]
fn ten_buyers_of_one_item_oversell_it_without_a_lock_and_never_with_a_right_one() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let (report, said, out) = run(&lab, "race-condition");
    for arm in ["nothing", "local"] {
        let law = law(&report, arm, "stock");
        assert_eq!(law["violations"], 8, "every item is oversold: {law}");
    }
    for arm in ["redis", "atomic"] {
        for name in ["stock", "order"] {
            assert_eq!(law(&report, arm, name)["violations"], 0, "{}", law(&report, arm, name));
        }
    }
    assert_eq!(
        check(&report, "safety did not come from selling nothing")["verdict"],
        "pass"
    );
    // The proof is drawn wherever the run is shown.
    let both_read = "both read 1 before either of them wrote";
    for text in [said.stdout, read(&out, "report.md")] {
        let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(both_read), "{text}");
        assert!(
            text.contains("──── read 1 ────") && text.contains("──── wrote 0 ────"),
            "{text}"
        );
    }
    let html = read(&out, "report.html");
    assert!(html.contains("How it broke") && html.contains(both_read) && html.contains(">wrote 0</text>"));
    let history = read(&out, "history.jsonl");
    let operations: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(operations.len(), 4 * 8 * 10, "four arms, eight items, ten buyers");
    assert!(
        operations
            .iter()
            .all(|operation| operation["outcome"] != "unknown" && operation["arm"].is_string())
    );
}

#[test]
fn a_stale_holder_is_stopped_by_the_storage_and_by_nobody_else() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let (report, said, _) = run(&lab, "fencing");
    said.code(0);
    for (arm, violations) in [("no_token", 1), ("asked", 1), ("patient", 0), ("fenced", 0)] {
        assert_eq!(law(&report, arm, "tokens")["violations"], violations, "{arm}");
    }
    let message = law(&report, "no_token", "tokens")["messages"][0].as_str().unwrap();
    assert!(
        message.contains("holder wrote") && message.contains("after rival had written"),
        "{message}"
    );
}

#[test]
fn a_seat_is_sold_once_and_a_card_is_charged_once_only_where_the_data_sees_to_it() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let (seats, said, _) = run(&lab, "seat-booking");
    said.code(0);
    let broken = |report: &Value, arm: &str, name: &str| law(report, arm, name)["violations"].as_u64().unwrap() > 0;
    assert!(broken(&seats, "nothing", "once") && broken(&seats, "local", "once"));
    assert!(!broken(&seats, "redis", "once") && !broken(&seats, "unique", "once"));
    let (charges, said, _) = run(&lab, "double-charge");
    said.code(0);
    assert!(broken(&charges, "nothing", "retried") && broken(&charges, "check_first", "clicked"));
    assert!(!broken(&charges, "atomic", "retried") && !broken(&charges, "atomic", "clicked"));
}

#[test]
fn a_lock_around_a_balance_in_memory_protects_nothing() {
    if !redis::is_installed() {
        return;
    }
    let (report, said, _) = run(&Lab::new(), "overdraft");
    said.code(0);
    let violations = |arm: &str| law(&report, arm, "books")["violations"].as_u64().unwrap();
    assert_eq!(
        ["nothing", "memory"].map(violations),
        [8, 8],
        "every account is overdrawn"
    );
    assert_eq!(["redis", "fenced", "atomic"].map(violations), [0, 0, 0]);
}

#[test]
fn a_lock_that_runs_out_has_two_holders_and_a_bare_del_makes_it_three() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let (expiry, said, _) = run(&lab, "lock-expiry");
    said.code(0);
    assert_eq!(law(&expiry, "brief", "exclusion")["violations"], 0);
    assert_eq!(
        law(&expiry, "long", "exclusion")["violations"],
        2,
        "one in each of two rounds"
    );
    let (unlock, said, _) = run(&lab, "wrong-unlock");
    said.code(0);
    let overlaps = |arm: &str| law(&unlock, arm, "exclusion")["violations"].as_u64().unwrap();
    assert!(
        overlaps("bare") > overlaps("compared"),
        "{} and {}",
        overlaps("bare"),
        overlaps("compared")
    );
}

#[test]
fn a_redis_that_dies_in_the_middle_makes_the_run_inconclusive_and_leaves_nothing() {
    if !redis::is_installed() {
        return;
    }
    let lab = Lab::new();
    let out = lab.folder().join("out");
    let arguments = "run race-condition --quick --set items=100 --ui json --out";
    let mut run = lab.spawn(arguments.split(' ').map(OsStr::new).chain([out.as_os_str()]));
    let events = run.lines();
    // The third arm is the one that locks in Redis.
    events.json("the third turn", |event| event["kind"]["turn"] == 2);
    events.event("operations");
    let redis = lab.processes().into_iter().find(|pid| {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero())).unwrap_or_default();
        name.starts_with("redis-server") || name.starts_with("valkey-server")
    });
    kill_process(redis.expect("the system has a Redis"), Signal::KILL).unwrap();
    assert_eq!(run.wait().code(), Some(3), "{}", run.stderr());
    let report = json_file(&out.join("report.json"));
    assert_eq!(report["verdict"], "inconclusive");
    let why = check(&report, "no instance died")["why"].as_str().unwrap().to_owned();
    assert!(why.contains("redis-1"), "{why}");
    assert_eq!((lab.processes().len(), lab.records().len()), (0, 0));
}

#[test]
fn the_built_in_redis_gives_the_verdicts_of_a_real_one_and_the_run_says_that_it_had_it() {
    let lab = Lab::new();
    // Some machines have a real one where no PATH leads away from it.
    let (report, said, out) = run_with_environment(&lab, "race-condition", &[("REDIS_SERVER", "built-in")]);
    for (arm, broken) in [("nothing", 8), ("local", 8), ("redis", 0), ("atomic", 0)] {
        assert_eq!(law(&report, arm, "stock")["violations"], broken, "{arm}");
    }
    let unwrapped = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        unwrapped.contains("Redis is the server that is built into the lab"),
        "{unwrapped}"
    );
    let log = read(&out, "logs/redis-1.log");
    assert!(log.contains("Ready to accept connections"), "{log}");
}

#[test]
fn without_a_redis_nothing_is_started_where_a_real_one_is_asked_for_and_all_ways_to_get_one_are_named() {
    let lab = Lab::new();
    let empty = lab.folder().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut command = lab.command(["run", "race-condition", "--quick"]);
    command
        .env("PATH", &empty)
        .env("REDIS_SERVER", "program")
        .env_remove("REDIS_URL");
    let said = common::finish(command).code(4);
    said.complains(&[
        "there is no Redis",
        "apt-get install redis-server",
        "REDIS_URL=redis://",
        "built in",
    ]);
    assert!(!lab.state().join("runs").exists(), "no run was begun");
}
