//! What every system of processes uses.

use std::path::PathBuf;
use std::sync::Arc;

use super::child::Spawner;
use crate::host::Host;

/// The backend's name.
pub(in crate::backend) const NAME: &str = "process";

/// What every system of this backend uses.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) program: PathBuf,
    pub(super) host: Host,
    pub(super) spawner: Arc<Spawner>,
    pub(super) http: reqwest::Client,
}
