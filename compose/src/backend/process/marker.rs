//! Which processes belong to a system, whoever knows of them: each carries the system's name in its environment, and so
//! does whatever it starts. A process that was started a moment before its lab was killed is in no record, and what a
//! server leaves behind when it is killed never was in one.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::handle::signal_foreign;
use super::own_data::{data_folder, keepers};
use crate::backend::core::files::records;
use crate::backend::core::record::SystemRecord;
use crate::error::Error;
use crate::place::Place;
use crate::servers::{self, Server};
use crate::stamp::ProcessStamp;

/// The variable by which a process says which system it belongs to. No program reads it.
pub(super) const VARIABLE: &str = "LAB_SYSTEM";
/// What stands between the place of a record and the system's own name.
const SEPARATOR: char = '#';
/// How often processes that were killed are looked for again.
const ROUNDS_MAX: u32 = 400;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What the processes of a system carry.
pub(super) fn of(record: &SystemRecord) -> String {
    format!("{}{SEPARATOR}{}", record.place, record.token())
}

/// Kills every process of a system that this user may kill, and waits until all have vanished; how many there were. Blocks.
pub(super) fn end_all_of(record: &SystemRecord) -> usize {
    let mark = of(record);
    let folders = folders_of(record);
    end_all(|seen| seen.mark.as_deref() == Some(mark.as_str()) || seen.works_in(&folders))
}

/// Kills the processes of systems of this place that have no record any more, or never had: what is left when somebody
/// deletes the records themselves. How many there were. Blocks.
///
/// # Errors
/// When the records cannot be read.
pub(super) fn end_unrecorded(state_folder: &std::path::Path) -> Result<usize, Error> {
    let failed = |source| Error::file("read", state_folder)(source);
    let Some(place) = Place::existing(state_folder).map_err(failed)? else {
        return Ok(0);
    };
    let prefix = format!("{}{SEPARATOR}", place.as_str());
    let marked: Vec<Seen> = platform::all()
        .filter(|seen| seen.mark.as_ref().is_some_and(|mark| mark.starts_with(&prefix)))
        .collect();
    // Read after the processes were listed: a record is there before anything that it stands for.
    let found = records(state_folder)?;
    if !found.unreadable.is_empty() {
        // Any process may belong to a record that cannot be read.
        return Ok(0);
    }
    let known: Vec<String> = found.systems.iter().chain(&found.elsewhere).map(of).collect();
    let strays: Vec<String> = marked
        .into_iter()
        .filter_map(|seen| seen.mark)
        .filter(|mark| !known.contains(mark))
        .collect();
    if strays.is_empty() {
        return Ok(0);
    }
    Ok(end_all(|seen| {
        seen.mark.as_ref().is_some_and(|mark| strays.contains(mark))
    }))
}

/// A process, as far as it says whose it is.
struct Seen {
    stamp: ProcessStamp,
    /// The value of [`VARIABLE`] in its environment.
    mark: Option<String>,
    /// The folder that it works in.
    folder: PathBuf,
    /// The name of its program.
    program: String,
}

impl Seen {
    fn works_in(&self, folders: &[PathBuf]) -> bool {
        let is_titled = |server: &&dyn Server| server.titled() == Some(self.program.as_str());
        servers::ALL.iter().any(is_titled) && folders.iter().any(|folder| self.folder.starts_with(folder))
    }
}

/// Where the processes of a system work that cannot say whose they are.
fn folders_of(record: &SystemRecord) -> Vec<PathBuf> {
    let data = keepers(record).map(|(_, instance)| data_folder(record, &instance));
    // As the kernel tells of them.
    data.chain([record.folder.clone()])
        .filter_map(|folder| folder.canonicalize().ok())
        .collect()
}

fn end_all(is_meant: impl Fn(&Seen) -> bool) -> usize {
    let mut ended = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let meant: Vec<ProcessStamp> = platform::all().filter(&is_meant).map(|seen| seen.stamp).collect();
        if meant.is_empty() {
            break;
        }
        for stamp in meant {
            // One that may not be killed is somebody else's.
            let _ = signal_foreign(&stamp, Signal::KILL);
            if !ended.contains(&stamp) {
                ended.push(stamp);
            }
        }
        thread::sleep(LOOK_EVERY);
    }
    ended.len()
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;

    use super::{ProcessStamp, Seen, VARIABLE};

    /// The living processes whose environment this user may see (proc(5)).
    pub(super) fn all() -> impl Iterator<Item = Seen> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter_map(seen)
    }

    fn seen(pid: u32) -> Option<Seen> {
        let stamp = ProcessStamp::of(pid)?;
        // Neither can be read of a process that has ended, even before its parent has asked how.
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let program = program.file_name()?.to_string_lossy();
        let seen = Seen {
            mark: mark_in(&environment),
            folder,
            program: program.trim_end_matches(" (deleted)").to_owned(),
            stamp,
        };
        // What was read belongs to one process, and not to a later one of the same id.
        seen.stamp.is_alive().then_some(seen)
    }

    pub(super) fn mark_in(environment: &[u8]) -> Option<String> {
        let variables = environment.split(|byte| *byte == 0);
        let marked = variables.filter_map(|variable| variable.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"="));
        marked.map(|mark| String::from_utf8_lossy(mark).into_owned()).next()
    }
}

/// Elsewhere than on Linux nobody's environment can be seen, and records alone say what runs.
#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn all() -> impl Iterator<Item = super::Seen> {
        std::iter::empty()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::topology::named_system;

    fn record(state: &std::path::Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("process", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
    }

    fn sleeper(mark: &str) -> std::process::Child {
        Command::new("sleep").arg("60").env(VARIABLE, mark).spawn().unwrap()
    }

    #[test]
    fn a_mark_is_found_among_other_variables() {
        let environment = b"PATH=/bin\0LAB_SYSTEM=place#run:1\0HOME=/root\0";
        assert_eq!(platform::mark_in(environment).as_deref(), Some("place#run:1"));
        assert_eq!(platform::mark_in(b"NOT_LAB_SYSTEM=x\0"), None);
    }

    #[test]
    fn a_process_that_no_record_names_ends_with_its_system_and_no_other_does() {
        let state = tempfile::tempdir().unwrap();
        let (mine, other) = (record(state.path(), "mine"), record(state.path(), "other"));
        let (mut own, mut foreign) = (sleeper(&of(&mine)), sleeper(&of(&other)));
        assert_eq!(end_all_of(&mine), 1);
        own.wait().unwrap();
        assert!(foreign.try_wait().unwrap().is_none());
        // The other one's record was never written, or somebody has deleted it.
        mine.write().unwrap();
        assert_eq!(end_unrecorded(state.path()).unwrap(), 1);
        foreign.wait().unwrap();
        let mut recorded = sleeper(&of(&mine));
        assert_eq!(end_unrecorded(state.path()).unwrap(), 0);
        assert_eq!(end_all_of(&mine), 1);
        recorded.wait().unwrap();
    }
}
