//! Terminal, screen, page and files say the same of one recording: the figures, the outcome and the exit code of the one
//! summary.

mod seen;

use scenarios::event::{EventKind, RunEvent};
use scenarios::summary::{ArmSummary, RunSummary};
use scenarios::unit::Unit;
use scenarios::verdict::Verdict;

use super::fixture::{comparison, folded, history, material, search};
use super::{hgrm, junit, render, words};
use seen::{exit_of_json, exit_of_junit, for_people, json, on_page, table, unmarked};

/// What must stand in one row of each format for people: (label of the arm, cells).
fn rows(arm: &ArmSummary<'_>) -> Vec<(String, Vec<String>)> {
    let label = &arm.plan.label;
    let mut rows = Vec::new();
    for class in arm.classes.iter().filter(|class| class.counts.sent.is_some()) {
        let latencies = class.whole.figures.response;
        rows.push((
            label.clone(),
            [latencies.p50, latencies.p99, latencies.max].map(words::ms).into(),
        ));
    }
    for search in &arm.searches {
        rows.push((label.clone(), vec![words::highest_rate(&search.found)]));
    }
    for operations in &arm.operations {
        let counts = [
            operations.operations,
            operations.ok,
            operations.failed,
            operations.unknown,
        ];
        let mut cells: Vec<String> = counts.map(|count| words::shown(count, Unit::Count)).into();
        cells.extend([operations.latency.p50, operations.latency.max].map(words::ms));
        rows.push((label.clone(), cells));
    }
    rows
}

#[test]
fn who_reads_sees_the_same_figures_everywhere() {
    for (events, at_least) in [(comparison(), 8), (search(), 2), (history(), 2)] {
        let state = folded(&events);
        let summary = RunSummary::of(&state);
        let rows: Vec<_> = summary.arms.iter().flat_map(rows).collect();
        assert!(rows.len() >= at_least, "{rows:?}");
        for seen in for_people(&events) {
            for (label, cells) in &rows {
                match seen.format {
                    "the screen" => cells.iter().for_each(|cell| seen.says(cell)),
                    _ => seen.has_row(label, cells),
                }
            }
            for check in summary.checks {
                seen.says(&check.name);
                seen.says(&check.expected);
                seen.says(&check.measured);
            }
        }
    }
}

