//! The answer of a called service.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use contract::{Problem, Program};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::{CallError, Failure};

/// Headers of an answer that mean something to the client of the caller, too.
const PASSED_ON: [http::HeaderName; 2] = [CONTENT_TYPE, RETRY_AFTER];

/// The whole answer of a called service.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Who answered.
    pub service: Program,
    /// HTTP status.
    pub status: StatusCode,
    /// Headers, as they came.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// The value of a successful answer.
    ///
    /// # Errors
    /// The problem that the service answered with, or 502 when the answer made no sense.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(self.failure());
        }
        contract::json::from_slice(&self.body).map_err(|error| {
            CallError::Unusable {
                service: self.service,
                reason: error.to_string(),
            }
            .into()
        })
    }

    /// This answer with its error status, as a failure of the caller.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match contract::json::from_slice::<Problem>(&self.body) {
            Ok(problem) if problem.status == self.status.as_u16() => Failure::passed_on(self.status, problem),
            _ => Failure::bad_gateway(format!("{} answered {}", self.service, self.status)),
        }
    }
}

/// Hands the answer on without looking into it.
impl IntoResponse for Reply {
    fn into_response(mut self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for name in PASSED_ON {
            if let Some(value) = self.headers.remove(&name) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
