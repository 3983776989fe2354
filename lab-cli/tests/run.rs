//! Whole runs of small scenarios: events, recording, reports, verdicts and exit codes.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::scenario::{TWO_GATEWAYS, Tiny};
use common::{Lab, Said, files, finish, json_file};
use serde_json::Value;

/// A run of a scenario, recorded into the folder `out` of the test.
struct Recorded {
    lab: Lab,
    said: Said,
    out: PathBuf,
}

#[track_caller]
fn record(tiny: &Tiny, options: &str) -> Recorded {
    let lab = Lab::new();
    let scenario = tiny.write(lab.folder());
    let out = lab.folder().join("out");
    let mut command = lab.command(["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), out.as_os_str()]);
    command.args(options.split_ascii_whitespace());
    let said = finish(command);
    Recorded { lab, said, out }
}

/// The events in a text of lines; a line that is none is a defect.
#[track_caller]
fn events(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Requests that the schedule asked for, by slice of time.
fn schedule(events: &[Value]) -> BTreeMap<u64, u64> {
    let mut slices = BTreeMap::new();
    for event in events.iter().filter(|event| event["kind"]["type"] == "sample") {
        for slice in event["kind"]["classes"][0]["slices"].as_array().into_iter().flatten() {
            let scheduled = slice["scheduled"].as_u64().unwrap_or_default();
            *slices.entry(slice["index"].as_u64().unwrap()).or_default() += scheduled;
        }
    }
    slices.retain(|_, scheduled| *scheduled > 0);
    slices
}

const PROBED: Tiny = Tiny {
    name: "probed",
    duration_s: 0.6,
    system: common::scenario::ONE_USERS,
    load: "rate_per_s = 80",
    path: "/users",
    more: r#"
[[probe]]
name = "first"
path = "/users/1"
field = "id"

[[check]]
name = "nothing fails"
value = "one.read.failed"
equals = 0

[[check]]
name = "the probe has its answer"
value = "one.first.max"
equals = 1
"#,
};

#[test]
fn events_are_numbered_json_lines_and_the_recording_is_the_same() {
    let run = record(&PROBED, "--ui json --seed 7");
    let stdout = run.said.code(0).stdout;
    let events = events(&stdout);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], index, "{event}");
        assert!(
            event["elapsed_ms"].is_u64() && event["kind"]["type"].is_string(),
            "{event}"
        );
    }
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["kind"]["type"].as_str().unwrap())
        .collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("run_started", "run_ended"));
    for kind in [
        "turn_started",
        "system_ready",
        "sample",
        "stats",
        "fact",
        "turn_ended",
        "check",
    ] {
        assert!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    assert_eq!(events[0]["kind"]["plan"]["seed"], 7);
    let times: Vec<u64> = events
        .iter()
        .map(|event| event["elapsed_ms"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted());

    assert_eq!(std::fs::read_to_string(run.out.join("run.jsonl")).unwrap(), stdout);
    let out = run.out.to_str().unwrap();
    let replayed = run.lab.run(["replay", out, "--ui", "json", "--speed", "0"]).code(0);
    assert_eq!(replayed.stdout, stdout);
    assert_eq!(
        run.lab
            .run(["replay", out, "--ui", "json", "--speed", "20"])
            .code(0)
            .stdout,
        stdout
    );
}

#[test]
fn the_same_seed_gives_the_same_schedule() {
    let of_seed = |seed: u32| {
        schedule(&events(
            &record(&PROBED, &format!("--ui json --seed {seed}")).said.code(0).stdout,
        ))
    };
    let first = of_seed(7);
    assert_eq!(first, of_seed(7));
    assert_ne!(first, of_seed(8));
    let total: u64 = first.values().sum();
    assert!((20..90).contains(&total), "about 48 were asked for: {first:?}");
}

#[test]
fn a_recorded_run_is_a_folder_with_everything_in_it() {
    let run = record(&PROBED, "--ui json --seed 7");
    run.said.code(0);
    for file in [
        "run.jsonl",
        "report.json",
        "report.html",
        "report.md",
        "hist/one.read.hgrm",
        "logs/users-1.log",
        "scenario/probed/scenario.toml",
        "scenario/probed/lesson.md",
    ] {
        let path = run.out.join(file);
        assert!(
            path.metadata().is_ok_and(|file| file.len() > 0),
            "no {file}: {:?}",
            files(&run.out)
        );
    }
    let kept = std::fs::read_to_string(run.out.join("scenario/probed/scenario.toml")).unwrap();
    assert_eq!(kept, PROBED.text());
    let log = std::fs::read_to_string(run.out.join("logs/users-1.log")).unwrap();
    assert!(events(&log).iter().any(|line| line["message"] == "listening"), "{log}");
    assert!(files(&run.lab.state().join("systems")).is_empty(), "its system is down");
    assert!(
        !files(&run.out.join("turns")).iter().any(|turn| turn.exists()),
        "no data of the services stays"
    );
}

#[test]
fn the_report_has_every_field_that_is_promised() {
    let run = record(&PROBED, "--ui json --seed 7 --rounds 2");
    run.said.code(0);
    let report = json_file(&run.out.join("report.json"));
    assert_eq!((&report["schema"], &report["seed"]), (&1.into(), &7.into()));
    assert_eq!(
        (&report["scenario"], &report["verdict"]),
        (&"probed".into(), &"pass".into())
    );
    assert_eq!(report["backend"], "process");
    assert!(report["run"].is_string() && report["elapsed_s"].as_f64().unwrap() > 0.0);
    assert!(report["started"].as_str().unwrap().ends_with('Z'));
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(report["machine"]["os"].is_string() && report["machine"]["lab"].is_string());

    let arm = &report["arms"][0];
    assert_eq!((&arm["name"], &arm["label"]), (&"one".into(), &"the only arm".into()));
    let class = &arm["classes"][0];
    assert_eq!(class["name"], "read");
    assert!(class["scheduled"].as_u64().unwrap() > 20);
    assert_eq!(
        (&class["sent"], &class["ok"]),
        (&class["scheduled"], &class["scheduled"])
    );
    assert_eq!(
        class["errors"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_u64)
            .sum::<u64>(),
        0
    );
    assert!(class["rate_per_s"].as_f64().unwrap() > 20.0);
    for latency in ["response_ms", "service_ms", "send_lateness_ms"] {
        let figures: Vec<f64> = ["p50", "p90", "p99", "p99_9", "max"]
            .iter()
            .map(|name| {
                class[latency][name]
                    .as_f64()
                    .unwrap_or_else(|| panic!("no {latency}.{name}: {class:#}"))
            })
            .collect();
        assert!(figures.is_sorted() && class[latency]["mean"].is_f64(), "{class:#}");
    }
    assert_eq!(arm["instances"][0]["name"], "users-1");
    assert_eq!(arm["instances"][0]["requests"], class["ok"]);
    assert_eq!(arm["facts"]["first"], 1.0);
    let checks = report["checks"].as_array().unwrap();
    for name in ["requests were sent", "nothing fails", "the probe has its answer"] {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["verdict"], "pass");
        assert!(check["expected"].is_string() && check["measured"].is_string());
    }
}

