//! Other programs on the same machine. Whatever ran beside this test would suffer as well, so it has a program of its own.
#![cfg(target_os = "linux")]

mod common;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::Lab;
use common::scenario::Tiny;
use common::watched::Watched;

/// Bounds that nothing can keep: one of time, one of a count.
const CHECKS: &str = r#"
[[check]]
name = "at once"
value = "one.read.p50"
at_most = 0.000001
unit = "ms"

[[check]]
name = "a million were answered"
value = "one.read.ok"
at_least = 1000000
"#;

/// Uses all processors for as long as something takes.
fn beside_others<T>(work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    let burn = || {
        while !done.load(Ordering::Relaxed) {
            black_box(done.as_ptr());
        }
    };
    thread::scope(|scope| {
        // Also where the work panics: the scope waits for its threads.
        let _guard = Done(&done);
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(burn);
        }
        work()
    })
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_fails_a_bound_of_time_beside_others_is_in_doubt_and_a_wrong_count_is_wrong() {
    let lab = Lab::new();
    let scenario = Tiny {
        duration_s: 1.0,
        more: CHECKS,
        ..Tiny::default()
    };
    let (report, code) = beside_others(|| Watched::start(&lab, &scenario.write(lab.folder())).finish());
    let check = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };
    let (time, count) = (check("at once"), check("a million were answered"));
    assert_eq!(time["verdict"], "inconclusive", "{report:#}");
    // So busy a machine may let the lab itself stand still, which is a doubt of another kind.
    if report["disturbances"].as_array().is_none_or(Vec::is_empty) {
        let why = time["why"].as_str().unwrap();
        assert!(why.contains("other programs took"), "{why}");
        assert_eq!((&count["verdict"], code), (&"fail".into(), Some(1)), "{report:#}");
    }
}
