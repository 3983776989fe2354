//! Terminal, page and files say the same: every format shows the figures of the one summary.

use scenarios::event::{EventKind, RunEvent};
use scenarios::exit::Exit;
use scenarios::state::RunState;
use scenarios::summary::RunSummary;
use scenarios::unit::Unit;
use scenarios::verdict::Verdict;
use serde_json::Value;

use super::fixture::{comparison, folded, history, material, search};
use super::{Format, render, words};
use crate::display::plain;

/// The formats that people read, each without its marks, and with one blank where it has several.
fn for_people(state: &RunState) -> [(&'static str, String); 3] {
    console::set_colors_enabled(false);
    let plain = plain::report(&RunSummary::of(state), None);
    let markdown = render(Format::Md, &material(state)).unwrap().replace('\\', "");
    let html = render(Format::Html, &material(state)).unwrap();
    [("plain", plain), ("Markdown", markdown), ("HTML", html)].map(|(name, text)| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let marks = [
            ("&quot;", "\""),
            ("&#x27;", "'"),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&amp;", "&"),
        ];
        let text = marks.iter().fold(text, |text, (mark, meant)| text.replace(mark, meant));
        (name, text)
    })
}

/// What must stand in every format for people.
fn said(summary: &RunSummary<'_>) -> Vec<String> {
    let mut all = vec![summary.outcome.word().to_owned(), summary.sentence.clone()];
    for arm in &summary.arms {
        for class in &arm.classes {
            let latencies = class.whole.figures.response;
            all.extend([latencies.p50, latencies.p99, latencies.max].map(words::ms));
            all.extend(class.counts.failed.map(words::count));
        }
        let known = arm.searches.iter().filter_map(|search| search.found.max_rate_per_s);
        all.extend(known.map(|rate| words::per_s(Some(rate))));
        for operations in &arm.operations {
            all.extend([operations.operations, operations.ok].map(|count| words::shown(count, Unit::Count)));
            all.push(words::ms(operations.latency.p50));
        }
    }
    all.extend(summary.checks.iter().map(|check| check.measured.clone()));
    all
}

#[test]
fn terminal_and_page_show_the_same_figures() {
    for events in [comparison(), search(), history()] {
        let state = folded(&events);
        let said = said(&RunSummary::of(&state));
        assert!(said.len() > 3, "{said:?}");
        for (format, text) in for_people(&state) {
            for one in &said {
                assert!(text.contains(one), "{format} lacks {one}: {text}");
            }
        }
    }
}

#[test]
fn expressions_read_what_the_files_hold() {
    for events in [comparison(), search(), history()] {
        let state = folded(&events);
        let summary = RunSummary::of(&state);
        let report: Value = serde_json::from_str(&render(Format::Json, &material(&state)).unwrap()).unwrap();
        for (arm, file) in summary.arms.iter().zip(report["arms"].as_array().unwrap()) {
            let scope = &summary.scope[&arm.plan.name];
            for class in file["classes"].as_array().unwrap() {
                let read = &scope[class["name"].as_str().unwrap()];
                for figure in ["mean", "p50", "p99", "max"] {
                    assert_eq!(read[figure], class["response_ms"][figure], "{figure}");
                    assert_eq!(read["service"][figure], class["service_ms"][figure], "{figure}");
                }
                for count in ["scheduled", "sent", "ok", "rate_per_s"] {
                    assert_eq!(read[count].as_f64(), class[count].as_f64(), "{count}");
                }
            }
            for search in file["searches"].as_array().unwrap() {
                let read = &scope[search["class"].as_str().unwrap()]["max_rate_per_s"];
                assert_eq!(*read, search["max_rate_per_s"]);
            }
            for law in file["histories"].as_array().unwrap() {
                let read = &scope[law["law"].as_str().unwrap()];
                for count in ["violations", "checked", "unknown"] {
                    assert_eq!(read[count].as_f64(), law[count].as_f64(), "{count}");
                }
            }
        }
    }
}

/// The cells of a line of CSV, without their quotes.
fn cells(line: &str) -> Vec<String> {
    let mut quoted = false;
    let mut cells = vec![String::new()];
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("there is a first cell").push(other),
        }
    }
    cells
}

#[test]
fn the_table_of_rounds_adds_up_to_the_summary() {
    let state = folded(&comparison());
    let csv = render(Format::Csv, &material(&state)).unwrap();
    let mut lines = csv.lines().map(|line| cells(line));
    let head = lines.next().unwrap();
    let rows: Vec<Vec<String>> = lines.collect();
    let at = |name: &str| head.iter().position(|column| column == name).unwrap();
    for arm in RunSummary::of(&state).arms {
        for class in &arm.classes {
            let of_class = rows
                .iter()
                .filter(|row| row[at("arm")] == arm.plan.name && row[at("class")] == class.name);
            let ok: u64 = of_class.map(|row| row[at("ok")].parse::<u64>().unwrap()).sum();
            assert_eq!(Some(ok), class.counts.ok, "{}.{}", arm.plan.name, class.name);
        }
    }
}

#[test]
fn a_run_that_was_interrupted_and_failed_ends_alike_everywhere() {
    let mut events: Vec<RunEvent> = comparison()[..3].to_vec();
    events.push(RunEvent {
        seq: 3,
        elapsed_ms: 9,
        kind: EventKind::RunEnded {
            verdict: Verdict::Inconclusive,
            interrupted: true,
            failure: Some("no port is free".to_owned()),
        },
    });
    let state = folded(&events);
    let summary = RunSummary::of(&state);
    assert_eq!(summary.exit, Exit::Interrupted);
    for (format, text) in for_people(&state) {
        assert!(text.contains("INTERRUPTED"), "{format}: {text}");
        let both = "The run was interrupted by hand, and could not go on: no port is free.";
        assert!(text.contains(both), "{format}: {text}");
    }
    let junit = render(Format::Junit, &material(&state)).unwrap();
    assert!(
        junit.contains("errors=\"0\" skipped=\"1\"") && junit.contains("no port is free"),
        "{junit}"
    );
}

/// Answers that name no instance tell nothing of who gave them.
#[test]
fn what_nobody_counted_is_null_and_a_dash_and_never_zero() {
    let mut events = comparison();
    for event in &mut events {
        if let EventKind::Sample(sample) = &mut event.kind {
            sample.classes.iter_mut().for_each(|class| class.by_instance.clear());
        }
    }
    let state = folded(&events);
    let report: Value = serde_json::from_str(&render(Format::Json, &material(&state)).unwrap()).unwrap();
    let instances = report["arms"][0]["instances"].as_array().unwrap();
    assert!(!instances.is_empty() && instances.iter().all(|one| one["requests"].is_null()));
    let html = render(Format::Html, &material(&state)).unwrap();
    let row = html.rsplit("Instances, all rounds").next().unwrap();
    assert!(row.contains("–"), "{row}");
}