#[test]
fn a_report_made_again_from_the_recording_is_the_same() {
    let run = record(&PROBED, "--ui json --seed 7");
    run.said.code(0);
    let out = run.out.to_str().unwrap();
    for (format, written) in [("json", "report.json"), ("md", "report.md"), ("html", "report.html")] {
        let again = run.lab.folder().join("again");
        let written = std::fs::read_to_string(run.out.join(written)).unwrap();
        run.lab
            .run(["report", out, "--format", format, "-o", again.to_str().unwrap()])
            .code(0);
        assert!(std::fs::read_to_string(&again).unwrap() == written, "{format} differs");
        if format != "html" {
            assert!(
                run.lab.run(["report", out, "--format", format]).code(0).stdout == written,
                "{format} differs"
            );
        }
    }
    let csv = run.lab.run(["report", out, "--format", "csv"]).code(0).stdout;
    assert!(csv.lines().count() >= 2 && csv.contains("read"), "{csv}");
    let hgrm = run.lab.run(["report", out, "--format", "hgrm"]).code(0).stdout;
    assert!(hgrm.contains("Percentile") && hgrm.contains("read"), "{hgrm}");
    let junit = run.lab.run(["report", out, "--format", "junit"]).code(0).stdout;
    assert!(junit.starts_with("<?xml") && junit.contains("nothing fails"), "{junit}");
    let html = std::fs::read_to_string(run.out.join("report.html")).unwrap();
    for elsewhere in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!html.contains(elsewhere), "the page must need no network: {elsewhere}");
    }
}

