//! Which process is meant: its id together with the moment it started, because ids are used again.

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// A process that cannot be confused with a later one of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStamp {
    /// The process id.
    pub pid: u32,
    /// When it started, in a form that only this platform understands and that is only compared.
    pub started: String,
}

/// What the operating system says about a process at one moment.
pub(crate) struct Sighting {
    /// When it started; see [`ProcessStamp::started`].
    started: String,
    /// Whether it runs or could run: not a zombie.
    alive: bool,
    /// Whether it is stopped by a signal.
    stopped: bool,
    /// Processor time of all its threads.
    pub(crate) cpu_ms: Option<u64>,
    /// Resident memory.
    pub(crate) resident_bytes: Option<u64>,
}

impl ProcessStamp {
    /// The stamp of the process that has this id now, if there is one.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        platform::look(pid).map(|sighting| Self {
            pid,
            started: sighting.started,
        })
    }

    /// The stamp of this very process.
    #[must_use]
    pub fn own() -> Self {
        let pid = std::process::id();
        // Without a process file system the start is unknown; the id alone still tells that a lab was here.
        Self::of(pid).unwrap_or(Self {
            pid,
            started: String::new(),
        })
    }

    /// Within which start of its machine it runs, where the platform tells: ids are given anew after each.
    pub(crate) fn boot(&self) -> Option<&str> {
        self.started.split_once(':').map(|(boot, _)| boot)
    }

    /// Whether exactly this process still runs. A zombie does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.look().is_some_and(|sighting| sighting.alive)
    }

    /// Whether it is stopped by SIGSTOP.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.look().is_some_and(|sighting| sighting.stopped)
    }

    pub(crate) fn look(&self) -> Option<Sighting> {
        platform::look(self.pid).filter(|sighting| sighting.started == self.started)
    }

    /// The processes that this one has started and that still run; `None` where that cannot be told.
    pub(crate) fn children(&self) -> Option<Vec<u32>> {
        platform::children(self.pid).filter(|_| self.is_alive())
    }

    /// The processes that this one has started, and those that these have, as far as that can be told.
    pub(crate) fn descendants(&self) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut next = 0;
        let mut parent = Some(self.clone());
        while let Some(process) = parent {
            let children = process.children().unwrap_or_default().into_iter();
            found.extend(children.filter_map(Self::of));
            parent = found.get(next).cloned();
            next += 1;
        }
        found
    }

    pub(crate) fn id(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;

    use super::Sighting;

    /// Reads `/proc/PID/stat` (proc(5)). The second field is the program's name in brackets and may hold anything,
    /// so fields are counted from the last closing bracket: field 3, the state, is number 0 here.
    pub(super) fn look(pid: u32) -> Option<Sighting> {
        const STATE: usize = 0;
        const USER_TICKS: usize = 11;
        const SYSTEM_TICKS: usize = 12;
        const START_TICKS: usize = 19;
        const RESIDENT_PAGES: usize = 21;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let ticks = number(USER_TICKS)? + number(SYSTEM_TICKS)?;
        let pages = number(RESIDENT_PAGES)?;
        // Start times count from boot, so the boot belongs to them.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let state = *fields.get(STATE)?;
        Some(Sighting {
            started: format!("{}:{}", boot.trim(), fields.get(START_TICKS)?),
            alive: !matches!(state, "Z" | "X"),
            stopped: matches!(state, "T" | "t"),
            cpu_ms: Some(ticks * 1000 / rustix::param::clock_ticks_per_second()),
            resident_bytes: Some(pages * rustix::param::page_size() as u64),
        })
    }

    /// The children of a process with one thread (proc(5)).
    pub(super) fn children(pid: u32) -> Option<Vec<u32>> {
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        listed
            .split_ascii_whitespace()
            .map(|child| child.parse().ok())
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::process::Command;

    use super::Sighting;

    /// Asks `ps`, which POSIX systems without `/proc` have.
    pub(super) fn look(pid: u32) -> Option<Sighting> {
        let output = Command::new("ps")
            .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
            .output()
            .ok()?;
        let line = String::from_utf8(output.stdout).ok()?;
        let (state, started) = line.trim().split_once(char::is_whitespace)?;
        Some(Sighting {
            started: started.trim().to_owned(),
            alive: !state.starts_with('Z'),
            stopped: state.starts_with('T'),
            cpu_ms: None,
            resident_bytes: None,
        })
    }

    pub(super) fn children(_pid: u32) -> Option<Vec<u32>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_not_stopped() {
        let own = ProcessStamp::own();
        assert!(own.is_alive() && !own.is_stopped());
    }

    #[test]
    fn the_same_id_with_another_start_is_another_process() {
        let other = ProcessStamp {
            started: "before".into(),
            ..ProcessStamp::own()
        };
        assert!(!other.is_alive());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_processor_time_and_memory() {
        let sighting = ProcessStamp::own().look().unwrap();
        assert!(sighting.cpu_ms.is_some() && sighting.resident_bytes.unwrap() > 0);
    }
}
