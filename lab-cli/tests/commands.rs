//! Commands that start nothing: what they say, and how they refuse.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use common::scenario::{self, Tiny};
use common::{Lab, finish, terminal};
use compose::servers::{self, Server};
use serde_json::Value;

/// A file of this workspace.
fn in_workspace(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Names of all scenarios: the folders of the catalogue.
fn catalogue() -> Vec<String> {
    let entries = std::fs::read_dir(in_workspace("scenarios/catalog")).unwrap();
    let names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    names
}

#[test]
fn list_shows_every_scenario_to_people_and_to_programs() {
    let lab = Lab::new();
    let table = lab.say("list").code(0);
    assert_eq!(table.stderr, "");
    let list = lab.say("list --json").code(0).json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), catalogue().len());
    for name in catalogue() {
        assert!(table.stdout.contains(&name), "{}", table.stdout);
        let entry = list
            .iter()
            .find(|entry| entry["name"] == name.as_str())
            .unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(entry["phase"].is_u64() && entry["question"].is_string() && entry["needs"].is_array());
        let minutes = entry["minutes"].as_f64().unwrap();
        assert!(minutes > 0.0 && minutes <= 1.0, "{name}: {minutes} min");
        for length in ["seconds", "quick_seconds"] {
            assert!(entry[length].as_f64().unwrap() > 0.0, "{name}: {entry}");
        }
        assert_eq!(entry["last_verdict"], Value::Null);
    }
    assert_eq!(lab.run::<&str>([]).code(0).stdout, table.stdout);
}

#[test]
fn explain_shows_question_lesson_arms_and_parameters() {
    let lab = Lab::new();
    for name in catalogue() {
        let said = lab.run(["explain", &name]).code(0);
        for text in [
            "The idea",
            "What to watch",
            "Try next",
            "Sources",
            "Arms",
            "--set",
            "Run it: lab run",
        ] {
            assert!(said.stdout.contains(text), "{name}: no {text}:\n{}", said.stdout);
        }
        assert!(!said.stdout.contains("{{"), "a template shows:\n{}", said.stdout);
    }
    let own = Tiny::default().write(lab.folder());
    lab.run(["explain", own.to_str().unwrap()]).code(0);
}

/// The commands that the help lists.
fn commands(lab: &Lab) -> Vec<String> {
    let help = lab.say("--help").code(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("the help lists the commands");
    let lines = commands.lines().take_while(|line| !line.is_empty());
    // What stands further in goes on with the line above.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !["", "help"].contains(name));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 20, "{help}");
    names
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let lab = Lab::new();
    let commands = commands(&lab);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = lab.run(["completions", shell]).code(0).stdout;
        let words: BTreeSet<&str> = script.split(|char: char| !char.is_alphanumeric()).collect();
        for command in &commands {
            assert!(words.contains(command.as_str()), "{shell} knows no {command}: {script}");
        }
    }
    let manual = lab.say("man").code(0).stdout;
    assert!(manual.starts_with("."), "{manual}");
    for command in &commands {
        assert!(
            manual.contains(&format!("lab\\-{command}(1)")),
            "no {command}: {manual}"
        );
    }
}

#[test]
fn every_scenario_of_the_catalogue_is_sound() {
    let lab = Lab::new();
    for name in catalogue() {
        let folder = in_workspace("scenarios/catalog").join(name);
        let said = lab.run(["check".as_ref(), folder.as_os_str()]).code(0);
        assert!(said.stdout.contains("sound"), "{}", said.stdout);
    }
}

#[test]
fn what_is_missing_here_for_a_sound_scenario_is_a_note() {
    let lab = Lab::new();
    let limited = Tiny {
        more: "[[action]]\nat_s = 0.1\ndo = \"disconnect\"\ntarget = \"users-1\"",
        ..Tiny::default()
    };
    let folder = limited.write(lab.folder());
    let check = |more: &[&str]| {
        let words = ["check".as_ref(), folder.as_os_str()];
        let more = more.iter().map(std::ffi::OsStr::new);
        lab.run(words.into_iter().chain(more)).code(0).stdout
    };
    let (here, there) = (check(&[]), check(&["--backend", "docker"]));
    assert!(here.starts_with("tiny: sound"), "{here}");
    let refused = lab.run(["run".as_ref(), folder.as_os_str()]).code(4).stderr;
    let why = here
        .split_once("note: lab run would refuse it here: ")
        .unwrap()
        .1
        .trim();
    assert!(refused.contains(why), "{why}: {refused}");
    assert!(!there.contains("note:"), "{there}");
    lab.run([
        "check".as_ref(),
        folder.as_os_str(),
        "--backend".as_ref(),
        "cloud".as_ref(),
    ])
    .code(2);
}

