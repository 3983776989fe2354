//! Clients of others on the built-in broker: kcat, Kafka's own library for Java, kafka-python, kafkajs.
//!
//! Each does what clients do every day: topics, messages, a group of two whose members come and go, resuming. Their
//! libraries are in the folder that `LAB_TEST_CLIENTS` names (`.ci/run` fetches them); programs are in `clients/`.

mod common;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::service::Service;
use common::{Lab, Lines, Said, finish, skip};

/// The folder with the libraries for a language.
#[track_caller]
fn libraries(language: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LAB_TEST_CLIENTS").map(|folder| Path::new(&folder).join(language));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        skip(format_args!(
            "LAB_TEST_CLIENTS names no folder with clients in {language} (.ci/run says how to fetch them)"
        ));
    }
    folder
}

/// Whether a program can be started.
#[track_caller]
fn is_installed(program: &str, ask: &str) -> bool {
    let mut command = Command::new(program);
    let started = command
        .arg(ask)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !started {
        skip(format_args!("{program} is not installed"));
    }
    started
}

/// A program that was written for these tests.
fn program(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path)
}

fn address(broker: &Service) -> String {
    format!("127.0.0.1:{}", broker.port)
}

#[track_caller]
fn comes_out(said: Said) {
    assert_eq!(said.code(0).stdout, "everything came out\n");
}

/// The jars of a folder as a class path.
fn jars(folders: &[PathBuf]) -> OsString {
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let jars = entries.map(|entry| entry.unwrap().path());
    std::env::join_paths(jars).unwrap()
}

#[track_caller]
fn java(version: &str) {
    let Some(libraries) = libraries("java") else { return };
    if !is_installed("java", "-version") {
        return;
    }
    let lab = Lab::new();
    let broker = Service::start("kafka", lab.folder(), &[]);
    let classes = lab.folder().join("classes");
    let path = jars(&[libraries.join(format!("kafka-{version}")), libraries.join("shared")]);
    let mut compiler = Command::new("java");
    compiler.arg("-jar").arg(jars(&[libraries.join("compiler")]));
    compiler
        .args(["-17", "-nowarn", "-cp"])
        .arg(&path)
        .arg("-d")
        .arg(&classes);
    compiler.arg(program("java/Client.java"));
    finish(compiler).code(0);
    let mut client = Command::new("java");
    let path = std::env::join_paths(std::iter::once(classes).chain(std::env::split_paths(&path))).unwrap();
    client.arg("-cp").arg(path).args(["Client", &address(&broker)]);
    comes_out(finish(client));
}

#[test]
fn clients_in_java_3_9_use_it() {
    java("3.9");
}

#[test]
fn clients_in_java_4_0_use_it() {
    java("4.0");
}

#[test]
fn clients_in_python_use_it() {
    let Some(libraries) = libraries("python") else { return };
    if !is_installed("python3", "--version") {
        return;
    }
    let lab = Lab::new();
    let broker = Service::start("kafka", lab.folder(), &[]);
    let mut client = Command::new("python3");
    client.arg(program("python/client.py")).arg(address(&broker));
    comes_out(finish({
        client.env("PYTHONPATH", libraries).env("PYTHONDONTWRITEBYTECODE", "1");
        client
    }));
}

#[test]
fn clients_in_javascript_use_it() {
    let Some(libraries) = libraries("javascript") else {
        return;
    };
    if !is_installed("node", "--version") {
        return;
    }
    let lab = Lab::new();
    let broker = Service::start("kafka", lab.folder(), &[]);
    let mut client = Command::new("node");
    client.arg(program("javascript/client.js")).arg(address(&broker));
    comes_out(finish({
        client.env("NODE_PATH", libraries.join("node_modules"));
        client.env("KAFKAJS_NO_PARTITIONER_WARNING", "1");
        client
    }));
}

/// A member of a group, and what it says on stderr; killed when dropped.
struct Member {
    child: Child,
    lines: Lines,
}

impl Member {
    #[track_caller]
    fn says(&self, what: &str) {
        while let Some(line) = self.lines.next() {
            if line.contains(what) {
                return;
            }
        }
        panic!("it ended without {what:?}");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `kcat` on a broker.
struct Kcat(String);

impl Kcat {
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new("kcat");
        command
            .args(["-b", &self.0])
            .args(arguments.split(' '))
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn say(&self, arguments: &str) -> String {
        finish(self.command(arguments)).code(0).stdout
    }

    /// Publishes these messages, each under itself as its key.
    #[track_caller]
    fn publish(&self, arguments: &str, messages: &[String]) {
        let mut command = self.command(&format!("-P -K: {arguments}"));
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let lines: Vec<String> = messages
            .iter()
            .map(|message| format!("{message}:{message}\n"))
            .collect();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(lines.concat().as_bytes())
            .unwrap();
        assert!(common::wait(&mut child).success());
    }
}

fn messages(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("message {number:03}")).collect()
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn kcat_uses_it() {
    if !is_installed("kcat", "-V") {
        return;
    }
    let lab = Lab::new();
    let broker = Service::start("kafka", lab.folder(), &[]);
    let kcat = Kcat(address(&broker));
    kcat.publish("-t orders", &messages(0..10));
    kcat.publish("-t orders -z gzip", &messages(10..20));
    kcat.publish("-t orders -z lz4 -X enable.idempotence=true", &messages(20..30));
    let listed = kcat.say("-L");
    assert!(listed.contains("topic \"orders\" with 3 partitions"), "{listed}");
    assert_eq!(sorted(&kcat.say("-C -t orders -o beginning -e -q")), messages(0..30));

    // A group reads everything, and goes on where it was.
    let group = "-G team -X auto.offset.reset=earliest -X session.timeout.ms=6000 -q";
    assert_eq!(sorted(&kcat.say(&format!("-c 30 {group} orders"))), messages(0..30));
    kcat.publish("-t orders", &messages(30..35));
    assert_eq!(sorted(&kcat.say(&format!("-c 5 {group} orders"))), messages(30..35));
}

#[test]
fn members_of_a_group_of_kcat_come_and_go() {
    if !is_installed("kcat", "-V") {
        return;
    }
    let lab = Lab::new();
    let broker = Service::start("kafka", lab.folder(), &[]);
    let kcat = Kcat(address(&broker));
    kcat.publish("-t orders", &messages(0..1));
    for (strategy, all, some) in [
        (
            "range",
            "assigned: orders [0], orders [1], orders [2]",
            "assigned: orders [",
        ),
        (
            "cooperative-sticky",
            "assignment of 3 partition",
            "assignment of 1 partition",
        ),
    ] {
        let join = || {
            let group = format!("-G {strategy} -X partition.assignment.strategy={strategy}");
            let times = "-X session.timeout.ms=2000 -X heartbeat.interval.ms=200";
            let mut command = kcat.command(&format!("{group} {times} orders"));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            let lines = Lines::of(child.stderr.take().unwrap());
            Member { child, lines }
        };
        let first = join();
        first.says(all);
        let second = join();
        second.says(some);
        // Killed, it says no goodbye: its session ends, and the first gets back what it had.
        drop(second);
        first.says(some);
    }
}