#[test]
fn expressions_read_what_the_files_hold() {
    for events in [comparison(), search(), history()] {
        let state = folded(&events);
        let summary = RunSummary::of(&state);
        let report = json(&state);
        for (arm, file) in summary.arms.iter().zip(report["arms"].as_array().unwrap()) {
            let scope = &summary.scope[&arm.plan.name];
            for class in file["classes"].as_array().unwrap() {
                let read = &scope[class["name"].as_str().unwrap()];
                for figure in ["mean", "p50", "p99", "max"] {
                    assert_eq!(read[figure], class["response_ms"][figure], "{figure}");
                    assert_eq!(read["service"][figure], class["service_ms"][figure], "{figure}");
                }
                for (figure, part) in [("failed_p50", "p50"), ("failed_p99", "p99")] {
                    assert_eq!(read[figure], class["failed_ms"][part], "{figure}");
                }
                if let Some(recovered) = read.get("recovered_s") {
                    assert_eq!(*recovered, class["recovered_s"]);
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
                let most = read.get("most").and_then(serde_json::Value::as_f64);
                assert_eq!(most, law["most"].as_f64());
            }
        }
    }
}

#[test]
fn the_table_of_rounds_comes_to_the_summary() {
    for events in [comparison(), search(), history()] {
        let state = folded(&events);
        let table = table(&state);
        for arm in RunSummary::of(&state).arms {
            let column = |class: &str, name: &str| -> Vec<f64> {
                let of_class = table
                    .iter()
                    .filter(|row| row["arm"] == arm.plan.name && row["class"] == class);
                of_class.filter_map(|row| row[name].parse().ok()).collect()
            };
            for class in &arm.classes {
                for (name, count) in [("ok", class.counts.ok), ("failed", class.counts.failed)] {
                    let sum: f64 = column(&class.name, name).iter().sum();
                    assert_eq!(Some(sum as u64), count, "{}.{}.{name}", arm.plan.name, class.name);
                }
                let largest = column(&class.name, "response_max_ms").into_iter().reduce(f64::max);
                assert_eq!(
                    largest, class.whole.figures.response.max,
                    "{}.{}",
                    arm.plan.name, class.name
                );
            }
            for search in &arm.searches {
                let rates = column(&search.plan.class, "search_max_rate_per_s");
                let logarithms: f64 = rates.iter().map(|rate| rate.ln()).sum();
                let mean = (logarithms / rates.len() as f64).exp();
                assert!((mean - search.found.max_rate_per_s.unwrap()).abs() < 0.01, "{mean}");
            }
            for operations in &arm.operations {
                for (name, count) in [("sent", operations.operations), ("ok", operations.ok)] {
                    assert_eq!(Some(column(&operations.class, name).iter().sum()), count, "{name}");
                }
            }
        }
    }
}

#[test]
fn the_tables_of_percentiles_end_at_the_summary() {
    let state = folded(&comparison());
    let text = render(&hgrm::FORMAT, &material(&state)).unwrap();
    for arm in RunSummary::of(&state).arms {
        for class in arm
            .classes
            .iter()
            .filter(|class| class.whole.figures.response.max.is_some())
        {
            let place = format!("#[{}.{}]", arm.plan.name, class.name);
            let of_class = text.split(&place).nth(1).unwrap();
            let end = of_class.lines().find(|line| line.starts_with("#[Max")).unwrap();
            let number = |name: &str| {
                let found = end.split(name).nth(1).unwrap().trim_start_matches([' ', '=']);
                found.split([',', ']']).next().unwrap().trim().parse::<f64>().unwrap()
            };
            assert_eq!(Some(number("Total count") as u64), class.counts.ok, "{place}");
            let max = class.whole.figures.response.max.unwrap();
            assert!((number("Max") - max).abs() < 0.001, "{place}: {end} and {max}");
        }
    }
}

/// A recording that ends so; none for one that has no end. Its checks are those that lead to the verdict.
fn ending(verdict: Verdict, end: Option<(bool, Option<&str>)>) -> Vec<RunEvent> {
    let mut events: Vec<RunEvent> = comparison();
    events.pop();
    events.retain(|event| !matches!(&event.kind, EventKind::Check(check) if check.verdict > verdict));
    events.extend(end.map(|(interrupted, failure)| RunEvent {
        seq: 0,
        elapsed_ms: 90_000,
        kind: EventKind::RunEnded {
            verdict,
            interrupted,
            failure: failure.map(str::to_owned),
            fault: None,
        },
    }));
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    events
}

#[test]
fn a_run_ends_alike_everywhere() {
    use Verdict::{Fail, Inconclusive, Pass};
    for (verdict, end, word, exit) in [
        (Pass, Some((false, None)), "PASS", 0),
        (Fail, Some((false, None)), "FAIL", 1),
        (Inconclusive, Some((false, None)), "INCONCLUSIVE", 3),
        (Inconclusive, None, "UNFINISHED", 3),
        (Inconclusive, Some((false, Some("no port is free"))), "STOPPED", 4),
        (Inconclusive, Some((true, None)), "INTERRUPTED", 130),
        (Inconclusive, Some((true, Some("no port is free"))), "INTERRUPTED", 130),
    ] {
        let events = ending(verdict, end);
        let state = folded(&events);
        let summary = RunSummary::of(&state);
        assert_eq!((summary.outcome.word(), summary.outcome.exit().number()), (word, exit));
        for seen in for_people(&events) {
            seen.says(word);
            seen.says(&summary.sentence);
            for other in ["PASS", "FAIL", "INCONCLUSIVE", "UNFINISHED", "STOPPED", "INTERRUPTED"] {
                let format = seen.format;
                let words = seen.text.split(|character: char| !character.is_alphabetic());
                assert!(
                    other == word || words.clone().all(|said| said != other),
                    "{format} says {other}, too"
                );
            }
        }
        assert_eq!(exit_of_json(&json(&state)), exit, "{word}");
        let junit = render(&junit::FORMAT, &material(&state)).unwrap();
        assert_eq!(exit_of_junit(&junit), exit, "{word}: {junit}");
        if !summary.outcome.is_decided() {
            assert!(unmarked(&junit).contains(&summary.sentence), "{junit}");
        }
    }
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
    let report = json(&state);
    let instances = report["arms"][0]["instances"].as_array().unwrap();
    assert!(!instances.is_empty() && instances.iter().all(|one| one["requests"].is_null()));
    on_page(&state).has_row("1 instance", &["gateway-1".to_owned(), words::NOTHING.to_owned()]);
}
