//! Why a run could not go on.

use std::collections::BTreeSet;

use compose::{Capability, Family};

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system could not be started or was lost.
    #[error(transparent)]
    Backend(#[from] compose::Error),
    /// The load could not be started.
    #[error(transparent)]
    Load(#[from] load::StartError),
    /// A scenario asks for something that this backend cannot do.
    #[error("the {backend} backend cannot run this scenario, it lacks: {missing}")]
    Capability {
        /// Name of the backend.
        backend: String,
        /// What is missing.
        missing: String,
        /// All that the scenario needs a backend to do.
        needed: BTreeSet<Capability>,
    },
    /// Something in the lab itself went wrong.
    #[error("{0}")]
    Unexpected(String),
}

impl RunError {
    /// Whose fault it is.
    pub fn family(&self) -> Family {
        match self {
            Self::Backend(error) => error.family(),
            Self::Load(_) | Self::Capability { .. } => Family::Environment,
            Self::Unexpected(_) => Family::Unexpected,
        }
    }
}
