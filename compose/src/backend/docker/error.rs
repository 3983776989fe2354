//! What can go wrong with a Docker engine.

use crate::error::{Error, Family};

/// Why an engine did not do what was wanted of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum DockerError {
    /// No engine answers.
    #[error(
        "no Docker engine answers at {address}: {reason}; start one (systemctl start docker, or Docker Desktop), \
         or set DOCKER_HOST, or leave out --backend docker"
    )]
    NoEngine {
        /// Where it was looked for.
        address: String,
        /// What happened instead.
        reason: String,
    },
    /// The engine went away while it was used.
    #[error(
        "the Docker engine at {address} does not answer any more (it was to {doing}): {reason}; \
         start it again, and `lab clean` removes what is left"
    )]
    EngineGone {
        /// Where it was.
        address: String,
        /// What it was to do.
        doing: &'static str,
        /// What happened instead.
        reason: String,
    },
    /// An image that the engine lacks cannot be had.
    #[error("there is no image of {what} for Docker: {reason}; {how}")]
    NoImage {
        /// What is in the image.
        what: &'static str,
        /// Why it cannot be had.
        reason: String,
        /// How to get it.
        how: String,
    },
    /// The engine did not do as told.
    #[error("the Docker engine could not {doing}: {reason}")]
    Engine {
        /// What it was to do.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
}

impl From<DockerError> for Error {
    fn from(cause: DockerError) -> Self {
        let (family, is_out_of_reach) = match cause {
            DockerError::NoEngine { .. } | DockerError::EngineGone { .. } => (Family::Environment, true),
            DockerError::NoImage { .. } => (Family::Environment, false),
            DockerError::Engine { .. } => (Family::Unexpected, false),
        };
        Self::Backend {
            cause: Box::new(cause),
            family,
            is_out_of_reach,
        }
    }
}

/// What the engine said, where it did not do as told.
pub(super) fn refusal(error: &Error) -> Option<&str> {
    let Error::Backend { cause, .. } = error else {
        return None;
    };
    match cause.downcast_ref()? {
        DockerError::Engine { reason, .. } => Some(reason),
        _ => None,
    }
}
