//! Another configuration for a server that runs.

use std::time::{SystemTime, UNIX_EPOCH};

use super::record::SystemRecord;
use crate::servers::Server;
use crate::wiring::Environment;

/// A configuration that a server is to take.
pub(in crate::backend) struct Renewal {
    /// The system's record as it stands.
    pub(in crate::backend) record: SystemRecord,
    pub(in crate::backend) name: String,
    pub(in crate::backend) server: &'static dyn Server,
    /// Its port on this machine.
    pub(in crate::backend) port: u16,
    pub(in crate::backend) environment: Environment,
    /// What it answers once it is in force.
    pub(in crate::backend) stamp: String,
}

/// A text that no earlier configuration had.
pub(super) fn stamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}
