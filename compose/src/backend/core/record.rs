//! What is written down of a running system, so that another invocation can take it up, or clean up after a lab that died.

use std::collections::BTreeMap;
use std::path::PathBuf;

use contract::Program;
use contract::environment::JWT_SECRET;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::backend::Role;
use crate::error::Error;
use crate::machine::Machine;
use crate::path_text;
use crate::place::Place;
use crate::servers::Found;
use crate::stamp::ProcessStamp;
use crate::topology::SystemSpec;

/// The version of [`SystemRecord`] that this crate writes; it reads the one before, too.
pub(super) const SCHEMA: u32 = 4;
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
    /// What that backend keeps of the place itself, which nobody else reads.
    #[serde(alias = "engine", default)]
    pub platform: Value,
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
    /// What its backend knows it by, which nobody else reads; another start of the same instance is another one.
    #[serde(alias = "carried")]
    pub platform_id: Value,
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
pub(super) fn renew(record: &mut Value) {
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
            platform: Value::Null,
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

    /// Whether its lab has died and did not leave it running on purpose. Where it did, `leftovers` also asks
    /// whether anything of it still runs.
    pub(in crate::backend) fn is_abandoned(&self) -> bool {
        !self.lab.is_alive() && (!self.detached || !self.complete)
    }
}
