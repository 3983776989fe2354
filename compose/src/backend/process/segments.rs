//! Shared memory with a name, which stays in the machine's memory when those who use it are killed. Servers say how such
//! names of theirs begin.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Signal, kill_process};

use crate::servers::{self, Server};
use crate::stamp::ProcessStamp;

/// Where a name is a file, on Linux.
const FOLDER: &str = "/dev/shm";

/// What some processes, which are about to be killed, share.
pub(super) struct Segments(Vec<PathBuf>);

impl Segments {
    /// None.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those that these processes use. They are stopped first, so that none makes another one.
    pub(super) fn of(processes: &[ProcessStamp]) -> Self {
        let users = processes.iter().filter(|process| uses_any(process.pid));
        for user in users.clone().filter(|user| user.is_alive()) {
            if let Some(pid) = user.id() {
                let _ = kill_process(pid, Signal::STOP);
            }
        }
        let mut segments: Vec<PathBuf> = users.flat_map(|user| used_by(user.pid)).collect();
        segments.sort();
        segments.dedup();
        Self(segments)
    }

    /// Takes their names away: they are gone with the last who uses them.
    pub(super) fn remove(self) {
        for segment in self.0 {
            // One that is gone already is no loss.
            let _ = fs::remove_file(segment);
        }
    }
}

fn uses_any(pid: u32) -> bool {
    !used_by(pid).is_empty()
}

fn used_by(pid: u32) -> Vec<PathBuf> {
    named_in(&fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default())
}

/// Reads lines that end with the file that is mapped (proc(5)).
fn named_in(maps: &str) -> Vec<PathBuf> {
    let mapped = maps
        .lines()
        .filter_map(|line| Some(Path::new(line.get(line.find('/')?..)?)));
    let is_segment = |path: &&Path| {
        let name = path.file_name().map_or_else(Default::default, OsStr::to_string_lossy);
        let mut prefixes = servers::ALL.into_iter().filter_map(Server::shared_memory);
        path.parent() == Some(Path::new(FOLDER)) && prefixes.any(|prefix| name.starts_with(prefix))
    };
    mapped.filter(is_segment).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_told_from_other_files() {
        let maps = "\
7f00-7f01 rw-s 00000000 00:1a 5    /dev/shm/PostgreSQL.123
7f02-7f03 r--p 00000000 00:1a 6    /usr/lib/PostgreSQL.so
7f04-7f05 rw-s 00000000 00:1a 7    /dev/shm/other
7f06-7f07 rw-p 00000000 00:00 0
";
        assert_eq!(named_in(maps), [PathBuf::from("/dev/shm/PostgreSQL.123")]);
    }
}
