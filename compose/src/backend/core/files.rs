//! Records as files: written so that nobody reads half of one, listed, and told apart from those of other machines.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::record::{SCHEMA, SystemRecord, renew};
use crate::error::Error;
use crate::private;
use crate::servers;

/// The folder within the state folder.
const FOLDER: &str = "systems";
const RUN_ID_CHARS_MAX: usize = 100;

/// What [`records`] finds.
#[derive(Debug, Default)]
pub struct Records {
    /// The systems, oldest first.
    pub systems: Vec<SystemRecord>,
    /// Systems of another machine that shares the folder, or of a folder that this one is a copy of: whether they run
    /// cannot be told here, and nothing may be done to them.
    pub elsewhere: Vec<SystemRecord>,
    /// Records that cannot be read, each with the reason.
    pub unreadable: Vec<Error>,
}

impl SystemRecord {
    /// Where the record lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        record_path(&self.state_folder, &self.run_id)
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.path().with_extension("lock")
    }

    /// Reads one record.
    ///
    /// # Errors
    /// An environment error when there is none, an unexpected one when it cannot be understood.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read(path).map_err(Error::file("read the record", path))?;
        let bad = |reason: String| Error::BadRecord {
            path: path.to_owned(),
            reason,
        };
        let mut found: Value = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if found["schema"] == SCHEMA - 1 {
            renew(&mut found);
        }
        let record: Self = serde_json::from_value(found).map_err(|error| bad(error.to_string()))?;
        if record.schema == SCHEMA {
            Ok(record)
        } else {
            Err(bad(format!(
                "it has schema {}, and this lab reads {SCHEMA}",
                record.schema
            )))
        }
    }

    /// Writes the record so that a reader sees either the old or the new one, never half of it.
    /// It may hold the password of a server of somebody else, so nobody but this user may read it.
    pub(in crate::backend) fn write(&self) -> Result<(), Error> {
        let path = self.path();
        let folder = self.state_folder.join(FOLDER);
        private::make_folder(&folder).map_err(Error::file("create", &folder))?;
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::BadRecord {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        private::write(&path, &text).map_err(Error::file("write", &path))
    }

    /// Removes all files of the system that are of use only while it runs: all but its logs, which belong to the run's
    /// recording.
    pub(in crate::backend) fn remove_files(&self) -> Result<(), Error> {
        let configured = servers::ALL.into_iter().filter(|server| server.configured().is_some());
        let of_servers = configured.map(|server| server.program().as_str());
        for name in std::iter::once("data").chain(of_servers) {
            let folder = self.folder.join(name);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &folder)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the record and what goes with it. That it is gone already is no error.
    pub(in crate::backend) fn remove(&self) -> Result<(), Error> {
        for path in [self.path(), self.lock_path()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it was started on this machine and from this very folder, so that what is said of processes and files in it
    /// can be looked at here.
    fn is_of(&self, state_folder: &Path) -> bool {
        let is_of_machine = self
            .machine
            .as_ref()
            .is_none_or(|machine| machine.can_be_judged_here(&self.lab));
        let is_copy = match (self.state_folder.canonicalize(), state_folder.canonicalize()) {
            (Ok(written), Ok(read)) => written != read,
            // The folder was moved.
            _ => false,
        };
        is_of_machine && !is_copy
    }
}

/// The systems recorded in a state folder.
///
/// # Errors
/// When the folder is there and cannot be read. Single records that cannot be read are in the result.
pub fn records(state_folder: &Path) -> Result<Records, Error> {
    let folder = state_folder.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Records::default()),
        entries => entries.map_err(Error::file("read", &folder))?,
    };
    let mut found = Records::default();
    for entry in entries {
        let path = entry.map_err(Error::file("read", &folder))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match SystemRecord::read(&path) {
            Ok(record) if record.is_of(state_folder) => found.systems.push(record),
            Ok(record) => found.elsewhere.push(record),
            // Brought down between the listing and the reading.
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => found.unreadable.push(error),
        }
    }
    found.systems.sort_by_key(|record| record.started);
    Ok(found)
}

pub(super) fn record_path(state_folder: &Path, run_id: &str) -> PathBuf {
    state_folder.join(FOLDER).join(format!("{run_id}.json"))
}

/// A run's id becomes a file's name, so it must not lead anywhere else.
pub(super) fn check_run_id(run_id: &str) -> Result<(), Error> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let good = run_id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && run_id.len() <= RUN_ID_CHARS_MAX
        && run_id.chars().all(allowed);
    if good {
        Ok(())
    } else {
        Err(Error::BadRunId {
            run_id: run_id.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contract::Program;
    use serde_json::json;

    use super::*;
    use crate::topology::named_system;

    fn record(state: &Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("any", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
    }

    #[test]
    fn a_record_is_read_back_and_removed() {
        let state = tempfile::tempdir().unwrap();
        let written = record(state.path(), "one");
        written.write().unwrap();
        let found = records(state.path()).unwrap();
        assert_eq!(found.systems, std::slice::from_ref(&written));
        written.remove().unwrap();
        written.remove().expect("removing twice is no error");
        assert!(records(state.path()).unwrap().systems.is_empty());
    }

    #[test]
    fn a_record_of_the_schema_before_is_read() {
        let state = tempfile::tempdir().unwrap();
        let mut now = record(state.path(), "one");
        now.spec = named_system("events").unwrap();
        now.external = BTreeMap::from([
            (Program::Redis, "redis://memory:1".to_owned()),
            (Program::Kafka, "a:1,b:2".to_owned()),
        ]);
        let mut services = now.spec.services.iter_mut();
        let kafka = services.find(|service| service.service == Program::Kafka).unwrap();
        kafka.env.insert("KAFKA_BROKERS".into(), "a:1,b:2".into());
        let mut before = serde_json::to_value(&now).unwrap();
        before["schema"] = json!(3);
        before.as_object_mut().unwrap().remove("external");
        before["external_redis"] = json!("redis://memory:1");
        now.write().unwrap();
        fs::write(now.path(), serde_json::to_vec(&before).unwrap()).unwrap();
        assert_eq!(SystemRecord::read(&now.path()).unwrap(), now);
    }

    #[test]
    fn a_broken_record_does_not_hide_the_others() {
        let state = tempfile::tempdir().unwrap();
        record(state.path(), "good").write().unwrap();
        fs::write(record_path(state.path(), "bad"), "{").unwrap();
        let found = records(state.path()).unwrap();
        assert_eq!((found.systems.len(), found.unreadable.len()), (1, 1));
    }

    #[test]
    fn a_record_may_lie_anywhere_and_nobody_else_reads_it() {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::MetadataExt;

        let folder = tempfile::tempdir().unwrap();
        for name in [&b"a b%20?#\"\n:"[..], b"a\xffb"] {
            let state = folder.path().join(std::ffi::OsStr::from_bytes(name));
            let mut written = record(&state, "one");
            let secret = "postgres://me:secret@db.example".to_owned();
            written.external.insert(Program::Postgres, secret);
            written.write().unwrap();
            let found = records(&state).unwrap();
            assert_eq!(found.systems, [written.clone()]);
            for (path, mode) in [(written.path(), 0o600), (state.join(FOLDER), 0o700), (state, 0o700)] {
                assert_eq!(path.metadata().unwrap().mode() & 0o777, mode, "{}", path.display());
            }
        }
    }

    #[test]
    fn records_of_another_machine_and_of_a_copied_folder_are_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let (state, copy) = (folder.path().join("state"), folder.path().join("copy"));
        record(&state, "ours").write().unwrap();
        let mut foreign = record(&state, "foreign");
        if let Some(machine) = &mut foreign.machine {
            machine.host = "elsewhere".to_owned();
        }
        foreign.write().unwrap();
        let found = records(&state).unwrap();
        assert_eq!((found.systems.len(), found.elsewhere.as_slice()), (1, &[foreign][..]));
        fs::create_dir_all(copy.join(FOLDER)).unwrap();
        fs::copy(record_path(&state, "ours"), record_path(&copy, "ours")).unwrap();
        let found = records(&copy).unwrap();
        assert_eq!((found.systems.len(), found.elsewhere.len()), (0, 1));
        fs::remove_dir_all(&state).unwrap();
        assert_eq!(records(&copy).unwrap().systems.len(), 1, "the folder was moved here");
    }

    #[test]
    fn a_run_id_cannot_leave_the_folder() {
        for bad in ["", "../x", "a/b", ".hidden", "a b"] {
            assert!(check_run_id(bad).is_err(), "{bad}");
        }
        check_run_id("2026-01-01T00-00-00_scaling.1").unwrap();
    }
}
