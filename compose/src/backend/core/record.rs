//! What a running system leaves on disk, so that another invocation can take it up, or clean up after a lab that died.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use contract::Program;
use contract::environment::JWT_SECRET;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use crate::backend::{Role, docker};
use crate::error::Error;
use crate::machine::Machine;
use crate::path_text;
use crate::place::Place;
use crate::private;
use crate::servers::{self, Found, Server, Tenant};
use crate::stamp::ProcessStamp;
use crate::topology::{ServiceSpec, SystemSpec};

/// The version of [`SystemRecord`] that this crate writes; it reads the one before, too.
const SCHEMA: u32 = 4;
/// The folder within the state folder.
const FOLDER: &str = "systems";
const RUN_ID_CHARS_MAX: usize = 100;
/// Where a system's servers of others come from.
pub(in crate::backend) type Sources = BTreeMap<Program, Found>;

/// The record of a running system, `systems/RUN_ID.json` in the state folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// The version of this format.
    pub schema: u32,
    /// Counts the writes, so that a reader sees that it was overtaken.
    pub revision: u64,
    /// The backend that carries it.
    pub backend: String,
    /// Where the engine is that carries it, for a backend that has one.
    pub engine: Option<String>,
    /// The run that the system belongs to.
    pub run_id: String,
    /// The lab that started it.
    pub lab: ProcessStamp,
    /// The machine that it was started on; a record without one is of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// The state folder that it was started from, told apart from every other one.
    #[serde(default)]
    pub place: String,
    /// Whether it was meant to outlive that lab.
    pub detached: bool,
    /// Whether it came up wholly.
    pub complete: bool,
    /// When it was started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// The run's folder, which holds `logs/` and `data/`.
    #[serde(with = "path_text")]
    pub folder: PathBuf,
    /// The state folder that the record lies in.
    #[serde(with = "path_text")]
    pub state_folder: PathBuf,
    /// How long instances may take to end in good order.
    pub stop_timeout_ms: u64,
    /// The TCP port that the entry's front door was asked to take.
    pub entry_port: Option<u16>,
    /// The servers that the user named: their addresses, as clients are told them. Of these, none is started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external: BTreeMap<Program, String>,
    /// The specification as it stands now.
    pub spec: SystemSpec,
    /// Its instances.
    pub instances: Vec<InstanceRecord>,
}

/// What a recorded instance runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlatformId {
    /// A process of this machine.
    Process(ProcessStamp),
    /// A container.
    Container {
        /// The engine's id of it.
        id: String,
        /// When it was started, as the engine says it: a container that was started again is another one.
        started: String,
    },
}

/// One instance of a recorded system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// The instance's name.
    pub name: String,
    /// The alias of its service.
    pub service: String,
    /// Which program runs.
    pub program: Program,
    /// Whether it does the work or balances it.
    pub role: Role,
    /// Its number within the service; 0 for a balancer, and for a link its number within the system.
    pub index: u32,
    /// What it runs as.
    #[serde(alias = "carried")]
    pub platform_id: PlatformId,
    /// Its TCP port, once it listens.
    pub port: Option<u16>,
    /// The TCP port at which a link takes connections, where that is one of this machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_port: Option<u16>,
    /// When its process was started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// Whether it was killed on purpose.
    pub killed: bool,
    /// Where in its log file the part of the present start begins, in bytes.
    pub log_start: u64,
}

