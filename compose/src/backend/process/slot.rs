//! One named place in a running system, and the process that fills it now.

use std::path::{Path, PathBuf};
use std::time::Instant;

use contract::ServiceName;
use time::OffsetDateTime;
use url::Url;

use super::handle::Handle;
use super::record::InstanceRecord;
use crate::backend::{Instance, InstanceState, InstanceStats, Role};

/// What the lab knows of a process beyond what the process shows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Starting,
    Ready,
    Paused,
    Killed,
}

#[derive(Clone)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) service: String,
    /// Which program runs, which decides how it is talked to.
    pub(super) program: ServiceName,
    pub(super) role: Role,
    /// From 1; 0 for a balancer.
    pub(super) index: u32,
    pub(super) handle: Handle,
    pub(super) mark: Mark,
    pub(super) port: Option<u16>,
    pub(super) started: OffsetDateTime,
    /// The same moment on the clock that does not jump.
    pub(super) launched: Instant,
    pub(super) log: PathBuf,
    /// Where the present process's part of the log begins.
    pub(super) log_start: u64,
}

impl Slot {
    pub(super) fn from_record(record: &InstanceRecord, folder: &Path) -> Self {
        let mark = match record {
            InstanceRecord { killed: true, .. } => Mark::Killed,
            InstanceRecord { process, .. } if process.is_stopped() => Mark::Paused,
            InstanceRecord { port: None, .. } => Mark::Starting,
            InstanceRecord { .. } => Mark::Ready,
        };
        Self {
            name: record.name.clone(),
            service: record.service.clone(),
            program: record.program,
            role: record.role,
            index: record.index,
            handle: Handle::Foreign(record.process.clone()),
            mark,
            port: record.port,
            started: record.started,
            launched: Instant::now(),
            log: log_path(folder, &record.name),
            log_start: 0,
        }
    }

    pub(super) fn to_record(&self) -> InstanceRecord {
        InstanceRecord {
            name: self.name.clone(),
            service: self.service.clone(),
            program: self.program,
            role: self.role,
            index: self.index,
            process: self.handle.stamp().clone(),
            port: self.port,
            started: self.started,
            killed: self.mark == Mark::Killed,
        }
    }

    pub(super) fn state(&self) -> InstanceState {
        match (self.mark, self.handle.exit()) {
            (Mark::Killed, _) => InstanceState::Killed,
            (_, Some(exit)) => InstanceState::Exited {
                code: exit.code,
                signal: exit.signal,
            },
            (Mark::Starting, None) => InstanceState::Starting,
            (Mark::Ready, None) => InstanceState::Ready,
            (Mark::Paused, None) => InstanceState::Paused,
        }
    }

    /// Where it is reached, once it has said on which port.
    pub(super) fn url(&self) -> Option<Url> {
        let scheme = match self.program {
            ServiceName::Redis => "redis",
            _ => "http",
        };
        let url = format!("{scheme}://127.0.0.1:{}", self.port?);
        Some(Url::parse(&url).expect("a port of this machine makes a URL"))
    }

    pub(super) fn shown(&self) -> Instance {
        let state = self.state();
        Instance {
            name: self.name.clone(),
            service: self.service.clone(),
            role: self.role,
            state,
            url: self.url(),
            port: self.port,
            pid: state.is_running().then_some(self.handle.stamp().pid),
            started: self.started,
            log: Some(self.log.clone()),
        }
    }

    pub(super) fn stats(&self) -> InstanceStats {
        let sighting = self.handle.stamp().look();
        InstanceStats {
            instance: self.name.clone(),
            cpu_ms: sighting.as_ref().and_then(|sighting| sighting.cpu_ms),
            resident_bytes: sighting.and_then(|sighting| sighting.resident_bytes),
        }
    }
}

pub(super) fn log_path(folder: &Path, instance: &str) -> PathBuf {
    folder.join("logs").join(format!("{instance}.log"))
}
