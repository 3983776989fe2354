//! Our circuit breaker beside resilience4j's: a thousand random sequences of calls, and the same state after every step.
//!
//! Two differences are wanted, and left out of the comparison. resilience4j counts late results of an earlier state. And its
//! open state ends strictly *after* the wait, ours *at* its end, so that waiting as long as `retry_after` says is enough:
//! there it waits a millisecond less. Where the minimum of calls is below the number of probes, it also applies to probes
//! there, so here it is not.
//!
//! It needs Java, and the folder that `LAB_TEST_CLIENTS` names, to which `.ci/run` copies resilience4j.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use reliability::breaker::{Breaker, BreakerSettings, BreakerState, Permit};
use testing::skip;

const SEQUENCES: usize = 1_000;
const STEPS: usize = 200;
const SEED: u64 = 7;

/// The jars in a folder as a class path.
fn jars(folder: &Path) -> OsString {
    let entries = std::fs::read_dir(folder).unwrap();
    std::env::join_paths(entries.map(|entry| entry.unwrap().path())).unwrap()
}

/// Runs a command that prints what is wanted.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A sequence under way: our breaker, what resilience4j will do, and what it has to answer.
struct Sequence {
    breaker: Breaker,
    now: Duration,
    /// Permits that are out, by the number that both sides know them by.
    permits: BTreeMap<u32, Permit>,
    permits_max: usize,
    acquired: u32,
    slow_after_ms: u64,
}

impl Sequence {
    /// One with settings that are drawn, and the line that gives resilience4j the same ones.
    fn draw(random: &mut Pcg64Mcg) -> (Self, String) {
        let probes = random.random_range(1..6_u32);
        let min = random.random_range(probes..12);
        let by_time = random.random_bool(0.5);
        let size = if by_time { 10 } else { random.random_range(min..20) };
        let unit = if by_time { "s" } else { "" };
        let (failures, slow_calls) = (random.random_range(10..=100_u32), random.random_range(10..=100_u32));
        let (slow_after_ms, open_ms) = (random.random_range(0..100_u64), random.random_range(2..4_000_u64));
        let settings: BreakerSettings = format!(
            "window={size}{unit} min={min} failures={failures}% slow_calls={slow_calls}% slow_after={slow_after_ms}ms \
             open={open_ms}ms probes={probes}"
        )
        .parse()
        .unwrap();
        let kind = if by_time { "TIME_BASED" } else { "COUNT_BASED" };
        // resilience4j takes no threshold of 0 ms.
        let slow_after_ms = slow_after_ms.max(1);
        let settings = BreakerSettings {
            slow_after: Duration::from_millis(slow_after_ms),
            ..settings
        };
        let line = format!(
            "new {kind} {size} {min} {failures} {slow_calls} {slow_after_ms} {} {probes}",
            open_ms - 1
        );
        let sequence = Self {
            breaker: Breaker::new(settings),
            now: Duration::ZERO,
            permits: BTreeMap::new(),
            permits_max: random.random_range(1..8),
            acquired: 0,
            slow_after_ms,
        };
        (sequence, line)
    }

    /// One step: what resilience4j is told, and what it should answer.
    fn step(&mut self, random: &mut Pcg64Mcg) -> (String, String) {
        let id = random.random_range(0..self.permits.len().max(1));
        let permit = self.permits.keys().nth(id).copied();
        match (random.random_range(0..10_u32), permit) {
            (0..=2, _) => {
                // Often around a whole second, where slices of the window of time end.
                let ms = match random.random_range(0..4) {
                    0 => random.random_range(0..5_000),
                    1 => 1_000 - self.now.subsec_millis() - random.random_range(0..2),
                    _ => random.random_range(0..300),
                };
                self.now += Duration::from_millis(ms.into());
                (format!("pass {ms}"), "pass".to_owned())
            }
            (3..=8, Some(id)) if self.permits.len() >= self.permits_max || random.random_bool(0.4) => {
                let permit = self.permits.remove(&id).unwrap();
                let failed = random.random_bool(0.4);
                let took_ms = self.slow_after_ms + random.random_range(0..2);
                let took = Duration::from_millis(took_ms);
                if failed {
                    permit.failed(self.now, took);
                } else {
                    permit.succeeded(self.now, took);
                }
                let how = if failed { "failed" } else { "succeeded" };
                (format!("end {id} {how} {took_ms}"), format!("ended {}", self.state()))
            }
            (9, Some(id)) => {
                self.permits.remove(&id);
                (format!("drop {id}"), format!("dropped {}", self.state()))
            }
            _ => {
                let permit = self.breaker.acquire(self.now);
                let answer = if permit.is_ok() { "permitted" } else { "rejected" };
                self.acquired += 1;
                self.permits.extend(permit.ok().map(|permit| (self.acquired, permit)));
                (
                    format!("acquire {}", self.acquired),
                    format!("{answer} {}", self.state()),
                )
            }
        }
    }

    fn state(&self) -> &'static str {
        match self.breaker.state() {
            BreakerState::Closed => "CLOSED",
            BreakerState::Open => "OPEN",
            BreakerState::HalfOpen => "HALF_OPEN",
        }
    }
}

#[test]
fn it_is_in_the_same_state_as_resilience4j_after_every_step() {
    let libraries = std::env::var_os("LAB_TEST_CLIENTS").map(|folder| Path::new(&folder).join("resilience4j"));
    let Some(libraries) = libraries.filter(|folder| folder.is_dir()) else {
        return skip("LAB_TEST_CLIENTS names no folder with resilience4j (.ci/run says how to fetch it)");
    };
    if Command::new("java").arg("-version").output().is_err() {
        return skip("java is not installed");
    }
    let (mut told, mut expected) = (String::new(), Vec::new());
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    for _ in 0..SEQUENCES {
        let (mut sequence, line) = Sequence::draw(&mut random);
        writeln!(told, "{line}").unwrap();
        expected.push("new".to_owned());
        for _ in 0..STEPS {
            let (line, answer) = sequence.step(&mut random);
            writeln!(told, "{line}").unwrap();
            expected.push(answer);
        }
    }
    // A comparison of breakers that stay closed would say nothing.
    for state in ["CLOSED", "OPEN", "HALF_OPEN"] {
        let seen = expected
            .iter()
            .filter(|answer| answer.split(' ').nth(1) == Some(state))
            .count();
        assert!(seen > 10_000, "{state} was seen {seen} times");
    }

    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("steps");
    std::fs::write(&file, &told).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resilience4j/Breakers.java");
    let classes = folder.path().join("classes");
    let mut compiler = Command::new("java");
    compiler.arg("-jar").arg(jars(&libraries.join("compiler")));
    compiler
        .args(["-17", "-nowarn", "-cp"])
        .arg(jars(&libraries.join("libraries")));
    output(compiler.arg("-d").arg(&classes).arg(program));
    let path = jars(&libraries.join("libraries"));
    let path = std::env::join_paths(std::iter::once(classes).chain(std::env::split_paths(&path))).unwrap();
    let answers = output(Command::new("java").arg("-cp").arg(path).arg("Breakers").arg(&file));

    let steps: Vec<&str> = told.lines().collect();
    assert_eq!(answers.lines().count(), steps.len());
    for (at, (answer, expected)) in answers.lines().zip(&expected).enumerate() {
        if answer != expected {
            let begin = steps[..=at].iter().rposition(|step| step.starts_with("new")).unwrap();
            let so_far = steps[begin..=at].join("\n");
            panic!("resilience4j says {answer}, and our breaker says {expected}, after:\n{so_far}");
        }
    }
}
