//! What a token says.

use serde::{Deserialize, Deserializer, Serialize};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who.
    pub(crate) sub: String,
    /// What they may do.
    pub(crate) role: String,
    /// Until when, in seconds since 1970, fractions allowed; at this moment it has ended.
    pub(crate) exp: f64,
    /// From when on, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) nbf: Option<f64>,
    /// For whom; for anybody where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(crate) aud: Option<Audience>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn includes(&self, name: &str) -> bool {
        match self {
            Self::One(only) => only == name,
            Self::Several(names) => names.iter().any(|one| one == name),
        }
    }
}

/// A member that may be absent, but is not `null`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}
