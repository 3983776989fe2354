//! Calls from service to service.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use contract::limits::UPSTREAM_BODY_BYTES_MAX;
use contract::{Problem, Program};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use observability::TraceContext;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Check, Failure, Settings};

/// Headers of an answer that mean something to the client of the caller, too.
const PASSED_ON: [http::HeaderName; 2] = [CONTENT_TYPE, RETRY_AFTER];

/// How long an idle connection may be used again; servers close theirs later than that.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Calls other services over connections that are kept open.
#[derive(Debug, Clone)]
pub struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// A service that is called.
#[derive(Debug, Clone)]
pub struct Callee {
    service: Program,
    authority: Option<Authority>,
    timeout: Duration,
    client: Client,
}

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

impl Client {
    /// A client without any connection yet.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(true);
        Self {
            http: HttpClient::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE_MAX)
                .build(connector),
        }
    }

    /// The service under the address that the settings give.
    #[must_use]
    pub fn callee(&self, service: Program, settings: &Settings) -> Callee {
        let authority = settings.upstreams.get(&service).cloned();
        if authority.is_none() {
            tracing::warn!(
                variable = service.url_variable(),
                "not set: calls to {service} will fail"
            );
        }
        Callee {
            service,
            authority,
            timeout: settings.upstream_timeout,
            client: self.clone(),
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Callee {
    /// Asks for `path`, which begins with `/` and may have a query.
    ///
    /// # Errors
    /// When there is no answer; an answer with an error status is an answer.
    pub async fn get(&self, path: &str) -> Result<Reply, CallError> {
        self.send(Method::GET, path, None, Bytes::new()).await
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn post<T: Serialize + Sync>(&self, path: &str, value: &T) -> Result<Reply, CallError> {
        let body = serde_json::to_vec(value).map_err(|error| self.unusable(&error))?;
        self.send(
            Method::POST,
            path,
            Some(HeaderValue::from_static("application/json")),
            body.into(),
        )
        .await
    }

    /// Sends a body as it is.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Reply, CallError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(path)?;
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        if let Some(context) = TraceContext::current() {
            context.write_headers(request.headers_mut());
        }
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or_else(|_| {
                Err(CallError::Timeout {
                    service: self.service,
                    timeout: self.timeout,
                })
            })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, CallError> {
        let response = self
            .client
            .http
            .request(request)
            .await
            .map_err(|error| CallError::Unreachable {
                service: self.service,
                reason: deepest(&error),
            })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, UPSTREAM_BODY_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| self.unusable(error.as_ref()))?
            .to_bytes();
        Ok(Reply {
            service: self.service,
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    fn uri(&self, path: &str) -> Result<Uri, CallError> {
        let authority = self
            .authority
            .clone()
            .ok_or(CallError::NotConfigured { service: self.service })?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority);
        parts.path_and_query = Some(path.parse::<PathAndQuery>().map_err(|error| self.unusable(&error))?);
        Uri::from_parts(parts).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &(dyn std::error::Error + 'static)) -> CallError {
        CallError::Unusable {
            service: self.service,
            reason: deepest(error),
        }
    }

    /// The readiness check that asks for `/health`; `None` when the system has no such service.
    #[must_use]
    pub fn check(&self) -> Option<Check> {
        self.authority.as_ref()?;
        let callee = self.clone();
        Some(Check::new(self.service.as_str(), move || {
            let callee = callee.clone();
            async move {
                let reply = callee.get("/health").await.map_err(|error| error.to_string())?;
                if reply.status.is_success() {
                    Ok(())
                } else {
                    Err(format!("/health answers {}", reply.status))
                }
            }
        }))
    }
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

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        tracing::debug!(error = detail, "a call failed");
        match error {
            CallError::NotConfigured { .. } => Self::unavailable(detail),
            CallError::Timeout { .. } => Self::gateway_timeout(detail),
            CallError::Unreachable { .. } | CallError::Unusable { .. } => Self::bad_gateway(detail),
        }
    }
}

/// What lies at the bottom, such as "Connection refused", says more than "client error".
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