#[test]
fn a_mistake_in_a_scenario_is_shown_in_its_place_with_a_hint() {
    let sound = Tiny::default().text();
    // What is written wrongly, the line and column that must be named, and what the message and hint must say.
    for (right, wrong, place, about) in [
        (
            "rate_per_s = 60",
            "rate_per_sec = 60",
            "rate_per_sec",
            &["rate_per_sec", "did you mean `rate_per_s`?"][..],
        ),
        (
            "name = \"users\"\n\n",
            "name = \"users\"\nbalancer = \"round_robbin\"\n\n",
            "\"round_robbin\"",
            &["there is no policy `round_robbin`", "did you mean `round_robin`?"],
        ),
        (
            "value = \"one.read.sent\"",
            "value = \"one.read.sent +\"",
            "\"one.read.sent +\"",
            &["not an expression"],
        ),
        (
            "value = \"one.read.sent\"",
            "value = \"one.raed.sent\"",
            "\"one.raed.sent\"",
            &["raed"],
        ),
        (
            "entry = \"users\"",
            "entry = \"user\"",
            "\"user\"",
            &["there is no service `user`", "did you mean `users`?"],
        ),
        (
            "rate_per_s = 60",
            "",
            "\"read\"",
            &["exactly one of rate_per_s, steps, closed and at_s"],
        ),
        ("at_least = 1", "", "\"one.read.sent\"", &["no clear bound", "at_least"]),
        ("name = \"tiny\"", "name = \"tiny", "\"tiny\n", &["scenario.toml:2:"]),
    ] {
        assert!(sound.contains(right), "{right} is not in the scenario");
        let text = sound.replacen(right, wrong, 1);
        let lab = Lab::new();
        let folder = scenario::write(lab.folder(), "tiny", &text, &scenario::lesson());
        let said = lab.run(["check".as_ref(), folder.as_os_str()]).code(2).complains(about);
        let offset = text.find(place).unwrap();
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = offset - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        // The parser may point at a key or at its value; the line is what counts there.
        let start = format!("{}/scenario.toml:{line}:", folder.display());
        assert!(said.stderr.contains(&start), "no {start}{column} in:\n{}", said.stderr);
        // `lab run` refuses it in the same words, before anything is started.
        let run = lab.run(["run".as_ref(), folder.as_os_str()]).code(2);
        assert_eq!(run.stderr, said.stderr);
        assert!(!lab.state().join("runs").exists(), "nothing was begun");
    }
}

#[test]
fn a_lesson_without_a_section_or_with_an_unknown_number_is_refused() {
    let lab = Lab::new();
    let text = Tiny::default().text();
    let lesson = scenario::lesson().replace("## Why\n\nWords.\n", "");
    let folder = scenario::write(lab.folder(), "tiny", &text, &lesson);
    let line = lesson.lines().position(|line| line == "## Try next").unwrap() + 1;
    lab.run(["check".as_ref(), folder.as_os_str()]).code(2).complains(&[
        &format!("lesson.md:{line}:1: "),
        "\"## Why\"",
        "## Sources",
    ]);

    let lesson = scenario::lesson().replace(
        "## What happened\n\nWords.",
        "## What happened\n\n{{ one.read.p98 | ms }}",
    );
    let folder = scenario::write(lab.folder(), "tiny", &text, &lesson);
    let line = lesson.lines().position(|line| line.contains("p98")).unwrap() + 1;
    lab.run(["check".as_ref(), folder.as_os_str()])
        .code(2)
        .complains(&[&format!("lesson.md:{line}:1: "), "What happened"]);
}

