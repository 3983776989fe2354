//! What can go wrong with a process that runs.

use std::io;

use crate::error::{Error, Family};

/// A process cannot be signalled or waited for.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {instance} (process {pid}): {source}")]
pub(super) struct ProcessError {
    /// The instance.
    pub(super) instance: String,
    /// The process.
    pub(super) pid: u32,
    /// What was to be done.
    pub(super) action: &'static str,
    /// What the operating system said.
    pub(super) source: io::Error,
}

impl From<ProcessError> for Error {
    fn from(cause: ProcessError) -> Self {
        Self::Backend {
            cause: Box::new(cause),
            family: Family::Unexpected,
            is_out_of_reach: false,
        }
    }
}
