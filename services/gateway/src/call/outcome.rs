//! How a call ended, and what the policies make of that.

use std::time::Duration;

use chassis::{CallError, Failure, Reply};
use contract::{Program, kind};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use reliability::{breaker, bulkhead};

/// An answer, be it an error's, or none.
pub(crate) type Outcome = Result<Reply, CallFailure>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallFailure {
    /// The call was made.
    #[error(transparent)]
    Failed(#[from] CallError),
    /// A policy did not let it be made.
    #[error("{service} was not called: {rejection}")]
    Rejected { service: Program, rejection: Rejection },
}

/// Why a call is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("nobody waits for the answer any more")]
    Deadline,
    #[error("of the places for it, {0}")]
    Bulkhead(bulkhead::Refused),
    #[error("of the places that it can bear, {0}")]
    Limit(bulkhead::Refused),
    #[error("of the places for all services, {0}")]
    Pool(bulkhead::Refused),
    #[error("it rejects so many that it is asked less")]
    Throttle,
    #[error("{0}")]
    Breaker(breaker::Rejected),
}

impl Rejection {
    /// All reasons, as metrics and reports name them.
    pub(crate) const REASONS: [&str; 6] = ["deadline", "bulkhead", "limit", "pool", "throttle", "breaker"];

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Bulkhead(_) => "bulkhead",
            Self::Limit(_) => "limit",
            Self::Pool(_) => "pool",
            Self::Throttle => "throttle",
            Self::Breaker(_) => "breaker",
        }
    }
}

impl From<CallFailure> for Failure {
    fn from(failure: CallFailure) -> Self {
        let detail = failure.to_string();
        let rejection = match failure {
            CallFailure::Failed(error) => return error.into(),
            CallFailure::Rejected { rejection, .. } => rejection,
        };
        match rejection {
            Rejection::Deadline => Self::deadline_over(detail),
            Rejection::Bulkhead(_) | Rejection::Limit(_) | Rejection::Pool(_) => {
                Self::unavailable(detail).with_kind(kind::BULKHEAD_FULL)
            }
            Rejection::Throttle => Self::unavailable(detail).with_kind(kind::THROTTLED),
            Rejection::Breaker(rejected) => {
                let failure = Self::unavailable(detail).with_kind(kind::BREAKER_OPEN);
                match rejected.retry_after {
                    Some(wait) => failure.with_header(RETRY_AFTER, whole_seconds(wait)),
                    None => failure,
                }
            }
        }
    }
}

/// Rounded up: who waits for less would come too early.
fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs_f64().ceil() as u64)
}

/// Whether the service failed, in the eyes of a circuit breaker. A mistake of the caller is none.
pub(crate) fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Ok(reply) => reply.status.is_server_error(),
        Err(CallFailure::Failed(error)) => !matches!(error, CallError::NotConfigured { .. }),
        Err(CallFailure::Rejected { .. }) => false,
    }
}

/// Whether another try may mend it.
pub(crate) fn is_transient(outcome: &Outcome) -> bool {
    match outcome {
        Ok(reply) => reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS,
        Err(_) => is_failure(outcome),
    }
}

/// Whether the service had too much to do: it said so, or did not answer in time.
pub(crate) fn is_overload(outcome: &Outcome) -> bool {
    match outcome {
        Ok(reply) => matches!(
            reply.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(CallFailure::Failed(error)) => {
            matches!(error, CallError::Timeout { .. } | CallError::DeadlineOver { .. })
        }
        Err(CallFailure::Rejected { .. }) => false,
    }
}

/// Whether the service took the request on, however it ended then.
pub(crate) fn is_accepted(outcome: &Outcome) -> bool {
    outcome.is_ok() && !is_overload(outcome)
}