#[test]
fn a_folder_without_a_scenario_is_refused() {
    let lab = Lab::new();
    lab.say("check ./nowhere")
        .code(2)
        .complains(&["nowhere/scenario.toml", "hint:"]);
    std::fs::create_dir(lab.folder().join("half")).unwrap();
    std::fs::write(
        lab.folder().join("half/scenario.toml"),
        Tiny {
            name: "half",
            ..Tiny::default()
        }
        .text(),
    )
    .unwrap();
    lab.say("check ./half").code(2).complains(&["half/lesson.md", "hint:"]);
}

#[test]
fn the_schema_of_scenario_files_is_the_committed_one() {
    let said = Lab::new().say("check --schema").code(0);
    let committed = std::fs::read_to_string(in_workspace("scenarios/scenario.schema.json")).unwrap();
    assert!(
        said.stdout == committed,
        "make it anew: LAB_DOCS=write cargo test --bin lab handbook"
    );
    assert!(said.json()["properties"]["arm"].is_object());
}

#[test]
fn doctor_says_what_is_there_and_how_to_get_what_is_not() {
    let lab = Lab::new();
    let findings = lab.say("doctor --json").code(0).json();
    let findings = findings.as_array().unwrap();
    let parts = ["cores", "state folder", "loopback", "Docker", "terminal"];
    for name in parts.into_iter().chain(servers::ALL.map(Server::name)) {
        let finding = findings.iter().find(|finding| finding["name"] == name).unwrap();
        assert!(finding["found"].is_boolean() && finding["required"].is_boolean());
        assert!(!finding["detail"].as_str().unwrap().is_empty());
    }
    let said = lab.say("doctor").code(0);
    assert!(said.stdout.contains("loopback"), "{}", said.stdout);

    // A state folder that cannot be had is the one thing here that no scenario can do without.
    let file = lab.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let mut command = lab.command(["doctor", "--json"]);
    command.env("LAB_STATE", file.join("state"));
    let findings = finish(command).code(4).json();
    let state = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["name"] == "state folder")
        .unwrap();
    assert_eq!(state["found"], false);
    assert!(state["detail"].as_str().unwrap().contains("LAB_STATE"));
}

#[test]
fn wrong_words_are_refused_with_what_was_probably_meant() {
    let lab = Lab::new();
    for (arguments, about) in [
        (
            "run scalling",
            &["there is no scenario `scalling`", "did you mean `scaling`?", "lab list"][..],
        ),
        ("explain cpu-blokcing", &["did you mean `cpu-blocking`?"]),
        ("run zzzzzzzz", &["cpu-blocking", "stateful-counter"]),
        ("run scaling --set instnaces=3", &["instnaces", "lab explain scaling"]),
        ("run cpu-blocking --set burn_ms=1", &["burn_ms", "300"]),
        ("run cpu-blocking --set burn_ms=99999999", &["burn_ms", "20000"]),
        ("run cpu-blocking --set burn_ms=much", &["`much` is not a number"]),
        ("run cpu-blocking --set burn_ms=NaN", &["is not a number"]),
        (
            "run lb-algorithms --set balancer=nginz",
            &["nginz", "one of lab, nginx"],
        ),
        ("run cpu-blocking --set burn_ms", &["KEY=VALUE"]),
        ("run cpu-blocking --rounds 0", &["--rounds"]),
        ("run cpu-blocking --rounds -1", &["--rounds"]),
        ("run cpu-blocking --rounds 101", &["--rounds"]),
        ("run cpu-blocking --seed -1", &["--seed"]),
        ("run --phase 7", &["phase 7 has no scenario"]),
        ("run cpu-blocking --backend cloud", &["cloud", "process"]),
        ("run", &["Usage"]),
        ("run scaling cpu-blocking --out here", &["--out takes one run"]),
        ("rnu scaling", &["run"]),
        ("replay last", &["no recorded run", "lab run"]),
        ("replay last --speed -1", &["--speed"]),
        ("report last", &["no recorded run"]),
        ("report 2026 --format md", &["there is no run `2026`", "lab runs"]),
        ("report last --format pdf", &["pdf", "html"]),
        ("serve user", &["there is no service `user`", "did you mean `users`?"]),
        ("up ful", &["ful", "full, shop, users"]),
        ("up users --scale gatewy=2", &["no service `gatewy`", "users, gateway"]),
        ("up users --scale gateway=0", &["SERVICE=N"]),
        ("up users --scale gateway", &["SERVICE=N"]),
        ("up users --backend cloud", &["cloud", "process"]),
        ("logs users-1", &["no system is up", "lab up"]),
        ("pause users-1", &["no system is up"]),
        ("scale gateway=2", &["no system is up"]),
        ("scale gateway=2 --system x", &["no system `x` is up", "lab ps"]),
    ] {
        let said = lab.say(arguments).code(2).complains(about);
        assert_eq!(said.stdout, "", "{arguments}: talk belongs to stderr");
    }
    assert!(common::files(&lab.state().join("runs")).is_empty(), "nothing was begun");
    assert!(common::files(&lab.state().join("up")).is_empty(), "nothing was started");
}

