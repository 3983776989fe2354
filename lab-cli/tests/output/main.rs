//! What is printed where: output that cannot be written, and terminals that know ASCII only.

#[path = "../common/mod.rs"]
mod common;
mod foreign;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use common::scenario::Tiny;
use common::tty::Tty;
use common::{Lab, finish};

/// Commands that print without a system being up. `DATA` marks those whose stdout is data, which is UTF-8 everywhere.
const COMMANDS: [(&str, bool); 37] = [
    ("--help", false),
    ("run --help", false),
    ("--version", false),
    ("", false),
    ("list", false),
    ("list --json", DATA),
    ("explain cpu-blocking", false),
    ("explain lb-algorithms", false),
    ("runs", false),
    ("runs --json", DATA),
    ("report last --format json", DATA),
    ("report last --format md", DATA),
    ("report last --format csv", DATA),
    ("report last --format hgrm", DATA),
    ("report last --format junit", DATA),
    ("report last -o written.html", false),
    ("compare last last", false),
    ("compare last last --json", DATA),
    ("replay last --speed 0 --ui plain", false),
    ("replay last --speed 0 --ui json", DATA),
    ("picture last", DATA),
    ("picture home -o home.svg", false),
    ("sim random --requests 10k --servers 3", false),
    ("sim random --requests 10k --servers 3 --format json", DATA),
    ("man", false),
    ("completions bash", false),
    ("check tiny", false),
    ("check --schema", DATA),
    ("export k8s", DATA),
    ("export compose", DATA),
    ("ps", false),
    ("ps --json", DATA),
    ("doctor", false),
    ("up --list", false),
    ("learner", false),
    ("learner --json", DATA),
    ("clean", false),
];
const DATA: bool = true;

/// A lab with a recorded run of a scenario of its own.
fn lab_with_a_run() -> Lab {
    let lab = Lab::new();
    Tiny::default().write(lab.folder());
    lab.say("run ./tiny --yes --ui plain --seed 1").code(0);
    lab
}

fn command(lab: &Lab, arguments: &str) -> Command {
    lab.command(arguments.split_ascii_whitespace())
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Runs it with its stdout there; gives the exit code and what stderr says.
fn with_stdout(mut command: Command, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    command.stdout(stdout).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A pipe that nobody reads.
fn closed_pipe() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

/// Asserts that a command ends with an error of its own where its output finds no room, and as ever where nobody reads it.
#[track_caller]
fn tells_a_full_disk_from_a_reader_who_left(lab: &Lab, arguments: &str) {
    let expected = finish(command(lab, arguments)).code;
    let (code, said) = with_stdout(command(lab, arguments), full());
    assert_eq!(code, Some(4), "lab {arguments} > /dev/full: {said}");
    assert!(said.contains("No space left on device"), "lab {arguments}: {said}");
    let (code, said) = with_stdout(command(lab, arguments), closed_pipe());
    assert_eq!(code, expected, "lab {arguments} | true: {said}");
    assert!(
        !said.contains("error:") && !said.contains("panicked"),
        "lab {arguments}: {said}"
    );
}

#[test]
fn a_full_disk_behind_stdout_is_an_error_of_every_command_and_a_reader_who_left_of_none() {
    let lab = lab_with_a_run();
    for (arguments, _) in COMMANDS {
        tells_a_full_disk_from_a_reader_who_left(&lab, arguments);
    }
}

#[test]
fn so_it_is_of_every_command_about_a_system_that_is_up() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    for arguments in [
        "ps",
        "ps --json",
        "logs users-1",
        "watch --ui plain --for 1",
        "watch --ui json --for 1",
        "pause users-1",
        "resume users-1",
        "restart users-1",
    ] {
        tells_a_full_disk_from_a_reader_who_left(&lab, arguments);
    }
    let (code, said) = with_stdout(command(&lab, "down"), full());
    assert_eq!(code, Some(4), "{said}");
    // It is down all the same.
    lab.assert_nothing_runs();
    let (code, said) = with_stdout(command(&lab, "up users"), full());
    assert_eq!(code, Some(4), "{said}");
    lab.say("down").code(0);
}

#[test]
fn stderr_that_cannot_be_written_to_changes_nothing() {
    let lab = lab_with_a_run();
    for arguments in [
        "explain nosuch",
        "run nosuch",
        "no-such-command",
        "sim random --requests 10k",
        "list",
    ] {
        let expected = finish(command(&lab, arguments));
        for stderr in [Stdio::from(full()), Stdio::from(closed_pipe())] {
            let output = command(&lab, arguments)
                .stderr(stderr)
                .stdout(Stdio::piped())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), expected.code, "lab {arguments}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected.stdout);
        }
    }
}

/// A scenario whose one check does not hold, on a service that writes no file of its own.
fn failing(lab: &Lab) -> String {
    let folder = Tiny {
        name: "failing",
        system: "entry = \"gateway\"\n[[system.service]]\nname = \"gateway\"",
        path: "/api/non-blocking",
        more: "[[check]]\nname = \"nobody is answered\"\nvalue = \"one.read.ok\"\nat_most = 0\n",
        ..Tiny::default()
    }
    .write(lab.folder());
    folder.display().to_string()
}

#[test]
fn a_verdict_outlives_the_stdout_that_it_was_for() {
    let lab = Lab::new();
    let folder = failing(&lab);
    for ui in ["plain", "json"] {
        let run = || lab.command(["run", &folder, "--yes", "--ui", ui]);
        let (code, said) = with_stdout(run(), closed_pipe());
        assert_eq!(code, Some(1), "{said}");
        let (code, said) = with_stdout(run(), full());
        assert_eq!(code, Some(4), "{said}");
        assert!(
            said.contains("FAIL") && said.contains("No space left on device"),
            "{said}"
        );
    }
    let replay = || command(&lab, "replay last --speed 0 --ui plain");
    assert_eq!(with_stdout(replay(), closed_pipe()).0, Some(1));
}

