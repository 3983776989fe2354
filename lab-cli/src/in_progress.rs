//! Which recordings are still being written: each run holds a lock in its folder until its reports are there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use compose::{Machine, ProcessStamp};
use serde::{Deserialize, Serialize};

/// The file that is locked; a run that has ended in order has none.
const FILE: &str = "in-progress";

/// A run in progress. Its folder is not removed while this value lives.
pub struct InProgress {
    path: PathBuf,
    _lock: File,
}

/// Who writes a recording.
#[derive(Serialize, Deserialize)]
struct Writer {
    machine: Machine,
    lab: ProcessStamp,
}

impl InProgress {
    /// Says that the run of this folder is in progress.
    ///
    /// # Errors
    /// When the file cannot be written or locked.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let mut lock = File::create(&path)?;
        lock.lock()?;
        let writer = Writer {
            machine: Machine::own().clone(),
            lab: ProcessStamp::own(),
        };
        lock.write_all(&serde_json::to_vec(&writer)?)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        // Where it stays, the lock still ends with this process.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a run is being recorded into this folder, as far as that can be told: one of another machine may be, unless it
/// has ended in order.
///
/// # Errors
/// When the file is there and cannot be looked at.
pub fn is_in_progress(folder: &Path) -> io::Result<bool> {
    let path = folder.join(FILE);
    let lock = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        lock => lock?,
    };
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
        // Its lab has died, unless locks do not reach to the machine that it lives on.
        Ok(()) => Ok(contract::json::from_slice(&fs::read(&path)?)
            .is_ok_and(|writer: Writer| !writer.machine.can_be_judged_here(&writer.lab))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_in_progress_until_it_has_ended_or_its_lab_has_died() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_in_progress(folder.path()).unwrap());
        let run = InProgress::begin(folder.path()).unwrap();
        assert!(is_in_progress(folder.path()).unwrap());
        drop(run);
        assert!(!is_in_progress(folder.path()).unwrap());
        // A lab that was killed lets go of its lock and leaves the file.
        fs::write(folder.path().join(FILE), "").unwrap();
        assert!(!is_in_progress(folder.path()).unwrap());
        let elsewhere = Writer {
            machine: Machine {
                host: "elsewhere".to_owned(),
                ..Machine::own().clone()
            },
            lab: ProcessStamp::own(),
        };
        fs::write(folder.path().join(FILE), serde_json::to_vec(&elsewhere).unwrap()).unwrap();
        assert!(is_in_progress(folder.path()).unwrap(), "that cannot be told here");
    }
}
