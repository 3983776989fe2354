//! Signals at any moment: while a system starts, in the middle of a run, with instances that stand still. Nothing is left:
//! at once where the lab can hear the signal, and at the latest after `lab clean` where it cannot.
//!
//! The moments are drawn (`LAB_ATTACK_SEED`), and `LAB_ATTACK_TIMES=10` draws ten times as many.
#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::postgres::is_installed;
use common::scenario::{TWO_GATEWAYS, Tiny};
use common::{Lab, Running, pid, until};
use rustix::process::{Signal, kill_process};

/// What the lab hears, and ends in order at.
const HEARD: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];
/// Longer than a start takes: some signals come when the system is up.
const START_MS: u64 = 300;
/// Longer than a start, a warm-up and some seconds of load.
const RUN_MS: u64 = 1500;

const LONG: Tiny = Tiny {
    name: "long",
    duration_s: 600.0,
    system: TWO_GATEWAYS,
    load: "rate_per_s = 40",
    path: "/api/non-blocking",
    more: "",
};

/// Drawn moments (splitmix64).
struct Moments(u64);

impl Moments {
    fn below(&mut self, ms: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_micros((mixed ^ (mixed >> 31)) % (ms * 1000))
    }
}

/// Everything that belongs to a lab and is still there, in words.
fn left(lab: &Lab) -> Vec<String> {
    let processes = marked(lab).into_iter().map(|id| format!("process {id}"));
    let files = below(&lab.state())
        .into_iter()
        .filter(|path| !may_stay(&lab.state(), path));
    processes.chain(files.map(|path| path.display().to_string())).collect()
}

/// Processes that carry the lab's folder in their environment, or work in it.
fn marked(lab: &Lab) -> Vec<i32> {
    let folder = lab.folder().canonicalize().unwrap();
    let name = folder.file_name().unwrap().as_encoded_bytes();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let works_here = std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
        works_here || environment.windows(name.len()).any(|window| window == name)
    })
    .collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            let inner = if path.is_dir() { below(&path) } else { Vec::new() };
            inner.into_iter().chain([path])
        })
        .collect()
}

/// What a lab keeps when nothing runs: its own name, locks, progress, and recordings with their logs.
fn may_stay(state: &Path, path: &Path) -> bool {
    let inner = path.strip_prefix(state).unwrap();
    let names: Vec<_> = inner.iter().map(|name| name.to_string_lossy()).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let is_own = matches!(
        names[..],
        ["id" | "up" | "up.lock" | "systems" | "runs" | "runs.lock" | "learner.json" | "learner.lock"]
    );
    let is_recorded = names.first() == Some(&"runs") && !names.contains(&"data") && !names.contains(&"nginx");
    is_own || is_recorded
}

#[track_caller]
fn nothing_is_left(lab: &Lab, what: &str) {
    assert_eq!(left(lab), Vec::<String>::new(), "{what}");
}

/// Stops everything that the lab has started, as a machine that swaps itself to death would.
fn freeze(lab: &Lab, run: &Running) {
    let command = |id: i32| std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let own = command(i32::try_from(run.child.id()).unwrap());
    // A child that has not become its program yet still is the lab, which waits for it in the kernel (vfork(2)).
    for id in marked(lab).into_iter().filter(|id| command(*id) != own) {
        // It may just have ended.
        let _ = kill_process(pid(id.unsigned_abs()), Signal::STOP);
    }
}

/// Whether this process, and with it what it starts, ignores a signal (the masks of proc(5)).
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}

/// How many instances `lab up full` starts, with its balancer.
const OF_FULL: usize = 9;

/// Whether a whole system is up. A lab that is killed between the end of its start and its own end leaves one, as it was
/// asked to.
fn is_up(lab: &Lab) -> bool {
    let systems = lab.say("ps --json").code(0).json();
    let instances = systems[0]["instances"].as_array().cloned().unwrap_or_default();
    instances.len() == OF_FULL && instances.iter().all(|instance| instance["state"]["state"] == "ready")
}

