//! Data, the disk that they are on, and the clock.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{Connection, SqliteConnection};

use crate::common::scenario::{Tiny, lesson, write};
use crate::common::watched::{Watched, assert_undecided};
use crate::common::{Lab, skip, until};
use crate::tiny;

/// The database of the one turn's users.
fn database(run: &Watched<'_>) -> PathBuf {
    run.out.join("turns/one-1/data/users.db")
}

#[test]
fn data_that_went_away_decide_nothing() {
    let lab = Lab::new();
    let run = Watched::start(&lab, &tiny().write(lab.folder()));
    run.lines.event("sample");
    std::fs::remove_file(database(&run)).unwrap();
    run.lines.event("disturbance");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "users.db lost its data");
}

#[test]
fn a_database_that_somebody_else_holds_decides_nothing() {
    let lab = Lab::new();
    let asked = Tiny {
        load: "rate_per_s = 5\ntimeout_s = 9",
        ..tiny()
    };
    // What is written waits five seconds for its turn, and then fails.
    let request = r#"request = { method = "POST", path = "/users", json = '{"name":"A","email":"a@b.example"}' }"#;
    let text = asked.text().replacen(r#"request = { path = "/users" }"#, request, 1);
    let run = Watched::start(&lab, &write(lab.folder(), asked.name, &text, &lesson()));
    run.lines.event("sample");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let held = runtime.block_on(async {
        let url = format!("sqlite://{}", database(&run).display());
        let mut held = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut held).await.unwrap();
        held
    });
    run.lines
        .json("a failed store", |event| event["kind"]["what"] == "failed");
    runtime.block_on(held.close()).unwrap();
    let (report, code) = run.finish();
    assert_undecided(&report, code, "the database of users-1 failed");
    assert!(
        report["disturbances"].to_string().contains("the database was locked"),
        "{report:#}"
    );
}

/// A small disk of its own, let go of when dropped.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one, or says loudly that this may not be done here.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(at.to_owned()));
        }
        skip("no disk can be mounted here");
        None
    }

    /// Writes until nothing more goes.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[1; 64 * 1024]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_decides_nothing() {
    let lab = Lab::new();
    let Some(disk) = Disk::mount(&lab.folder().join("out")) else {
        return;
    };
    let run = Watched::start(&lab, &tiny().write(lab.folder()));
    run.lines.event("sample");
    let filler = disk.fill();
    let told = run.lines.json("a full disk", |event| event["kind"]["what"] == "full");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(told["kind"]["type"], "disturbance");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "is full");
}

/// Adds an hour to the clock of the day, for the program that is started with it, once a file is there.
const JUMP: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int) syscall(SYS_clock_gettime, clock, now);
    const char *file = getenv("JUMP_WHEN");
    if (clock == CLOCK_REALTIME && file != NULL && access(file, F_OK) == 0) now->tv_sec += 3600;
    return failed;
}
"#;

#[test]
fn a_clock_that_is_set_decides_nothing() {
    let lab = Lab::new();
    let at = |name: &str| lab.folder().join(name);
    std::fs::write(at("jump.c"), JUMP).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .args([at("jump.so"), at("jump.c")]);
    if !compiler.output().is_ok_and(|output| output.status.success()) {
        skip("there is no C compiler");
        return;
    }
    let (library, when) = (at("jump.so"), at("jump"));
    let variables = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("JUMP_WHEN", when.to_str().unwrap()),
    ];
    let run = Watched::start_with(&lab, &tiny().write(lab.folder()), &[], &variables);
    run.lines.event("sample");
    std::fs::write(&when, "").unwrap();
    run.lines.event("disturbance");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "the machine set its clock by 3600.0 s");
    until("nothing runs", || lab.processes().is_empty());
}
