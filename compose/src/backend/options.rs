//! What [`Backend::up`](super::Backend::up) needs to know beside the specification.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::instance::InstanceEvent;

/// Receives what happens to instances. It is called from several threads and must return at once: hand the event to
/// a bounded queue and go on.
pub type EventSink = Arc<dyn Fn(InstanceEvent) + Send + Sync>;

/// How far something that takes a while has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, such as `loading the image of the services`.
    pub what: String,
    /// How many bytes are done.
    pub done_bytes: u64,
    /// How many there are, where that is known.
    pub total_bytes: Option<u64>,
}

/// Receives progress. As an [`EventSink`], it must return at once.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// How a system is started.
#[derive(Clone)]
pub struct UpOptions {
    /// The run that the system belongs to; unique on this machine. It names the system's record.
    pub run_id: String,
    /// The run's folder: logs go to `logs/INSTANCE.log` in it, databases to `data/`. Created when missing.
    pub folder: PathBuf,
    /// The lab's state folder: the record is written to `systems/RUN_ID.json` in it. Created when missing.
    pub state_folder: PathBuf,
    /// Leave the system running when the program that started it ends.
    pub detach: bool,
    /// The TCP port of the entry's front door; `None` takes a free one.
    pub entry_port: Option<u16>,
    /// How long all instances together may take to become ready.
    pub ready_timeout: Duration,
    /// How long instances may take to end in good order before they are killed.
    pub stop_timeout: Duration,
    /// Told of everything that happens to instances, until the system is dropped.
    pub events: Option<EventSink>,
}

impl UpOptions {
    /// Options for a system that lives no longer than its starter, with 30 s to become ready and 2 s to end.
    pub fn new(run_id: impl Into<String>, folder: impl Into<PathBuf>, state_folder: impl Into<PathBuf>) -> Self {
        Self {
            run_id: run_id.into(),
            folder: folder.into(),
            state_folder: state_folder.into(),
            detach: false,
            entry_port: None,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(2),
            events: None,
        }
    }
}

impl fmt::Debug for UpOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpOptions")
            .field("run_id", &self.run_id)
            .field("folder", &self.folder)
            .field("state_folder", &self.state_folder)
            .field("detach", &self.detach)
            .field("entry_port", &self.entry_port)
            .field("ready_timeout", &self.ready_timeout)
            .field("stop_timeout", &self.stop_timeout)
            .finish_non_exhaustive()
    }
}
