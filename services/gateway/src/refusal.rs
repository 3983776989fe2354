//! Why a request is not believed to come from whom it says.

use chassis::Failure;

/// Each has a kind of its own, so that a client knows whether to log in again, to ask whoever issued its token, or to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("send Authorization: Bearer <token>")]
    Missing,
    #[error("send one Authorization, not several")]
    Several,
    #[error("Authorization must be of the form: Bearer <token>")]
    OtherScheme,
    #[error("the token is not understood")]
    NotUnderstood,
    #[error("the token is not understood: it must be signed with HS256")]
    WrongAlgorithm,
    #[error("the token was not signed here: its key is unknown")]
    UnknownKey,
    #[error("the token was not signed here, or was changed")]
    BadSignature,
    #[error("the token has expired; log in again")]
    Expired,
    #[error("the token does not hold yet")]
    NotYetValid,
    #[error("the token is for somebody else")]
    OtherAudience,
}

impl Refusal {
    const fn kind(self) -> &'static str {
        match self {
            Self::Missing | Self::Several | Self::OtherScheme => "urn:lab:token-missing",
            Self::NotUnderstood => "urn:lab:token-not-understood",
            Self::WrongAlgorithm => "urn:lab:token-wrong-algorithm",
            Self::UnknownKey => "urn:lab:token-unknown-key",
            Self::BadSignature => "urn:lab:token-bad-signature",
            Self::Expired => "urn:lab:token-expired",
            Self::NotYetValid => "urn:lab:token-not-yet-valid",
            Self::OtherAudience => "urn:lab:token-other-audience",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::unauthorized(refusal.to_string()).with_kind(refusal.kind())
    }
}
