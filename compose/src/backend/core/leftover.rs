//! Systems that nobody looks after any more.

use std::path::Path;

use super::record::{SystemRecord, records};
use crate::backend::docker;
use crate::backend::process::{end_processes, forget_processes};
use crate::error::Error;

/// A system that its lab can no longer bring down.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftover {
    /// What its lab wrote down.
    pub record: SystemRecord,
    /// The names of the instances that still run.
    pub running: Vec<String>,
}

impl Leftover {
    /// Ends exactly what the record names, and what that has started, and removes its data and the record. Logs stay: they
    /// belong to the run's recording.
    ///
    /// # Errors
    /// When a process cannot be killed, an engine does not answer, or a file cannot be removed.
    pub async fn clean(&self) -> Result<(), Error> {
        if self.record.backend == docker::NAME {
            docker::clean(&self.record).await?;
        }
        end_processes(self.record.processes()).await?;
        forget_processes(&self.record).await?;
        self.record.forget_elsewhere().await;
        self.record.remove_files()?;
        self.record.remove()
    }
}

/// The systems in a state folder that nobody looks after any more. Where an engine that carries some of them does not
/// answer, what still runs of those is not known, and they are told of as if nothing did.
///
/// # Errors
/// As [`records`].
pub async fn leftovers(state_folder: &Path) -> Result<Vec<Leftover>, Error> {
    let mut left = Vec::new();
    for record in records(state_folder)?.systems {
        if record.lab.is_alive() {
            continue;
        }
        let running = match (record.running().await, record.is_abandoned()) {
            (Ok(running), true) => running,
            (Ok(running), false) if running.is_empty() => running,
            (Err(_), true) => Vec::new(),
            // Left running on purpose, as far as is known.
            (_, false) => continue,
        };
        left.push(Leftover { record, running });
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use contract::Program;
    use time::OffsetDateTime;

    use super::*;
    use crate::backend::{InstanceRecord, PlatformId, Role};
    use crate::stamp::ProcessStamp;
    use crate::topology::named_system;

    fn record(state: &Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("process", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
    }

    fn dead() -> ProcessStamp {
        ProcessStamp {
            started: "before".into(),
            ..ProcessStamp::own()
        }
    }

    fn users(process: ProcessStamp) -> InstanceRecord {
        InstanceRecord {
            name: "users-1".into(),
            service: "users".into(),
            program: Program::Users,
            role: Role::Instance,
            index: 1,
            platform_id: PlatformId::Process(process),
            port: None,
            link_port: None,
            started: OffsetDateTime::UNIX_EPOCH,
            killed: false,
            log_start: 0,
        }
    }

    #[tokio::test]
    async fn only_a_system_without_its_lab_is_left_over() {
        let state = tempfile::tempdir().unwrap();
        let mut system = record(state.path(), "one");
        let is_left_over = async |system: &SystemRecord| {
            system.write().unwrap();
            !leftovers(state.path()).await.unwrap().is_empty()
        };
        assert!(!is_left_over(&system).await, "its lab lives");
        system.lab = dead();
        assert!(is_left_over(&system).await);
        system.detached = true;
        system.complete = true;
        assert!(is_left_over(&system).await, "nothing of it runs");
        system.instances.push(users(ProcessStamp::own()));
        assert!(!is_left_over(&system).await, "left running on purpose");
        system.complete = false;
        assert!(is_left_over(&system).await, "its lab died while it started");
    }

    #[tokio::test]
    async fn cleaning_does_not_touch_a_process_that_only_has_the_same_id() {
        let state = tempfile::tempdir().unwrap();
        let mut system = record(state.path(), "one");
        system.lab = dead();
        // Our own id: were the start not compared, this test would end itself.
        system.instances.push(users(dead()));
        system.write().unwrap();
        let left = leftovers(state.path()).await.unwrap();
        assert_eq!(left[0].running, Vec::<String>::new());
        left[0].clean().await.unwrap();
        assert!(leftovers(state.path()).await.unwrap().is_empty());
    }
}
