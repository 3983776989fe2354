//! Texts of others: whatever they hold, no terminal obeys it.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::scenario::{Tiny, lesson};
use crate::common::stand_in::{answer, serve};
use crate::common::{Lab, Said, files, finish};
use crate::{command, lab_with_a_run};

/// What nobody may send to a terminal: commands to it, and marks that turn a text round.
fn hidden(text: &str) -> Option<char> {
    let may = |c: &char| !matches!(c, '\n' | '\t');
    text.chars()
        .filter(may)
        .find(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(c))
}

#[test]
fn texts_of_others_command_no_terminal() {
    let lab = lab_with_a_run();
    // A recording that somebody sent: its words are not those of a scenario that was checked.
    let run = files(&lab.state().join("runs")).remove(0);
    let recording = std::fs::read_to_string(run.join("run.jsonl")).unwrap();
    let evil = r"\u001b]0;pwned\u0007\u001b[2J\u001b[31mPASS\u009b2J\u202e\b";
    for (file, name) in [
        ("run.jsonl", "the only arm"),
        ("run.jsonl", "requests were sent"),
        ("run.jsonl", "Is every request answered?"),
    ] {
        assert!(recording.contains(name), "{name} in {file}");
    }
    let recording = recording
        .replace("the only arm", &format!("the arm {evil}"))
        .replace("requests were sent", &format!("sent {evil}"))
        .replace("Is every request answered?", &format!("Is {evil}?"));
    std::fs::write(run.join("run.jsonl"), recording).unwrap();
    let report = std::fs::read_to_string(run.join("report.json")).unwrap();
    std::fs::write(
        run.join("report.json"),
        report.replace("\"tiny\"", &format!("\"tiny {evil}\"")),
    )
    .unwrap();
    for arguments in [
        "replay last --speed 0 --ui plain",
        "replay last --speed 0 --ui plain --color always",
        "replay last --speed 0 --ui json",
        "runs",
        "runs --json",
        "report last --format md",
        "report last --format json",
        "report last --format csv",
        "report last --format junit",
        "report last --format html -o /dev/stdout",
        "compare last last",
        "compare last last --json",
        "picture last",
    ] {
        let said = finish(command(&lab, arguments)).code(0);
        let own_colors = console_colors_removed(&said.stdout);
        assert_eq!(hidden(&own_colors), None, "lab {arguments}: {own_colors:?}");
        assert!(!said.stdout.contains("\u{1b}[31mPASS"), "lab {arguments}");
        assert_eq!(hidden(&said.stderr), None, "lab {arguments}");
    }
    let shown = lab.say("replay last --speed 0 --ui plain").code(0).stdout;
    assert!(shown.contains(r"\u{1b}]0;pwned\u{7}"), "{shown}");
}

/// A text without the marks of colour that the lab itself writes.
fn console_colors_removed(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let mark = &rest[at + 2..];
        let end = mark
            .find(|c: char| !(c.is_ascii_digit() || c == ';'))
            .unwrap_or(mark.len());
        rest = match mark[end..].strip_prefix('m') {
            Some(after) => after,
            None => {
                plain.push('\u{1b}');
                mark
            }
        };
    }
    plain + rest
}

#[test]
fn a_name_or_a_lesson_of_others_commands_no_terminal() {
    let lab = Lab::new();
    let folder = Tiny::default().write(lab.folder());
    let text = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    let evil = text.replace("A scenario of a test", r"evil \u001b[31mRED\u001b]0;pwned\u0007");
    std::fs::write(folder.join("scenario.toml"), evil).unwrap();
    let lesson = lesson().replacen("Words.", "Words &#27;[2J&#7;.", 1);
    std::fs::write(folder.join("lesson.md"), lesson).unwrap();
    for arguments in [
        "explain ./tiny",
        "check ./tiny",
        "run ./tiny --yes --ui plain",
        "explain \u{1b}[2J",
    ] {
        let said = finish(command(&lab, arguments));
        assert_eq!(hidden(&said.stdout), None, "lab {arguments}: {:?}", said.stdout);
        assert_eq!(hidden(&said.stderr), None, "lab {arguments}: {:?}", said.stderr);
    }
}

/// Asserts that a terminal which shows this does as it did before.
#[track_caller]
fn is_harmless(said: &Said, what: &str) {
    for text in [&said.stdout, &said.stderr] {
        assert_eq!(hidden(text), None, "{what}: {text:?}");
    }
}

#[test]
fn a_log_of_others_commands_no_terminal() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let systems = lab.say("ps --json").code(0).json();
    let instances = systems[0]["instances"].as_array().unwrap();
    let users = instances.iter().find(|instance| instance["name"] == "users-1").unwrap();
    let mut log = std::fs::File::options()
        .append(true)
        .open(users["log"].as_str().unwrap())
        .unwrap();
    log.write_all(b"\x1b]0;pwned\x07\x1b[2Jgone\n").unwrap();
    let said = lab.say("logs users-1").code(0);
    is_harmless(&said, "a log");
    assert!(
        said.stdout.contains(r"\u{1b}]0;pwned\u{7}\u{1b}[2Jgone"),
        "{}",
        said.stdout
    );
    lab.say("down").code(0);
}

#[test]
fn metrics_of_others_command_no_terminal() {
    let lab = Lab::new();
    // A name as it was always written, and one in quotes.
    for (metrics, shown) in [
        ("evil\u{1b}[2J_bucket{le=\"+Inf\"} 1\n", "no metrics"),
        (
            "{\"evil\u{1b}[2J_bucket\",le=\"+Inf\"} 1\n",
            r"its histograms are evil\u{1b}[2J",
        ),
    ] {
        let address = serve(move |_| answer("200 OK", "", metrics));
        let said = lab.say(&format!("watch http://{address} --ui plain --for 1"));
        is_harmless(&said, metrics);
        said.code(2).complains(&[shown]);
    }
    for ui in ["plain", "json"] {
        let reads = AtomicU32::new(0);
        let address = serve(move |_| {
            let read = reads.fetch_add(1, Ordering::SeqCst);
            let (name, labels) = ("http_request_duration_seconds", "status=\"\u{1b}[31m500\u{7}\"");
            let body = format!("{name}_bucket{{{labels},le=\"+Inf\"}} {read}\n{name}_count{{{labels}}} {read}\n");
            answer("200 OK", "", &body)
        });
        let said = lab.say(&format!("watch http://{address} --ui {ui} --for 1")).code(0);
        is_harmless(&said, ui);
    }
}
