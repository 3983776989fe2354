//! What can go wrong with a server of others. The words are in its description.

use contract::Program;

/// Why a server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It is needed, and this machine has none.
    #[error("{words}")]
    Absent {
        /// Which one.
        program: Program,
        /// How to get one.
        words: &'static str,
    },
    /// The one that the user named, or that was found, cannot be used.
    #[error("cannot use {which}: {reason}")]
    Unusable {
        /// Which one, and where it was looked for, without passwords.
        which: String,
        /// What is wrong with it, and what to do about it.
        reason: String,
    },
    /// Something was asked of it that it does not have.
    #[error("{instance} is an {server}, which cannot do this: {reason}")]
    Cannot {
        /// The instance.
        instance: String,
        /// What it is.
        server: &'static str,
        /// What it lacks.
        reason: String,
    },
    /// It does not take what the services need there.
    #[error("{instance} takes no {what} for the services: {reason}")]
    Refuses {
        /// The instance.
        instance: String,
        /// What the services need.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}