#[test]
fn plain_output_is_the_report_on_stdout_and_progress_on_stderr() {
    let run = record(&PROBED, "--ui plain --seed 7");
    let said = run.said.code(0);
    for text in ["nothing fails", "What happened", "report.html"] {
        assert!(said.stdout.contains(text), "no {text} in:\n{}", said.stdout);
    }
    assert!(
        said.stderr.contains("seed 7") && said.stderr.contains("1/1"),
        "{}",
        said.stderr
    );
    for line in said.stderr.lines() {
        assert!(!said.stdout.contains(line.trim()), "{line:?} is on both");
    }
    assert!(!said.stdout.contains('\u{1b}') && !said.stderr.contains('\u{1b}'));
    // Not on a terminal, plain is what auto means, and a replay says the same.
    let out = run.out.to_str().unwrap();
    let replayed = run.lab.run(["replay", out, "--speed", "0"]).code(0);
    assert!(said.stdout.starts_with(&replayed.stdout), "{}", replayed.stdout);
}

#[test]
fn runs_are_found_again_in_the_state_folder() {
    let lab = Lab::new();
    let scenario = PROBED.write(lab.folder());
    for _ in 0..2 {
        lab.run(["run".as_ref(), scenario.as_os_str(), "--ui".as_ref(), "json".as_ref()])
            .code(0);
    }
    let runs = lab.say("runs --json").code(0).json();
    let ids: Vec<&str> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        (&runs[0]["scenario"], &runs[0]["verdict"]),
        (&"probed".into(), &"pass".into())
    );
    assert!(lab.say("runs").code(0).stdout.contains(ids[1]));
    let last = lab.say("report last --format json").code(0).json();
    assert_eq!(last["run"], ids[0], "the newest comes first");
    let by_id = lab.run(["report", ids[1], "--format", "json"]).code(0).json();
    assert_eq!(by_id["run"], ids[1]);
    lab.run(["report", &ids[1][..4], "--format", "json"])
        .code(2)
        .complains(&["fits 2 runs", ids[0], ids[1]]);
    assert_eq!(
        lab.say("clean --recordings").code(0).stdout.lines().last(),
        Some("Removed 2 recorded runs.")
    );
    assert_eq!(lab.say("runs --json").code(0).json(), serde_json::json!([]));
}

