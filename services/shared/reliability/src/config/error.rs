//! What may be wrong with settings.

/// Settings that were not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A word that is not a name, `=` and a value.
    #[error("\"{word}\" is not a setting; write name=value")]
    NotASetting {
        /// The word.
        word: String,
    },
    /// A name that stands twice.
    #[error("\"{name}\" is set twice")]
    SetTwice {
        /// The name.
        name: String,
    },
    /// A name that means nothing here.
    #[error("there is no setting \"{name}\" here; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A value of another kind, or out of its range.
    #[error("{name}={value} does not work: {expected}")]
    Unfit {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// Settings that do not fit one another.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A policy that is not registered.
    #[error("there is no {what} named \"{name}\"; use one of {known}")]
    NoSuchPolicy {
        /// The kind of policy, such as "rate limit".
        what: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
}
