//! Where a run is done.

use std::path::PathBuf;
use std::sync::Arc;

use compose::Backend;

use crate::event::Machine;
use crate::guess::Guess;
use crate::plan::Expected;

/// Where and how a run is done.
pub struct Site {
    /// Id of the run; unique on this machine.
    pub run: String,
    /// When it begins, RFC 3339 in UTC.
    pub started: String,
    /// The backend that carries the systems.
    pub backend: Arc<dyn Backend>,
    /// The machine, as the report shows it.
    pub machine: Machine,
    /// Folder of the run: logs and data go there.
    pub folder: PathBuf,
    /// The lab's state folder, where running systems are recorded.
    pub state_folder: PathBuf,
    /// Leave the last system running, for a look around.
    pub keep: bool,
    /// What the learner expects, if anything.
    pub guess: Option<Guess>,
    /// How long the run is expected to take; none where it has no end.
    pub expected: Option<Expected>,
}