/// Makes a record of the schema before one of this schema. There, each server that the user named had a place of its own.
fn renew(record: &mut Value) {
    let services = record["spec"]["services"].as_array().cloned().unwrap_or_default();
    let kafka = services.iter().find(|service| service["service"] == "kafka");
    let named = [
        ("redis", record["external_redis"].clone()),
        ("postgres", record["external_postgres"].clone()),
        (
            "kafka",
            kafka.map_or(Value::Null, |kafka| kafka["env"]["KAFKA_BROKERS"].clone()),
        ),
    ];
    let named = named.into_iter().filter(|(_, address)| address.is_string());
    let named = named.map(|(program, address)| (program.to_owned(), address));
    record["external"] = Value::Object(named.collect());
    record["schema"] = json!(SCHEMA);
}

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
    pub(in crate::backend) fn new(
        backend: &str,
        run_id: String,
        folder: PathBuf,
        state_folder: PathBuf,
        spec: SystemSpec,
    ) -> Result<Self, Error> {
        let place = Place::of(&state_folder).map_err(Error::file("use", &state_folder))?;
        Ok(Self {
            schema: SCHEMA,
            revision: 0,
            backend: backend.to_owned(),
            engine: None,
            run_id,
            lab: ProcessStamp::own(),
            machine: Some(Machine::own().clone()),
            place: place.as_str().to_owned(),
            detached: false,
            complete: false,
            started: OffsetDateTime::now_utc(),
            folder,
            state_folder,
            stop_timeout_ms: 0,
            entry_port: None,
            external: BTreeMap::new(),
            spec,
            instances: Vec::new(),
        })
    }

    /// Where the record lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        record_path(&self.state_folder, &self.run_id)
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.path().with_extension("lock")
    }

    /// Writes down where the servers of others come from.
    pub(super) fn note(&mut self, sources: Sources) {
        for (program, found) in sources {
            let noted = servers::of(program).map_or_else(Vec::new, |server| server.noted(&found));
            for service in self.spec.services.iter_mut().filter(|spec| spec.service == program) {
                let noted = noted.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                service.env.extend(noted);
            }
            if let Found::Named(address) = found {
                self.external.insert(program, address);
            }
        }
    }

    /// The address of a service that somebody else runs; of several brokers the first.
    pub(in crate::backend) fn external(&self, service: &ServiceSpec) -> Option<Url> {
        let address = self.external.get(&service.service)?;
        let backing = servers::of(service.service).and_then(Server::backing)?;
        backing.urls(address).into_iter().next()
    }

    /// The system as a server of this kind sees it.
    pub(super) fn tenant(&self, program: Program) -> Tenant {
        Tenant {
            token: self.token(),
            named: self.external.get(&program).cloned(),
        }
    }

    /// The services that use the one with this alias.
    pub(super) fn callers_of(&self, callee: &str) -> Vec<String> {
        let ways = self.spec.ways().unwrap_or_default().into_iter();
        ways.filter(|(_, to)| *to == callee)
            .map(|(from, _)| from.to_owned())
            .collect()
    }

    /// Names the system on whatever it shares with others: a run's id is unique in one state folder only.
    pub(in crate::backend) fn token(&self) -> String {
        format!("{}:{:x}", self.run_id, self.started.unix_timestamp_nanos())
    }

    /// Whether its gateway signs tokens with the secret for development, which everybody knows.
    #[must_use]
    pub fn signs_with_default_secret(&self) -> bool {
        let mut gateways = self
            .spec
            .services
            .iter()
            .filter(|service| service.service == Program::Gateway);
        gateways.any(|gateway| gateway.env.get(JWT_SECRET).is_none_or(String::is_empty))
    }

    /// The processes of this machine that it runs as.
    pub(in crate::backend) fn processes(&self) -> impl Iterator<Item = (&str, &ProcessStamp)> {
        self.instances
            .iter()
            .filter_map(|instance| match &instance.platform_id {
                PlatformId::Process(stamp) => Some((instance.name.as_str(), stamp)),
                PlatformId::Container { .. } => None,
            })
    }

    /// Removes what the system kept on servers of somebody else.
    pub(super) async fn forget_elsewhere(&self) {
        for service in &self.spec.services {
            let backing = servers::of(service.service).and_then(Server::backing);
            let (Some(backing), Some(url)) = (backing, self.external(service)) else {
                continue;
            };
            let (tenant, callers) = (self.tenant(service.service), self.callers_of(&service.name));
            // Not worth failing for: nothing of anybody else is named like this, and a server that is gone keeps nothing.
            if let Err(reason) = backing.forget(&tenant, &url, &callers).await {
                tracing::warn!(reason, "what {} kept in {} stays there", self.run_id, service.name);
            }
        }
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

    /// Removes all files of the system that are of use only while it runs: all but its logs, which belong to the run's recording.
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

    /// The names of the instances that still run.
    ///
    /// # Errors
    /// An environment error when the engine that carries them does not answer.
    pub async fn running(&self) -> Result<Vec<String>, Error> {
        if self.backend == docker::NAME {
            return docker::running(self).await;
        }
        let alive = self.processes().filter(|(_, stamp)| stamp.is_alive());
        Ok(alive.map(|(name, _)| name.to_owned()).collect())
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

    /// Whether its lab has died and did not leave it running on purpose. Where it did, `leftovers` also asks
    /// whether anything of it still runs.
    pub(super) fn is_abandoned(&self) -> bool {
        !self.lab.is_alive() && (!self.detached || !self.complete)
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
    use super::*;
    use crate::topology::named_system;

    fn record(state: &Path, run_id: &str) -> SystemRecord {
        let spec = named_system("users").unwrap();
        SystemRecord::new("process", run_id.into(), state.join("run"), state.to_owned(), spec).unwrap()
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
        now.spec.services[0]
            .env
            .insert("KAFKA_BROKERS".into(), "a:1,b:2".into());
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
