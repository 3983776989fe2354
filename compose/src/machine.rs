//! Which machine this is: what a process id means depends on it.

use std::fs;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::stamp::ProcessStamp;

/// How many letters and digits of the machine's own name are kept where a word is needed.
const WORD_CHARS_MAX: usize = 40;

/// A machine, as far as process ids on it have one meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its host name.
    pub host: String,
    /// What its operating system calls it; empty where there is no such name.
    pub id: String,
    /// Within which process ids are numbered; a container has its own. Empty where that cannot be told.
    pub processes: String,
}

impl Machine {
    /// The one that this process runs on.
    #[must_use]
    pub fn own() -> &'static Self {
        static OWN: LazyLock<Machine> = LazyLock::new(|| Machine {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            id: fs::read_to_string("/etc/machine-id")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            processes: fs::read_link("/proc/self/ns/pid")
                .map(|namespace| namespace.to_string_lossy().into_owned())
                .unwrap_or_default(),
        });
        &OWN
    }

    /// Whether this process can tell if a process of that machine lives. Process ids of a machine that was started again
    /// since mean nothing any more, so within what they were numbered does not matter then.
    #[must_use]
    pub fn can_be_judged_here(&self, process: &ProcessStamp) -> bool {
        let own = Self::own();
        let is_same_machine = self.host == own.host && self.id == own.id;
        is_same_machine && (self.processes == own.processes || process.boot() != ProcessStamp::own().boot())
    }

    /// Its host name as a word that file names and labels may hold.
    #[must_use]
    pub(crate) fn host_word(&self) -> String {
        let allowed = |char: &char| char.is_ascii_alphanumeric() || *char == '-';
        self.host.chars().filter(allowed).take(WORD_CHARS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_another_machine_or_container_are_not_judged() {
        let stamp = ProcessStamp::own();
        assert!(Machine::own().can_be_judged_here(&stamp));
        let own = Machine::own().clone();
        let other_host = Machine {
            host: "elsewhere".to_owned(),
            ..own.clone()
        };
        let other_id = Machine {
            id: "0".to_owned(),
            ..own.clone()
        };
        let other_container = Machine {
            processes: "pid:[1]".to_owned(),
            ..own
        };
        for other in [other_host, other_id, other_container.clone()] {
            assert!(!other.can_be_judged_here(&stamp), "{other:?}");
        }
        let before_this_boot = ProcessStamp {
            started: "another-boot:7".to_owned(),
            ..stamp
        };
        assert!(other_container.can_be_judged_here(&before_this_boot));
    }
}
