//! What happens to instances, told as events; and what they wrote.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use compose::{InstanceEvent, InstanceEventKind};
use tokio::sync::mpsc::Sender;

use super::bus::Bus;
use crate::event::{EventKind, InstanceInfo, InstanceState};

/// The backend must not wait for us: an event that does not fit is one nobody can use any more.
pub(super) fn to_queue(sender: Sender<InstanceEvent>) -> compose::EventSink {
    Arc::new(move |event| {
        let _ = sender.try_send(event);
    })
}

pub(super) fn emit(bus: &mut Bus, event: InstanceEvent) {
    let revived = bus
        .state()
        .arm_now()
        .is_some_and(|arm| arm.revived.contains(&event.service));
    let (state, crash) = match event.kind {
        InstanceEventKind::Started { .. } => (InstanceState::Starting, None),
        InstanceEventKind::Ready { .. } | InstanceEventKind::Resumed => (InstanceState::Ready, None),
        InstanceEventKind::Paused => (InstanceState::Paused, None),
        InstanceEventKind::Killed => (InstanceState::Dead, None),
        InstanceEventKind::Exited { expected: true, .. } => (InstanceState::Stopped, None),
        InstanceEventKind::Exited {
            code,
            signal,
            expected: false,
        } => {
            let how = match (code, signal) {
                (Some(code), _) => format!("it exited with status {code}"),
                (None, Some(signal)) => format!("signal {signal} ended it"),
                (None, None) => "it exited".to_owned(),
            };
            // A death that is part of the experiment is no crash.
            (InstanceState::Dead, Some(how).filter(|_| !revived))
        }
        InstanceEventKind::Listening { .. } | InstanceEventKind::Stopping => return,
    };
    bus.emit(EventKind::Instance(InstanceInfo {
        name: event.instance,
        service: event.service,
        state,
        crash,
    }));
}

/// Appends the logs of a turn to the run's, each under a line that says of which turn, and removes the turn's folder.
pub(super) fn collect_logs(turn: &Path, logs: &Path, arm: &str, round: u32) {
    let append = || -> std::io::Result<()> {
        if !turn.join("logs").is_dir() {
            // Interrupted before anything was written.
            return remove(turn);
        }
        std::fs::create_dir_all(logs)?;
        for entry in std::fs::read_dir(turn.join("logs"))? {
            let from: PathBuf = entry?.path();
            let Some(name) = from.file_name() else {
                continue;
            };
            let mut to = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(logs.join(name))?;
            std::io::Write::write_all(&mut to, format!("{{\"arm\":\"{arm}\",\"round\":{round}}}\n").as_bytes())?;
            std::io::copy(&mut std::fs::File::open(&from)?, &mut to)?;
        }
        remove(turn)
    };
    // Logs are a courtesy: a full disk must not take the measurement with it.
    if let Err(error) = append() {
        tracing::warn!(%error, turn = %turn.display(), "cannot collect the logs of a turn");
    }
}

/// Removes a folder. That it is gone already, or was never made, is no error.
fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