/// A scenario with one more check.
fn with_check(more: &'static str) -> Tiny {
    Tiny {
        duration_s: 0.3,
        more,
        ..Tiny::default()
    }
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check {name}: {checks:#?}"))
}

#[test]
fn the_exit_code_is_the_verdict() {
    const FAILS: &str = "[[check]]\nname = \"x\"\nvalue = \"one.read.failed\"\nequals = 5";
    const DOES_NOT_BREAK: &str =
        "[[check]]\nname = \"x\"\nvalue = \"one.read.failed\"\nat_least = 5\nrole = \"breaks\"";
    const NOT_MEASURED: &str = "[[check]]\nname = \"x\"\nvalue = \"one.read.late.p99\"\nat_most = 5\n[[window]]\nname = \"late\"\nfrom_s = 0.299\nto_s = 0.2991";
    for (more, code, verdict) in [
        (FAILS, 1, "fail"),
        (DOES_NOT_BREAK, 3, "inconclusive"),
        (NOT_MEASURED, 3, "inconclusive"),
    ] {
        let run = record(&with_check(more), "--ui json --seed 1");
        let stdout = run.said.code(code).stdout;
        let report = json_file(&run.out.join("report.json"));
        assert_eq!(
            (&report["verdict"], &check(&report, "x")["verdict"]),
            (&verdict.into(), &verdict.into())
        );
        assert_ne!(check(&report, "x")["why"], "");
        assert_eq!(events(&stdout).last().unwrap()["kind"]["verdict"], verdict);
        let out = run.out.to_str().unwrap();
        assert_eq!(
            run.lab
                .run(["replay", out, "--ui", "json", "--speed", "0"])
                .code(code)
                .stdout,
            stdout
        );
    }
}

#[test]
fn the_worst_of_several_runs_decides() {
    let lab = Lab::new();
    let fails = Tiny {
        name: "fails",
        ..with_check("[[check]]\nname = \"x\"\nvalue = \"one.read.failed\"\nequals = 5")
    };
    let unsure = Tiny {
        name: "unsure",
        ..with_check("[[check]]\nname = \"x\"\nvalue = \"one.read.failed\"\nat_least = 5\nrole = \"breaks\"")
    };
    fails.write(lab.folder());
    unsure.write(lab.folder());
    lab.say("run ./fails ./unsure --ui json").code(1);
    assert_eq!(
        lab.say("runs --json").code(0).json().as_array().unwrap().len(),
        2,
        "both were run"
    );
}

#[test]
fn a_fault_that_did_not_fire_makes_the_run_inconclusive() {
    let nobody = with_check("[[action]]\nat_s = 0.1\ndo = \"pause\"\ntarget = \"users-9\"");
    let run = record(&nobody, "--ui json");
    // Refused before it starts, or not a pass: either is honest, a pass is not.
    if run.said.code == Some(2) {
        run.said.complains(&["users-9"]);
        return;
    }
    run.said.code(3);
    let report = json_file(&run.out.join("report.json"));
    let actions = check(&report, "every planned action was done");
    assert_eq!(actions["verdict"], "inconclusive");
    assert!(actions["why"].as_str().unwrap().contains("users-9"), "{actions}");
}

#[test]
fn a_planned_death_is_no_crash() {
    let run = record(
        &Tiny {
            name: "killed",
            system: TWO_GATEWAYS,
            path: "/api/non-blocking",
            more: "[[action]]\nat_s = 0.1\ndo = \"kill\"\ntarget = \"gateway-1\"",
            ..Tiny::default()
        },
        "--ui json",
    );
    run.said.code(0);
    let report = json_file(&run.out.join("report.json"));
    assert_eq!(check(&report, "every planned action was done")["verdict"], "pass");
    let crashes = report["arms"][0]["rounds"][0]["crashes"].as_array().unwrap();
    assert!(crashes.is_empty(), "a planned death is no crash: {crashes:?}");
}

#[test]
fn a_recording_never_goes_over_another() {
    let lab = Lab::new();
    let scenario = PROBED.write(lab.folder());
    let out = lab.folder().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("mine"), "precious").unwrap();
    lab.run(["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .code(2)
        .complains(&["is not empty", "hint:"]);
    assert_eq!(files(&out), [out.join("mine")]);
    let file = lab.folder().join("file");
    std::fs::write(&file, "").unwrap();
    lab.run(["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), file.as_os_str()])
        .code(4);
}

#[test]
fn a_system_that_cannot_start_is_an_error_of_the_environment_and_is_recorded() {
    // Only the program itself can tell whether this is a network.
    let broken = Tiny {
        system: "entry = \"gateway\"\n[[system.service]]\nname = \"gateway\"\nenv = { TRUSTED_PROXIES = \"nowhere\" }",
        ..Tiny::default()
    };
    let run = record(&broken, "--ui json");
    let said = run.said.code(4).complains(&["TRUSTED_PROXIES"]);
    let events = events(&said.stdout);
    assert_eq!(events.last().unwrap()["kind"]["type"], "run_ended");
    let report = json_file(&run.out.join("report.json"));
    assert_eq!(report["verdict"], "inconclusive");
    assert!(
        report["failure"].as_str().unwrap().contains("TRUSTED_PROXIES"),
        "{report:#}"
    );
    assert!(files(&run.lab.state().join("systems")).is_empty());
}

#[test]
fn labs_run_side_by_side() {
    let (shared, other) = (Lab::new(), Lab::new());
    for lab in [&shared, &other] {
        PROBED.write(lab.folder());
    }
    std::thread::scope(|scope| {
        let runs = [&shared, &shared, &other].map(|lab| scope.spawn(move || lab.say("run ./probed --ui json")));
        for run in runs {
            run.join().unwrap().code(0);
        }
    });
    assert_eq!(shared.say("runs --json").code(0).json().as_array().unwrap().len(), 2);
    assert_eq!(other.say("runs --json").code(0).json().as_array().unwrap().len(), 1);
    assert!(shared.records().is_empty() && other.records().is_empty());
}

#[test]
fn a_display_that_goes_away_does_not_end_the_run() {
    let lab = Lab::new();
    let scenario = PROBED.write(lab.folder());
    let out = lab.folder().join("out");
    let arguments: [&std::ffi::OsStr; 6] = [
        "run".as_ref(),
        scenario.as_os_str(),
        "--ui".as_ref(),
        "json".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let mut command = lab.command(arguments);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer).stderr(std::process::Stdio::null());
    let status = command.status().unwrap();
    drop(command);
    assert_eq!(status.code(), Some(0));
    let recorded = std::fs::read_to_string(out.join("run.jsonl")).unwrap();
    assert_eq!(events(&recorded).last().unwrap()["kind"]["verdict"], "pass");
    assert_eq!(json_file(&out.join("report.json"))["complete"], true);
    assert_eq!(files(&lab.state().join("systems")), Vec::<PathBuf>::new());
}

#[test]
fn a_recording_that_was_cut_off_still_gives_a_report() {
    let run = record(&PROBED, "--ui json --seed 7");
    run.said.code(0);
    let recorded = run.out.join("run.jsonl");
    let text = std::fs::read_to_string(&recorded).unwrap();
    let half = run.lab.folder().join("half");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("run.jsonl"), &text[..text.len() * 3 / 4]).unwrap();
    let report = run
        .lab
        .run([
            "report".as_ref(),
            half.as_os_str(),
            "--format".as_ref(),
            "json".as_ref(),
        ])
        .code(0)
        .json();
    assert_eq!(
        (&report["verdict"], &report["complete"]),
        (&"inconclusive".into(), &false.into())
    );
    run.lab
        .run(["replay".as_ref(), half.as_os_str(), "--speed".as_ref(), "0".as_ref()])
        .code(3);

    // Something else in the middle is not passed over.
    std::fs::write(half.join("run.jsonl"), text.replacen("\"seq\":3,", "\"seq\":x,", 1)).unwrap();
    let said = run.lab.run(["report".as_ref(), half.as_os_str()]).code(2);
    assert!(said.stderr.contains("run.jsonl:4:"), "{}", said.stderr);
    no_recording(&run.lab, Path::new("."));
}

#[track_caller]
fn no_recording(lab: &Lab, folder: &Path) {
    lab.run(["replay".as_ref(), folder.as_os_str()])
        .code(2)
        .complains(&["hint:"]);
}

#[test]
fn a_long_recording_is_replayed_whole() {
    let lab = Lab::new();
    let recording = lab.folder().join("recording");
    std::fs::create_dir(&recording).unwrap();
    let line =
        |seq: u32| format!("{{\"seq\":{seq},\"elapsed_ms\":{seq},\"kind\":{{\"type\":\"warning\",\"text\":\"w\"}}}}\n");
    let text: String = (0..40_000).map(line).collect();
    std::fs::write(recording.join("run.jsonl"), &text).unwrap();
    // Far more events than a queue holds, and each costs the display more than the reading.
    let replayed = lab.say("replay recording --ui json --speed 0").code(3).stdout;
    assert_eq!(replayed.lines().count(), 40_000);
    assert!(replayed == text);
}

/// Clients and nothing else, in an arm that is called like a formula.
const BUYING: &str = r#"schema = 1
name = "buying"
phase = 8
title = "Clients alone"
question = "Do clients alone have rows?"
[run]
rounds = 1
quick_rounds = 1
[system]
entry = "inventory"
[[system.service]]
name = "inventory"
[[arm]]
name = "one"
label = "=1+2, \"quoted\""
[[clients]]
class = "buy"
actor = "buyer"
count = 4
waves = 2
key = "item {wave}"
prepare = { method = "PUT", path = "/products/{wave}00", json = '{"name": "Item", "price_cents": 100, "stock": 3}' }
request = { path = "/products/{wave}00/reservations", json = '{"quantity": 1}' }
at_rest = { path = "/products/{wave}00", field = "stock" }
[[check]]
name = "every piece is sold"
value = "one.buy.ok"
equals = 6
"#;

#[test]
fn a_table_has_rows_of_clients_and_no_cell_that_a_spreadsheet_would_compute() {
    let lab = Lab::new();
    let scenario = common::scenario::write(lab.folder(), "buying", BUYING, &common::scenario::lesson());
    let out = lab.folder().join("out");
    lab.run(["run".as_ref(), scenario.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .code(0);
    let csv = lab
        .run(["report", out.to_str().unwrap(), "--format", "csv"])
        .code(0)
        .stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 2, "a header and one class: {csv}");
    let (label, counts) = (r#","'=1+2, ""quoted""","#, ",buy,1,true,,,8,6,2,");
    assert!(lines[1].contains(label) && lines[1].contains(counts), "{csv}");
}
