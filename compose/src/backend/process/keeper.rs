//! Somebody who is left when a lab is killed: a small process that waits for the lab's end and then ends what the lab
//! had running.
//!
//! Most children ask the kernel to be killed with their parent. That does not reach what they have started themselves (the
//! processes of a PostgreSQL, for one), and a signal other than KILL does not reach anybody who stands still. A detached
//! system outlives its lab, but not one that had not come up.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::cleanup::end_recorded;
use super::marker;
use crate::backend::core::record::SystemRecord;

/// What `PROGRAM keep` is asked with.
const WORD: &str = "keep";
/// How long it may take to see that its lab is done.
const DISMISS_TIMEOUT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The keeper of this process, once there is one.
static KEEPER: Mutex<Option<Child>> = Mutex::new(None);

/// Tells the keeper of a system, whose record is written already. Without a keeper, whoever cleans up later does its work.
pub(super) fn entrust(program: &Path, record: &SystemRecord) {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = record.path().as_os_str().as_bytes().to_owned();
    // The only byte that no path has.
    told.push(0);
    for _ in 0..2 {
        if keeper.is_none() {
            *keeper = start(program).ok();
        }
        let input = keeper.as_mut().and_then(|keeper| keeper.stdin.as_mut());
        match input.map(|input| input.write_all(&told)) {
            // It has died; another one can be had.
            Some(Err(_)) => drop(keeper.take().map(|mut dead| dead.wait())),
            _ => return,
        }
    }
}

fn start(program: &Path) -> io::Result<Child> {
    Command::new(program)
        .arg(WORD)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What ends the lab by its terminal must not end its keeper.
        .process_group(0)
        .spawn()
}

/// Lets the keeper go, when everything that this process had running has ended or is to stay. Blocks for a moment.
pub fn dismiss_keeper() {
    let keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut keeper) = keeper else { return };
    drop(keeper.stdin.take());
    let mut left = DISMISS_TIMEOUT;
    while matches!(keeper.try_wait(), Ok(None)) && !left.is_zero() {
        thread::sleep(LOOK_EVERY);
        left = left.saturating_sub(LOOK_EVERY);
    }
}

/// The keeper's work: reads of systems until the lab has ended, whatever ended it, then ends the processes of those that
/// still have a record and were not left running on purpose. Records and files stay for whoever cleans up and says so.
///
/// # Errors
/// When the lab cannot be listened to.
pub fn keep(mut lab: impl Read) -> io::Result<()> {
    let mut told = Vec::new();
    lab.read_to_end(&mut told)?;
    let mut paths: Vec<&[u8]> = told.split(|byte| *byte == 0).filter(|path| !path.is_empty()).collect();
    paths.dedup();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for path in paths {
        // No record: its system was brought down.
        let Ok(record) = SystemRecord::read(Path::new(OsStr::from_bytes(path))) else {
            continue;
        };
        if record.detached && record.complete {
            continue;
        }
        let _ = runtime.block_on(end_recorded(&record));
        marker::end_all_of(&record);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::topology::named_system;

    fn record(state: &Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("process", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
    }

    fn told(paths: &[PathBuf]) -> Vec<u8> {
        paths
            .iter()
            .flat_map(|path| [path.as_os_str().as_bytes(), b"\0"].concat())
            .collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_stands_still_and_is_in_no_record_ends_with_the_lab_and_what_is_to_stay_stays() {
        use rustix::process::{Pid, Signal, kill_process};

        let state = tempfile::tempdir().unwrap();
        let (lost, mut kept) = (record(state.path(), "lost"), record(state.path(), "kept"));
        (kept.detached, kept.complete) = (true, true);
        let sleeper = |record: &SystemRecord| {
            record.write().unwrap();
            let mut command = Command::new("sleep");
            command
                .arg("60")
                .env(marker::VARIABLE, marker::of(record))
                .spawn()
                .unwrap()
        };
        let (mut frozen, mut staying) = (sleeper(&lost), sleeper(&kept));
        kill_process(Pid::from_child(&frozen), Signal::STOP).unwrap();
        let paths = [lost.path(), kept.path(), state.path().join("gone.json")];
        keep(told(&paths).as_slice()).unwrap();
        assert!(!frozen.wait().unwrap().success());
        assert!(staying.try_wait().unwrap().is_none());
        assert!(lost.path().exists(), "whoever cleans up says what was left");
        staying.kill().unwrap();
        staying.wait().unwrap();
    }
}
