//! Why a called service gave no answer.

use std::time::Duration;

use contract::Program;

use crate::Failure;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The system has no such service.
    #[error("{service} is not part of this system: {} is not set", service.url_variable())]
    NotConfigured {
        /// Who was called.
        service: Program,
    },
    /// It took too long.
    #[error("{service} did not answer within {} ms", timeout.as_millis())]
    Timeout {
        /// Who was called.
        service: Program,
        /// How long was waited.
        timeout: Duration,
    },
    /// Nobody waits for it any more.
    #[error("{service} did not answer before the deadline")]
    DeadlineOver {
        /// Who was to be called.
        service: Program,
    },
    /// The connection could not be made or broke.
    #[error("{service} could not be reached: {reason}")]
    Unreachable {
        /// Who was called.
        service: Program,
        /// What the network said.
        reason: String,
    },
    /// The answer was broken or too long.
    #[error("the answer of {service} could not be used: {reason}")]
    Unusable {
        /// Who was called.
        service: Program,
        /// What was wrong.
        reason: String,
    },
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        tracing::debug!(error = detail, "a call failed");
        match error {
            CallError::NotConfigured { .. } => Self::unavailable(detail),
            CallError::DeadlineOver { .. } => Self::deadline_over(detail),
            CallError::Timeout { .. } => Self::gateway_timeout(detail),
            CallError::Unreachable { .. } | CallError::Unusable { .. } => Self::bad_gateway(detail),
        }
    }
}

/// What lies at the bottom, such as "Connection refused", says more than "client error".
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