#[test]
fn a_verdict_outlives_the_files_that_cannot_be_written() {
    let lab = Lab::new();
    let folder = failing(&lab);
    // That is less room than a report takes.
    let said = finish(lab.command_without_room(&format!("run {folder} --yes --ui plain --seed 1")));
    assert!(said.stdout.contains("FAIL 1 of "), "{said:?}");
    let said = said
        .code(4)
        .complains(&["not recorded whole", "report.html", "the verdict was measured"]);
    assert!(!said.stderr.contains("panicked"));
    let run = common::files(&lab.state().join("runs")).remove(0);
    let parts: Vec<_> = common::files(&run)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "part"))
        .collect();
    assert!(parts.is_empty(), "{parts:?}");
    lab.assert_nothing_runs();
}

/// A small file system of its own, unmounted when dropped. None without the right to mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(bytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn on_a_full_disk_the_measured_verdict_is_shown_and_the_lost_files_are_named() {
    let Some(disk) = SmallDisk::mount(300 * 1024) else {
        common::skip("mounting a small file system takes root");
        return;
    };
    let lab = Lab::new();
    let folder = Tiny {
        name: "small",
        // Gateways keep no database, so the disk fills with what the lab itself writes.
        system: "entry = \"gateway\"\n[[system.service]]\nname = \"gateway\"",
        path: "/api/non-blocking",
        duration_s: 6.0,
        ..Tiny::default()
    }
    .write(lab.folder());
    // All but a little is taken, so that the run is disturbed from its first moment on.
    std::fs::write(disk.path().join("taken"), vec![0; 210 * 1024]).unwrap();
    let mut run = lab.command(["run", folder.to_str().unwrap(), "--yes", "--ui", "plain", "--seed", "1"]);
    run.env("LAB_STATE", disk.path().join("lab"));
    let said = finish(run);
    for shown in ["INCONCLUSIVE", "expected at least 1", "is full"] {
        assert!(said.stdout.contains(shown), "no {shown:?} in {said:?}");
    }
    said.code(4)
        .complains(&["not recorded whole", "No space left on device"]);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_said_before_anything_starts() {
    let lab = Lab::new();
    let folder = Tiny::default().write(lab.folder());
    let mut run = lab.command(["run", folder.to_str().unwrap(), "--yes"]);
    run.env("LAB_STATE", "/proc/no-folder");
    finish(run).code(4).complains(&["/proc/no-folder", "LAB_STATE"]);
}

#[test]
fn a_terminal_without_unicode_gets_ascii_from_every_command() {
    let lab = lab_with_a_run();
    let folder = failing(&lab);
    let run = format!("run {folder} --yes --ui plain --seed 3");
    let plain = COMMANDS
        .iter()
        .filter(|(_, data)| !data)
        .map(|(arguments, _)| *arguments);
    for arguments in plain.chain([run.as_str(), "explain nosuch", "run cpu-blocking --set a"]) {
        for (name, value) in [("LC_ALL", "C"), ("LAB_ASCII", "1"), ("LANG", "de_DE.ISO-8859-1")] {
            let mut command = command(&lab, arguments);
            command.env(name, value);
            let said = finish(command);
            let beyond = |text: &str| text.lines().find(|line| !line.is_ascii()).map(str::to_owned);
            assert_eq!(beyond(&said.stdout), None, "{name}={value} lab {arguments}");
            assert_eq!(beyond(&said.stderr), None, "{name}={value} lab {arguments}");
        }
    }
    // Elsewhere nothing changes.
    assert!(!lab.say("list").code(0).stdout.is_ascii());
}

#[test]
fn so_does_one_that_a_person_looks_at() {
    let lab = Lab::new();
    for arguments in [&["list"][..], &["explain", "cpu-blocking"], &["--help"]] {
        let ended = Tty::start(&lab, (100, 40), &[("LC_ALL", "C")], arguments).end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let shown = String::from_utf8_lossy(&ended.raw);
        assert!(shown.lines().count() > 10, "{arguments:?}: {shown}");
        let beyond = shown.lines().find(|line| !line.is_ascii());
        assert_eq!(beyond, None, "{arguments:?}");
    }
}

#[test]
fn passwords_of_the_environment_are_shown_nowhere() {
    let lab = Lab::new();
    for (variable, value) in [
        ("REDIS_URL", "redis://me:s3cret@127.0.0.1:1/0?password=s3cret"),
        ("REDIS_URL", "me:s3cret@127.0.0.1:1"),
        ("POSTGRES_URL", "postgres://me:s3cret@127.0.0.1:1/x?sslpassword=s3cret"),
        ("POSTGRES_URL", "host=127.0.0.1 password=s3cret"),
        ("KAFKA_BROKERS", "me:s3cret@127.0.0.1:1"),
        ("KAFKA_BROKERS", "me:s3cret@127.0.0.1"),
        ("KAFKA_BROKERS", "sasl://me:s3cret@127.0.0.1:1?password=s3cret"),
    ] {
        for arguments in ["doctor", "doctor --json", "up whole"] {
            let mut command = command(&lab, arguments);
            command.env(variable, value);
            let said = finish(command);
            let whole = format!("{}{}", said.stdout, said.stderr);
            assert!(!whole.contains("s3cret"), "{variable}={value} lab {arguments}: {whole}");
        }
        lab.say("down").code(0);
    }
}
