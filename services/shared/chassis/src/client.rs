//! Calls from service to service.

use std::time::Duration;

use bytes::Bytes;
use contract::Program;
use contract::limits::UPSTREAM_BODY_BYTES_MAX;
use http::header::CONTENT_TYPE;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use observability::TraceContext;
use serde::Serialize;

use crate::call_error::deepest;
use crate::{CallError, Check, Due, Reply, Settings};

/// How long an idle connection may be used again; servers close theirs later than that.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Calls other services over connections that are kept open.
#[derive(Debug, Clone)]
pub struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// What is sent to a called service.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The method.
    pub method: Method,
    /// The path, which begins with `/` and may have a query.
    pub path: &'a str,
    /// The headers, besides those that every call has.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A service that is called.
#[derive(Debug, Clone)]
pub struct Callee {
    service: Program,
    authority: Option<Authority>,
    timeout: Duration,
    client: Client,
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
        let message = Message {
            method,
            path,
            headers: content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect(),
            body,
        };
        self.send_within(self.timeout, message).await
    }

    /// Sends a message, and waits for the answer for so long, or until the deadline of the request that this task serves.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn send_within(&self, timeout: Duration, message: Message<'_>) -> Result<Reply, CallError> {
        let service = self.service;
        let due = Due::current();
        let mut request = Request::new(Full::new(message.body));
        *request.method_mut() = message.method;
        *request.uri_mut() = self.uri(message.path)?;
        *request.headers_mut() = message.headers;
        if let Some(context) = TraceContext::current() {
            context.write_headers(request.headers_mut());
        }
        let mut patience = timeout;
        if let Some(due) = due {
            let over = |_| CallError::DeadlineOver { service };
            due.write_header(request.headers_mut()).map_err(over)?;
            patience = due.left().map_err(over)?.min(timeout);
        }
        let answered = tokio::time::timeout(patience, self.exchange(request)).await;
        answered.unwrap_or_else(|_| {
            Err(if due.is_some_and(|due| due.left().is_err()) {
                CallError::DeadlineOver { service }
            } else {
                CallError::Timeout { service, timeout }
            })
        })
    }

    /// Who it is.
    #[must_use]
    pub const fn service(&self) -> Program {
        self.service
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
