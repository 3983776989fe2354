//! What the tests of the whole program share: a state folder of its own for each, bounded waits, and no process left.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod docker;
pub mod http;
pub mod kafka;
pub mod nginx;
pub mod postgres;
pub mod promtool;
pub mod redis;
pub mod scenario;
pub mod servers;
pub mod service;
pub mod stand_in;
pub mod terminal;
pub mod tty;
pub mod watched;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The bound of every wait; far beyond what any of them needs.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The program under test.
pub const LAB: &str = env!("CARGO_BIN_EXE_lab");

pub use testing::skip;

/// Waits for a condition, at most for `patience`.
#[track_caller]
pub fn until_within(patience: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < patience, "in vain waited until {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits for a condition.
#[track_caller]
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(PATIENCE, what, condition);
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Asserts the exit code; a failure shows everything that was said.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.code,
            Some(expected),
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that stderr has all of these.
    #[track_caller]
    pub fn complains(self, about: &[&str]) -> Self {
        for text in about {
            assert!(self.stderr.contains(text), "no {text:?} in:\n{}", self.stderr);
        }
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

/// A user with a state folder of their own. Dropping it ends what is still running there.
pub struct Lab {
    folder: TempDir,
}

impl Lab {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The lab's state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The program with arguments, ready to be run in the test's folder.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.at_home(Command::new(LAB));
        command.args(arguments);
        command
    }

    /// The same where files cannot grow beyond 24 blocks of 512 bytes, as on a full disk: neither those of the program nor
    /// those of its instances.
    pub fn command_without_room(&self, arguments: &str) -> Command {
        self.command_after("ulimit -f 24", arguments)
    }

    /// The same in a shell that has done something before, such as setting a limit.
    pub fn command_after(&self, before: &str, arguments: &str) -> Command {
        let mut command = self.at_home(Command::new("sh"));
        command.args(["-c", &format!("{before}; exec {LAB} {arguments}")]);
        command
    }

    /// A command in this folder, with this state and nothing else that decides how the program behaves.
    fn at_home(&self, mut command: Command) -> Command {
        command
            .current_dir(self.folder())
            .env("LAB_STATE", self.state())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        for decided_by_the_caller in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "COLUMNS",
            "LC_ALL",
            "LC_CTYPE",
            "LAB_ASCII",
        ] {
            command.env_remove(decided_by_the_caller);
        }
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        finish(self.command(arguments))
    }

    /// Runs the program with its arguments in one text, separated by blanks.
    #[track_caller]
    pub fn say(&self, arguments: &str) -> Said {
        self.run(arguments.split_ascii_whitespace())
    }

    /// Starts the program with its stdout piped and its stderr in a file.
    pub fn spawn<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Running {
        self.spawn_command(self.command(arguments))
    }

    /// The same with a command that is ready to be run.
    pub fn spawn_command(&self, mut command: Command) -> Running {
        let stderr = self.folder().join("stderr");
        command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&stderr).unwrap());
        Running {
            child: command.spawn().unwrap(),
            stderr,
        }
    }

    /// The records of running systems.
    pub fn records(&self) -> Vec<PathBuf> {
        files(&self.state().join("systems"))
    }

    /// Asserts that no process of this lab is left: a run that has ended has ended everything.
    #[track_caller]
    pub fn assert_nothing_runs(&self) {
        let left = self.processes();
        assert!(
            left.is_empty() && self.records().is_empty(),
            "{left:?} {:?}",
            self.records()
        );
    }

    /// Ids of the live processes that were started for this lab: they run in folders of its state.
    #[cfg(target_os = "linux")]
    pub fn processes(&self) -> Vec<Pid> {
        let folder = self.folder().canonicalize().unwrap();
        let folder = format!("{}/", folder.display());
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
            // A process that has ended has no working folder, even before its parent has asked for its status.
            .filter(|pid| {
                std::fs::read_link(format!("/proc/{pid}/cwd"))
                    .is_ok_and(|cwd| cwd.to_string_lossy().starts_with(&folder))
            })
            .filter_map(Pid::from_raw)
            .collect()
    }
}

impl Drop for Lab {
    /// A test that failed half-way may have left a detached system running.
    fn drop(&mut self) {
        let state = self.state();
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for record in compose::records(&state).unwrap_or_default().systems {
                    let registry = compose::BackendRegistry::of_current_program().unwrap();
                    if let Err(error) = registry.clean(&record).await {
                        eprintln!("cannot clean up after a test: {error}");
                    }
                }
            });
        });
        let _ = cleaned.join();
    }
}

/// Runs a command to its end and gives what it said; one that does not end is killed.
#[track_caller]
pub fn finish(command: Command) -> Said {
    let output = assert_cmd::Command::from_std(command)
        .timeout(PATIENCE)
        .output()
        .unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command under way; killed when dropped.
pub struct Running {
    pub child: Child,
    stderr: PathBuf,
}

impl Running {
    /// Its lines on stdout, read by a thread of their own so that it never waits for the test.
    pub fn lines(&mut self) -> Lines {
        Lines::of(self.child.stdout.take().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a child.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("the program has ended", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Lines as they come.
pub struct Lines(std::sync::mpsc::Receiver<String>);

impl Lines {
    pub fn of(from: impl std::io::Read + Send + 'static) -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(from)) {
                let Ok(line) = line else { break };
                // The test may have seen enough; the program must still be able to write.
                let _ = sender.send(line);
            }
        });
        Self(receiver)
    }

    /// The next line; none at the end.
    #[track_caller]
    pub fn next(&self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(Disconnected) => None,
            Err(Timeout) => panic!("in vain waited for a line"),
        }
    }

    /// The next line that is JSON and fits; lines before it are passed over.
    #[track_caller]
    pub fn json(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        while let Some(line) = self.next() {
            if let Ok(value) = serde_json::from_str(&line)
                && fits(&value)
            {
                return value;
            }
        }
        panic!("the output ended without {what}");
    }

    /// The next event of a run of this type.
    #[track_caller]
    pub fn event(&self, kind: &str) -> Value {
        self.json(kind, |event| event["kind"]["type"] == kind)
    }

    /// The next disturbance of somebody (`lab`, `generator`, …) or of an instance of this name. A busy machine may tell of
    /// others before.
    #[track_caller]
    pub fn disturbance_of(&self, who: &str) -> Value {
        self.json(&format!("a disturbance of {who}"), |event| {
            let told = &event["kind"];
            told["type"] == "disturbance" && (told["who"] == who || told["who"]["instance"] == who)
        })
    }

    /// All lines to the end.
    #[track_caller]
    pub fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// The files of a folder, in order; none when there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub fn json_file(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The id of a process that is known to be one.
pub fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

/// Holds a port below those that the system hands out by itself, so that nobody else gets it once it is let go.
pub fn hold_a_port() -> std::net::TcpListener {
    let first = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    (first..first + 1_000)
        .find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok())
        .expect("one of a thousand ports is free")
}
