//! Error answers: problem documents (RFC 9457).

use std::any::Any;
use std::error::Error;
use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use contract::{Problem, Step, kind};
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use observability::TraceContext;

/// Whoever wants to see what was our fault.
static WATCH: OnceLock<fn(&(dyn Error + 'static))> = OnceLock::new();

/// Has every error that becomes a 500 shown to `watch` first; the first that is named here stays.
pub fn watch_internal_errors(watch: fn(&(dyn Error + 'static))) {
    let _ = WATCH.set(watch);
}

/// Why a request was not done, as the client will read it.
#[derive(Debug)]
pub struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident = $status:ident;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(detail: impl Into<String>) -> Self {
            Self::new(StatusCode::$status, detail)
        })*
    };
}

impl Failure {
    /// A failure that its status describes.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let problem = Problem::new(status.as_u16(), title, detail);
        Self(Box::new(Parts {
            status,
            problem,
            headers: Vec::new(),
        }))
    }

    failures! {
        /// 400: the request is not well formed.
        bad_request = BAD_REQUEST;
        /// 403: the caller is known, but may not do this.
        forbidden = FORBIDDEN;
        /// 404: there is no such thing.
        not_found = NOT_FOUND;
        /// 405: the path is right, the method is not.
        method_not_allowed = METHOD_NOT_ALLOWED;
        /// 409: the state of things does not permit it.
        conflict = CONFLICT;
        /// 413: the body is longer than it may be.
        too_large = PAYLOAD_TOO_LARGE;
        /// 415: the body is of another kind than it may be.
        unsupported_media_type = UNSUPPORTED_MEDIA_TYPE;
        /// 422: the body is well formed, but breaks a rule.
        unprocessable = UNPROCESSABLE_ENTITY;
        /// 502: a called service could not be reached or made no sense.
        bad_gateway = BAD_GATEWAY;
        /// 503: not now.
        unavailable = SERVICE_UNAVAILABLE;
        /// 504: a called service did not answer in time.
        gateway_timeout = GATEWAY_TIMEOUT;
    }

    /// 401: who is asking must say so first.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 408: the client takes too long to say what it wants. The connection is of no more use.
    #[must_use]
    pub fn request_timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail).with_header(CONNECTION, HeaderValue::from_static("close"))
    }

    /// 429: too many requests; `retry_after_s` is when the next one may come.
    #[must_use]
    pub fn too_many_requests(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// 504: nobody waits for the answer any more.
    #[must_use]
    pub fn deadline_over(detail: impl Into<String>) -> Self {
        Self::gateway_timeout(detail).with_kind(kind::DEADLINE_OVER)
    }

    /// 500: our fault. The error goes to the log; the client sees the trace id that leads there.
    pub fn internal(error: impl Error + 'static) -> Self {
        if let Some(watch) = WATCH.get() {
            watch(&error);
        }
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push_str(": ");
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = causes, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log has the cause under this trace id",
        )
    }

    /// 500 for a handler that panicked; the panic hook has logged it.
    pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
        let detail = "the service failed unexpectedly; its log has the cause under this trace id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    }

    /// Hands on the problem that another service answered with.
    #[must_use]
    pub fn passed_on(status: StatusCode, problem: Problem) -> Self {
        Self(Box::new(Parts {
            status,
            problem,
            headers: Vec::new(),
        }))
    }

    /// The same failure with a kind of its own, such as `urn:lab:out-of-stock`.
    #[must_use]
    pub fn with_kind(mut self, kind: &'static str) -> Self {
        self.0.problem = self.0.problem.with_kind(kind);
        self
    }

    /// The same failure with its single causes.
    #[must_use]
    pub fn with_causes(mut self, causes: Vec<String>) -> Self {
        self.0.problem = self.0.problem.with_causes(causes);
        self
    }

    /// The same failure with what the request had done until then.
    #[must_use]
    pub fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.0.problem.steps = Some(steps);
        self
    }

    /// The same failure with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The document that the client will get.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        let mut problem = self.0.problem;
        if problem.trace_id.is_none() {
            problem.trace_id = TraceContext::current().map(|context| format!("{:032x}", context.trace_id));
        }
        problem
    }
}

impl IntoResponse for Failure {
    fn into_response(mut self) -> Response {
        let status = self.0.status;
        let headers = std::mem::take(&mut self.0.headers);
        let body = serde_json::to_vec(&self.into_problem()).expect("a problem holds texts and a number only");
        let mut response = (status, body).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
        response.headers_mut().extend(headers);
        response
    }
}