/// Sends a signal to a lab at drawn moments, and looks for what is left.
fn attack(command: impl Fn(&Lab) -> Vec<PathBuf>, signals: &[Signal], moment_ms: u64, each: u64, frozen: bool) {
    assert!(
        !is_ignored(Signal::HUP) && !is_ignored(Signal::QUIT),
        "whoever started this test ignores HUP or QUIT, and so would the lab: run it without nohup, or by \
         `env --default-signal=HUP,QUIT cargo test`"
    );
    let mut moments = Moments(attack::seed());
    let count = each * attack::times() * signals.len() as u64;
    for (_, signal) in (0..count).zip(signals.iter().cycle()) {
        let lab = Lab::new();
        let mut run = lab.spawn(command(&lab));
        let moment = moments.below(moment_ms);
        std::thread::sleep(moment);
        if frozen {
            freeze(&lab, &run);
        }
        run.signal(*signal);
        let status = run.wait();
        let what = format!(
            "{signal:?} after {moment:?}, LAB_ATTACK_SEED={}, ended with {status}",
            attack::seed()
        );
        if status.success() || (*signal == Signal::KILL && is_up(&lab)) {
            // It had done what it was to do before it got the signal.
            lab.say("down").code(0);
        } else if *signal != Signal::KILL {
            nothing_is_left(&lab, &what);
        }
        // A child that has not become its program yet when its lab is killed holds the lab's locks, and bears no mark by which it
        // is known. That lasts until it next gets the processor, after which it ends by itself.
        until(&format!("nothing is left: {what}"), || {
            lab.say("clean").code(0);
            left(&lab).is_empty()
        });
    }
}

fn up(_lab: &Lab) -> Vec<PathBuf> {
    ["up", "full"].map(PathBuf::from).to_vec()
}

fn run(lab: &Lab) -> Vec<PathBuf> {
    let scenario = LONG.write(lab.folder());
    vec!["run".into(), scenario, "--ui".into(), "json".into()]
}

#[test]
fn a_signal_at_any_moment_of_a_start_leaves_nothing() {
    attack(up, &HEARD, START_MS, 4, false);
}

#[test]
fn a_kill_at_any_moment_of_a_start_leaves_nothing_that_is_not_cleaned() {
    attack(up, &[Signal::KILL], START_MS, 12, false);
}

#[test]
fn a_signal_at_any_moment_of_a_run_leaves_nothing() {
    attack(run, &HEARD, RUN_MS, 2, false);
}

#[test]
fn a_kill_at_any_moment_of_a_run_leaves_nothing_that_is_not_cleaned() {
    attack(run, &[Signal::KILL], RUN_MS, 4, false);
}

#[test]
fn instances_that_stand_still_do_not_stay_either() {
    attack(run, &[Signal::KILL, Signal::TERM], RUN_MS, 3, true);
}

/// Longer than a change from two gateways to six takes.
const SCALE_MS: u64 = 400;
/// A whole system without its gateways.
const WITHOUT_GATEWAYS: usize = OF_FULL - 3;

/// The names of the instances that `lab ps` shows as running, each with the id of its process.
fn shown(lab: &Lab) -> Vec<(String, i32)> {
    let systems = lab.say("ps --json").code(0).json();
    let instances = systems[0]["instances"].as_array().unwrap();
    let named = |instance: &serde_json::Value| {
        let pid = i32::try_from(instance["pid"].as_u64()?).unwrap();
        Some((instance["name"].as_str().unwrap().to_owned(), pid))
    };
    instances.iter().filter_map(named).collect()
}

#[test]
fn a_change_of_scale_that_is_cut_short_is_shown_as_it_is_and_can_be_finished() {
    let mut moments = Moments(attack::seed());
    let lab = Lab::new();
    lab.say("up full --scale gateway=2").code(0);
    let signals = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::KILL];
    let mut cut = 0;
    for round in 0..2 * attack::times() {
        for signal in signals {
            // Up, then down again: both ways are cut short.
            let wanted = if round % 2 == 0 { 6 } else { 2 };
            let mut change = lab.spawn(["scale".into(), format!("gateway={wanted}")]);
            let moment = moments.below(SCALE_MS);
            std::thread::sleep(moment);
            change.signal(signal);
            cut += usize::from(!change.wait().success());
            let what = format!(
                "to {wanted}, {signal:?} after {moment:?}, LAB_ATTACK_SEED={}",
                attack::seed()
            );
            // What runs is what is shown: neither a stranger nor somebody who has gone.
            until(&format!("{what}: what runs is what is shown"), || {
                let mut pids: Vec<i32> = shown(&lab).into_iter().map(|(_, pid)| pid).collect();
                let mut running: Vec<i32> = lab.processes().iter().map(|pid| pid.as_raw_nonzero().get()).collect();
                pids.sort_unstable();
                running.sort_unstable();
                pids == running
            });
            // The same number again ends what was begun, whatever had been written down of it.
            let other = if wanted == 2 { 3 } else { 2 };
            for count in [wanted, other] {
                lab.say(&format!("scale gateway={count}")).code(0);
                let gateways = shown(&lab);
                assert_eq!(gateways.len(), WITHOUT_GATEWAYS + count, "{what}: {gateways:?}");
            }
        }
    }
    assert!(cut > 0, "every change was over before its signal");
    lab.say("down").code(0);
    nothing_is_left(&lab, "a system whose changes were cut short");
}

