//! Files that somebody else wrote: what is wrong with one is said with its place, at once, and nothing starts.

mod common;

use std::time::{Duration, Instant};

use common::scenario::{ONE_USERS, Tiny, lesson, write};
use common::{Lab, Said};

/// Far beyond what a check takes, far below what it takes to count to 10^10.
const AT_ONCE: Duration = Duration::from_secs(60);

/// What `lab check` and `lab run` say of a scenario; both refuse it before anything starts.
#[track_caller]
fn refused(scenario: &str, lesson: &str, about: &[&str]) {
    let lab = Lab::new();
    let folder = write(lab.folder(), "tiny", scenario, lesson);
    for command in ["check", "run"] {
        let began = Instant::now();
        let said = lab.run([command.as_ref(), folder.as_os_str()]).code(2).complains(about);
        assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
        no_control_characters(&said);
    }
    assert!(!lab.state().join("runs").exists(), "nothing was run");
}

#[track_caller]
fn no_control_characters(said: &Said) {
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_refused_by_the_check() {
    for (path, about) in [
        ("http://127.0.0.1:1/x", "start it with one /"),
        ("/users/ 1", "percent-encode"),
        ("/users/1\\r\\nX: y", "a line break"),
    ] {
        refused(
            &Tiny {
                path,
                ..Tiny::default()
            }
            .text(),
            &lesson(),
            &["scenario.toml:25:", about],
        );
    }
}

#[test]
fn what_would_never_end_is_refused_by_the_check() {
    let loops = (0..10).fold("true".to_owned(), |inner, level| {
        format!("[1,2,3,4,5,6,7,8].all(v{level}, {inner})")
    });
    for value in [format!("{loops} ? 1.0 : 0.0"), "mmc_mean_ms(1.0, 1.0, 1e9)".to_owned()] {
        let more = format!("[[check]]\nname = \"c\"\nvalue = \"{value}\"\nat_least = 1");
        let text = Tiny::default().text() + &more;
        refused(&text, &lesson(), &["scenario.toml:36:9", "at most"]);
    }
    for (key, place) in [
        ("\nrounds", "scenario.toml:8:10"),
        ("\nquick_rounds", "scenario.toml:9:16"),
    ] {
        let rounds = Tiny::default()
            .text()
            .replacen(&format!("{key} = 1\n"), &format!("{key} = 4294967295\n"), 1);
        refused(&rounds, &lesson(), &[place, "from 1 to 1000"]);
    }
    let bomb = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
    let template = lesson().replacen("## What happened\n\nWords.", &format!("## What happened\n\n{bomb}"), 1);
    refused(
        &Tiny::default().text(),
        &template,
        &["lesson.md:15:1", "does or writes too much"],
    );
}

#[test]
fn a_variable_for_the_loader_or_the_wiring_is_refused_by_the_check() {
    for variable in ["LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "PGDATA", "HOME"] {
        let env = format!("env = {{ {variable} = \"/tmp/x.so\" }}");
        let told = format!("may not set `{variable}`");
        let system = format!("{ONE_USERS}\n{env}").leak();
        let of_system = Tiny {
            system,
            ..Tiny::default()
        };
        refused(&of_system.text(), &lesson(), &["scenario.toml:", &told]);
        let more = format!("[[arm.service]]\nname = \"users\"\n{env}\n").leak();
        let of_arm = Tiny {
            more,
            ..Tiny::default()
        };
        refused(&of_arm.text(), &lesson(), &["scenario.toml:", &told]);
    }
}

#[test]
fn hidden_characters_are_refused_and_never_shown() {
    let text = Tiny::default().text();
    let title = text.replace("A scenario of a test", "evil \\u001b[31mRED\\u001b]0;pwned\\u0007");
    refused(&title, &lesson(), &["scenario.toml:4:9", "U+001B"]);
    let label = text.replace("the only arm", "l\\u001b[5mblink\\u0008\\u0008");
    refused(&label, &lesson(), &["scenario.toml:", "U+001B"]);
    refused(
        &text,
        &lesson().replacen("Words.", "a\u{9b}2J", 1),
        &["lesson.md:3:2", "U+009B"],
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_fault() {
    let lab = Lab::new();
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let folder = write(
        lab.folder(),
        "tiny",
        &windows(&Tiny::default().text()),
        &windows(&lesson()),
    );
    lab.run(["check".as_ref(), folder.as_os_str()]).code(0);
}

#[test]
fn what_is_no_text_file_is_said_in_a_clear_word() {
    let lab = Lab::new();
    let folder = Tiny::default().write(lab.folder());
    let file = folder.join("scenario.toml");
    let check = || lab.run(["check".as_ref(), folder.as_os_str()]).code(2);
    let utf16: Vec<u8> = "\u{feff}schema = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, utf16).unwrap();
    check().complains(&["scenario.toml:1: this is UTF-16; save the file as UTF-8"]);
    std::fs::write(&file, b"schema = 1\ntitle = \"L\xfcbeck\"").unwrap();
    check().complains(&["scenario.toml:2: this is not UTF-8"]);
    std::fs::write(&file, vec![b'#'; 300 * 1024]).unwrap();
    check().complains(&["is larger than 262144 bytes"]);
    std::fs::write(&file, "schema = 1\nschema = 1\n").unwrap();
    check().complains(&["scenario.toml:2:1", "duplicate key"]);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    check().complains(&["is a folder, not a file"]);
    std::fs::remove_dir(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    check().complains(&["is a pipe"]);
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    check().complains(&["cannot read"]);
}

/// Records a run of a second, and gives its folder.
fn recorded(lab: &Lab) -> std::path::PathBuf {
    let folder = Tiny::default().write(lab.folder());
    let run = lab.folder().join("recorded");
    let said = lab.run([
        "run".as_ref(),
        folder.as_os_str(),
        "--yes".as_ref(),
        "--ui".as_ref(),
        "json".as_ref(),
        "--out".as_ref(),
        run.as_os_str(),
    ]);
    assert!(run.join("run.jsonl").is_file(), "{}", said.stderr);
    run
}

#[test]
fn a_recording_that_points_outside_is_refused_by_every_command_with_its_line() {
    let lab = Lab::new();
    let run = recorded(&lab);
    let good = std::fs::read_to_string(run.join("run.jsonl")).unwrap();
    for (from, to, about) in [
        (
            "\"turns\":[{\"round\":1,\"arm\":0",
            "\"turns\":[{\"round\":1,\"arm\":4294967295",
            "run.jsonl:1: the plan: the arm of a turn is 4294967295",
        ),
        (
            "\"type\":\"turn_started\",\"turn\":0",
            "\"type\":\"turn_started\",\"turn\":7",
            "turn is 7, and there are 1",
        ),
        ("\"seq\":0,", "\"seq\":18446744073709551615,", "run.jsonl:1: seq is"),
    ] {
        assert!(
            good.contains(from),
            "a recording holds {from}: {}",
            &good[..good.len().min(3_000)]
        );
        std::fs::write(run.join("run.jsonl"), good.replacen(from, to, 1)).unwrap();
        for command in [
            "replay recorded --speed 0 --ui plain",
            "replay recorded --speed 0 --ui json",
            "report recorded --format json",
            "report recorded --format html",
            "picture recorded",
            "compare recorded recorded",
        ] {
            lab.say(command).code(2).complains(&[about]);
        }
    }
}

#[test]
fn a_speed_that_no_clock_counts_is_refused() {
    let lab = Lab::new();
    recorded(&lab);
    for speed in ["1e-300", "-1", "nan", "inf", "1e300"] {
        lab.run([
            "replay",
            "recorded",
            "--ui",
            "plain",
            format!("--speed={speed}").as_str(),
        ])
        .code(2)
        .complains(&["give 0 (at once), or from 0.001 to 1000000"]);
    }
}

#[test]
fn the_catalogue_is_listed_without_home() {
    let lab = Lab::new();
    let mut command = lab.command(["list"]);
    for variable in [
        "LAB_STATE",
        "HOME",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    ] {
        command.env_remove(variable);
    }
    let said = common::finish(command).code(0).complains(&["HOME is not set"]);
    assert!(said.stdout.contains("cpu-blocking"), "{}", said.stdout);
}

#[test]
fn a_simulation_that_takes_more_than_the_machine_has_is_refused_before() {
    let lab = Lab::new();
    for (options, about) in [
        ("consistent_hash --servers 1000000", "GiB of memory"),
        ("consistent_hash --weighs --slow 1x1000000", "GiB of memory"),
        ("random --requests 1000G", "billion steps"),
        ("random --stale-ms 0.01 --load 0.000001", "billion steps"),
    ] {
        lab.say(&format!("sim {options}"))
            .code(2)
            .complains(&[about, "--large"]);
    }
    lab.say("sim random --threads 100000 --requests 1k").code(2);
}