#[test]
fn a_state_without_runs_is_no_error() {
    let lab = Lab::new();
    assert!(lab.say("runs").code(0).stdout.contains("lab run"));
    assert_eq!(lab.say("runs --json").code(0).json(), serde_json::json!([]));
    assert_eq!(lab.say("ps --json").code(0).json(), serde_json::json!([]));
    assert!(lab.say("ps").code(0).stdout.contains("lab up"));
    lab.say("down").code(0);
    assert!(lab.say("clean").code(0).stdout.contains("Nothing was left behind"));
    lab.say("clean --recordings").code(0);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let lab = Lab::new();
    for arguments in [
        "list",
        "list --json",
        "explain cpu-blocking",
        "man",
        "completions bash",
        "check --schema",
        "runs",
        "runs --json",
        "learner",
        "learner --json",
        "doctor",
        "doctor --json",
        "ps",
        "up --list",
        "--help",
        "help run",
    ] {
        let mut command = lab.command(arguments.split(' '));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // The command must give up its own copy of the writing end, which `Command` holds.
        drop(command);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let lab = Lab::new();
    let escape = '\u{1b}';
    for arguments in ["list", "explain scaling", "doctor", "--color never explain scaling"] {
        let said = lab.say(arguments).code(0);
        assert!(!said.stdout.contains(escape), "{arguments}: {}", said.stdout);
    }
    for arguments in ["run nowhere", "check ./nowhere", "run scaling --rounds 0"] {
        let said = lab.say(arguments).code(2);
        assert!(!said.stderr.contains(escape), "{arguments}: {}", said.stderr);
    }
    assert!(
        lab.say("--color always explain scaling")
            .code(0)
            .stdout
            .contains(escape)
    );

    let Some(coloured) = terminal::say(&lab, 80, &[], "explain scaling") else {
        return;
    };
    assert!(coloured.code(0).stdout.contains(escape), "a terminal gets colour");
    for (environment, arguments) in [
        (&[("NO_COLOR", "1")][..], "explain scaling"),
        (&[("NO_COLOR", "1")], "list"),
        (&[("NO_COLOR", "1")], "doctor"),
        (&[("NO_COLOR", "1")], "run nowhere"),
        (&[("NO_COLOR", "1")], "run --rounds 0"),
        (&[], "--color never explain scaling"),
        (&[], "--color never list"),
        (&[], "--color never run nowhere"),
        (&[("TERM", "dumb")], "explain scaling"),
    ] {
        let said = terminal::say(&lab, 80, environment, arguments).unwrap();
        assert!(
            !said.stdout.contains(escape),
            "{environment:?} {arguments}: {:?}",
            said.stdout
        );
    }
}

#[test]
fn sixty_columns_are_enough() {
    let lab = Lab::new();
    for arguments in ["list", "doctor", "runs", "ps", "--help", "explain NAME"] {
        // Text is wrapped; what a lesson draws or computes in a block of code is left as it is.
        let (arguments, verbatim) = match arguments.strip_suffix("NAME") {
            None => (arguments.to_owned(), String::new()),
            Some(command) => {
                let lesson = in_workspace("scenarios/catalog/scaling/lesson.md");
                (format!("{command}scaling"), std::fs::read_to_string(lesson).unwrap())
            }
        };
        let Some(said) = terminal::say(&lab, 60, &[], &arguments) else {
            return;
        };
        let wide: Vec<_> = terminal::widths(&said.stdout)
            .into_iter()
            .filter(|(width, line)| *width > 60 && !verbatim.contains(line.trim()))
            .collect();
        assert!(wide.is_empty(), "lab {arguments}: {wide:#?}");
    }
}
