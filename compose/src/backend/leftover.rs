//! Systems that nobody looks after any more.

use std::path::Path;

use super::core::files::records;
use super::core::record::SystemRecord;
use super::registry::BackendRegistry;
use crate::error::Error;

/// A system that its lab can no longer bring down.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftover {
    /// What its lab wrote down.
    pub record: SystemRecord,
    /// The names of the instances that still run.
    pub running: Vec<String>,
}

impl BackendRegistry {
    /// Ends exactly what a record names, and what that has started, and removes its data and the record. Logs stay: they
    /// belong to the run's recording.
    ///
    /// # Errors
    /// When this lab does not have the backend of the system, something cannot be ended or removed, or what the system runs
    /// on does not answer. The record stays then.
    pub async fn clean(&self, record: &SystemRecord) -> Result<(), Error> {
        self.of(record)?.clean(record).await?;
        record.forget_elsewhere().await;
        record.remove_files()?;
        record.remove()
    }

    /// The names of the instances of a recorded system that still run.
    ///
    /// # Errors
    /// When this lab does not have the backend of the system or does not understand what that has written down, and when
    /// what the system runs on does not answer.
    pub async fn running(&self, record: &SystemRecord) -> Result<Vec<String>, Error> {
        self.of(record)?.running(record).await
    }

    /// The systems in a state folder that nobody looks after any more. Those of a backend that this lab does not have are not
    /// among them. Where what some of them run on does not answer, what still runs of those is not known, and they are told
    /// of as if nothing did.
    ///
    /// # Errors
    /// As [`records`].
    pub async fn leftovers(&self, state_folder: &Path) -> Result<Vec<Leftover>, Error> {
        let mut left = Vec::new();
        for record in records(state_folder)?.systems {
            if record.lab.is_alive() {
                continue;
            }
            let running = match (self.running(&record).await, record.is_abandoned()) {
                (Ok(running), true) => running,
                (Ok(running), false) if running.is_empty() => running,
                (Err(error), true) if error.is_out_of_reach() => Vec::new(),
                // Left running on purpose, as far as is known, or none of what this lab understands.
                _ => continue,
            };
            left.push(Leftover { record, running });
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use contract::Program;
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::backend::{InstanceRecord, Role};
    use crate::stamp::ProcessStamp;
    use crate::topology::named_system;

    fn record(state: &Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("process", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
    }

    fn registry() -> BackendRegistry {
        BackendRegistry::of_current_program().unwrap()
    }

    fn dead() -> ProcessStamp {
        ProcessStamp {
            started: "before".into(),
            ..ProcessStamp::own()
        }
    }

    fn users(process: &ProcessStamp) -> InstanceRecord {
        InstanceRecord {
            name: "users-1".into(),
            service: "users".into(),
            program: Program::Users,
            role: Role::Instance,
            index: 1,
            platform_id: json!({ "process": process }),
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
            !registry().leftovers(state.path()).await.unwrap().is_empty()
        };
        assert!(!is_left_over(&system).await, "its lab lives");
        system.lab = dead();
        assert!(is_left_over(&system).await);
        system.detached = true;
        system.complete = true;
        assert!(is_left_over(&system).await, "nothing of it runs");
        system.instances.push(users(&ProcessStamp::own()));
        assert!(!is_left_over(&system).await, "left running on purpose");
        system.complete = false;
        assert!(is_left_over(&system).await, "its lab died while it started");
    }

    /// A record as an older lab wrote it, moved to this state folder, with this process for what it started.
    fn older(text: &str, state: &Path, carried: &serde_json::Value) -> SystemRecord {
        let mut record: serde_json::Value = serde_json::from_str(text).unwrap();
        record["state_folder"] = json!(state);
        record["folder"] = json!(state.join("run"));
        // Records had no machine once, and then are of this one.
        record.as_object_mut().unwrap().remove("machine");
        for (key, value) in carried.as_object().unwrap() {
            record["instances"][0]["carried"][key] = value.clone();
        }
        let path = state.join("systems/users-1.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, record.to_string()).unwrap();
        SystemRecord::read(&path).unwrap()
    }

    #[tokio::test]
    async fn a_record_of_an_older_lab_is_read_and_cleaned_up() {
        let state = tempfile::tempdir().unwrap();
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let stamp = ProcessStamp::of(sleeper.id()).unwrap();
        let record = older(
            include_str!("older/process.json"),
            state.path(),
            &json!({ "process": stamp }),
        );
        assert_eq!(registry().running(&record).await.unwrap(), ["users-1"]);
        assert!(
            registry().leftovers(state.path()).await.unwrap().is_empty(),
            "left running on purpose"
        );
        registry().clean(&record).await.unwrap();
        assert!(!sleeper.wait().unwrap().success());
        assert!(records(state.path()).unwrap().systems.is_empty());
    }

    #[tokio::test]
    async fn a_record_of_an_older_lab_still_says_which_engine_carries_its_system() {
        let state = tempfile::tempdir().unwrap();
        let mut record = older(include_str!("older/docker.json"), state.path(), &json!({}));
        assert_eq!(record.platform, "unix:///var/run/docker.sock");
        let address = format!("unix://{}/no.sock", state.path().display());
        record.platform = json!(address);
        let error = registry().clean(&record).await.unwrap_err();
        assert!(
            error.is_out_of_reach() && error.to_string().contains(&address),
            "{error}"
        );
        assert!(record.path().exists(), "its containers may still be there");
    }

    #[tokio::test]
    async fn a_system_that_this_lab_does_not_understand_is_left_alone_and_named() {
        let state = tempfile::tempdir().unwrap();
        let mut foreign = record(state.path(), "foreign");
        (foreign.lab, foreign.backend) = (dead(), "cloud".to_owned());
        foreign.write().unwrap();
        let mut later = record(state.path(), "later");
        later.lab = dead();
        later.instances.push(users(&ProcessStamp::own()));
        later.instances[0].platform_id = json!({ "fibre": 7 });
        later.write().unwrap();
        assert_eq!(registry().leftovers(state.path()).await.unwrap(), []);
        for (record, named) in [(&foreign, ["foreign", "cloud"]), (&later, ["later", "users-1"])] {
            for error in [
                registry().clean(record).await.unwrap_err(),
                registry().running(record).await.unwrap_err(),
            ] {
                let error = error.to_string();
                assert!(named.iter().all(|name| error.contains(name)), "{error}");
            }
            assert!(record.path().exists());
        }
    }

    #[tokio::test]
    async fn cleaning_does_not_touch_a_process_that_only_has_the_same_id() {
        let state = tempfile::tempdir().unwrap();
        let mut system = record(state.path(), "one");
        system.lab = dead();
        // Our own id: were the start not compared, this test would end itself.
        system.instances.push(users(&dead()));
        system.write().unwrap();
        let left = registry().leftovers(state.path()).await.unwrap();
        assert_eq!(left[0].running, Vec::<String>::new());
        registry().clean(&left[0].record).await.unwrap();
        assert!(registry().leftovers(state.path()).await.unwrap().is_empty());
    }
}