#[test]
fn an_instance_that_is_not_written_down_when_its_lab_is_killed_ends_by_itself() {
    // No input is what an instance finds that was started by a lab which has gone.
    let said = Lab::new().say("serve users --once-recorded").code(4);
    assert!(
        said.stderr.contains("the lab that started this process has ended"),
        "{}",
        said.stderr
    );
    assert!(!said.stdout.contains("listening"), "{}", said.stdout);
}

/// A process that was killed with its lab, as the kernel shows it.
fn is_gone(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, Some(Some(state)) if state != 'Z' && state != 'X')
}

#[test]
fn a_postgresql_that_stands_still_dies_with_a_lab_that_is_killed() {
    if !is_installed() {
        return;
    }
    let lab = Lab::new();
    let on_postgres = Tiny {
        system: "entry = \"users\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"postgres\"",
        path: "/users",
        ..LONG
    };
    let scenario = on_postgres.write(lab.folder());
    let mut run = lab.spawn(["run".as_ref(), scenario.as_os_str(), "--ui".as_ref(), "json".as_ref()]);
    run.lines().event("sample");
    let (_, server) = shown(&lab).into_iter().find(|(name, _)| name == "postgres-1").unwrap();
    let server = server.unsigned_abs();
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
    let mut all: Vec<u32> = children
        .split_ascii_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    assert!(all.len() > 3, "a server has processes of its own: {children}");
    all.push(server);
    for id in &all {
        kill_process(pid(*id), Signal::STOP).unwrap();
    }
    run.signal(Signal::KILL);
    run.wait();
    until("no process of the server is left, with nobody cleaning up", || {
        all.iter().all(|id| is_gone(*id))
    });
    lab.say("clean").code(0).complains(&["cleaned up after"]);
    nothing_is_left(&lab, "a killed run on PostgreSQL");
}

#[test]
fn a_process_that_no_record_names_is_found_by_lab_clean_and_lab_down() {
    let lab = Lab::new();
    lab.say("up users").code(0);
    let record = &compose::records(&lab.state()).unwrap().systems[0];
    let mark = format!(
        "{}#{}:{:x}",
        record.place,
        record.run_id,
        record.started.unix_timestamp_nanos()
    );
    let stray = |mark: &str| {
        let mut command = std::process::Command::new("sleep");
        command.arg("600").env("LAB_SYSTEM", mark).spawn().unwrap()
    };
    // As of a lab that was killed between a start and the writing down of it, and of one whose record was deleted.
    let (mut unrecorded, mut lost) = (stray(&mark), stray(&format!("{}#gone-1:0", record.place)));
    let said = lab.say("clean").code(0).stdout;
    assert!(said.contains("ended 1 processes"), "{said}");
    common::wait(&mut lost);
    assert!(unrecorded.try_wait().unwrap().is_none(), "its system is up");
    lab.say("down").code(0);
    common::wait(&mut unrecorded);
}

#[test]
fn what_a_lab_that_died_was_writing_is_cleaned() {
    let lab = Lab::new();
    let systems = lab.state().join("systems");
    std::fs::create_dir_all(&systems).unwrap();
    let mut dead = std::process::Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    // As an older lab called them. No process of Linux has the larger number.
    for writer in [dead.id(), 4_000_000_000] {
        std::fs::write(systems.join(format!("run-1.{writer}.draft")), "half a rec").unwrap();
    }
    let said = lab.say("clean").code(0).stdout;
    assert_eq!(lab.records(), Vec::<PathBuf>::new(), "{said}");
    assert!(said.contains("removed 2 files"), "{said}");
    let said = lab.say("clean").code(0).stdout;
    assert!(said.contains("Nothing was left behind"), "{said}");
}

#[test]
fn a_run_in_progress_and_a_system_that_is_up_keep_their_recordings() {
    let lab = Lab::new();
    let short = Tiny {
        duration_s: 0.2,
        ..Tiny::default()
    }
    .write(lab.folder());
    for keep in [&[][..], &["--keep"]] {
        let mut command = lab.command(["run".as_ref(), short.as_os_str(), "--ui".as_ref(), "json".as_ref()]);
        command.args(keep);
        common::finish(command).code(0);
    }
    let mut long = lab.spawn(run(&lab));
    long.lines().event("sample");
    let said = lab.say("clean --recordings").code(0).stdout;
    assert!(
        said.contains("Removed 1 recorded runs") && said.contains("in progress") && said.contains("lab down"),
        "{said}"
    );
    long.signal(Signal::INT);
    assert_eq!(long.wait().code(), Some(130), "{}", long.stderr());
    let recorded = lab.say("runs --json").code(0).json();
    assert_eq!(
        recorded.as_array().unwrap().len(),
        2,
        "its report was written: {recorded}"
    );
    lab.say("down").code(0);
    let said = lab.say("clean --recordings").code(0).stdout;
    assert!(said.contains("Removed 2 recorded runs"), "{said}");
}
