//! One named place in a running system, and what fills it now.

use std::path::{Path, PathBuf};
use std::time::Instant;

use contract::Program;
use time::OffsetDateTime;
use url::Url;

use super::platform::Handle;
use super::record::InstanceRecord;
use crate::backend::{Instance, InstanceState, Role};
use crate::servers::address;

/// What the lab knows of an instance beyond what it shows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Starting,
    Ready,
    Paused,
    Killed,
}

#[derive(Clone)]
pub(super) struct Slot<H> {
    pub(super) name: String,
    pub(super) service: String,
    /// Which program runs, which decides how it is talked to.
    pub(super) program: Program,
    pub(super) role: Role,
    /// From 1; 0 for a balancer. For a link, its place in the specification.
    pub(super) index: u32,
    pub(super) handle: H,
    pub(super) mark: Mark,
    pub(super) port: Option<u16>,
    /// Where a link takes connections; `port` is where it is controlled.
    pub(super) link_port: Option<u16>,
    pub(super) started: OffsetDateTime,
    /// The same moment on the clock that does not jump.
    pub(super) launched: Instant,
    pub(super) log: PathBuf,
    /// Where the present process's part of the log begins.
    pub(super) log_start: u64,
}

impl<H: Handle> Slot<H> {
    pub(super) fn from_record(record: &InstanceRecord, folder: &Path, handle: H, is_paused: bool) -> Self {
        let mark = match record {
            InstanceRecord { killed: true, .. } => Mark::Killed,
            _ if is_paused => Mark::Paused,
            InstanceRecord { port: None, .. } => Mark::Starting,
            InstanceRecord { .. } => Mark::Ready,
        };
        Self {
            name: record.name.clone(),
            service: record.service.clone(),
            program: record.program,
            role: record.role,
            index: record.index,
            handle,
            mark,
            port: record.port,
            link_port: record.link_port,
            started: record.started,
            launched: Instant::now(),
            log: log_path(folder, &record.name),
            log_start: record.log_start,
        }
    }

    pub(super) fn to_record(&self) -> InstanceRecord {
        InstanceRecord {
            name: self.name.clone(),
            service: self.service.clone(),
            program: self.program,
            role: self.role,
            index: self.index,
            platform_id: self.handle.platform_id(),
            port: self.port,
            link_port: self.link_port,
            started: self.started,
            killed: self.mark == Mark::Killed,
            log_start: self.log_start,
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
        Some(address(self.program, "127.0.0.1", self.port?))
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
            pid: self.handle.pid().filter(|_| state.is_running()),
            started: self.started,
            log: Some(self.log.clone()),
        }
    }
}

pub(super) fn log_path(folder: &Path, instance: &str) -> PathBuf {
    folder.join("logs").join(format!("{instance}.log"))
}
