//! One request: pick an instance, pass the request on, pass the answer back.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;

use crate::Balancer;
use crate::body::{RequestBody, ResponseBody};
use crate::connection::{ConnectError, UpstreamConnection};
use crate::headers;
use crate::problem::{X_INSTANCE, problem};
use crate::upstream::{InFlight, Upstream};

/// A client connection, with all that can be worked out once for its requests.
pub struct Client {
    balancer: Arc<Balancer>,
    forwarded_for: HeaderValue,
    /// Hash of its address.
    address: u64,
}

/// An instance's answer before it is made fit for the client.
struct Answer {
    response: Response<Incoming>,
    connection: Box<UpstreamConnection>,
}

impl Client {
    /// The client at `address`.
    pub fn new(balancer: Arc<Balancer>, address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self {
            balancer,
            forwarded_for: HeaderValue::try_from(ip.to_string())
                .expect("an IP address has only characters that a header value may have"),
            address: balance::hash_text(&ip.to_string()),
        }
    }

    /// The balancer that it is connected to.
    pub fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// Answers a request from an instance, or with a problem of the balancer's own.
    pub async fn forward(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        match self.try_forward(request).await {
            Ok(response) => response,
            Err(failure) => self.balancer.sign(failure.into_response()),
        }
    }

    async fn try_forward(&self, mut request: Request<Incoming>) -> Result<Response<ResponseBody>, Failure> {
        check_target(&mut request)?;
        let balancer = &*self.balancer;
        let arrived = balancer.now();
        let wanted = balance::Request {
            key: balancer
                .options
                .hash_on
                .key(self.address, request.uri(), request.headers()),
            now: arrived,
        };
        let known = balancer
            .sticky
            .as_ref()
            .and_then(|sticky| sticky.read(request.headers()));
        let sticks = known.and_then(|id| balancer.routing.enter(id, arrived));
        let is_new_here = sticks.is_none();
        let mut in_flight = sticks
            .or_else(|| balancer.routing.pick(&wanted, &[]))
            .ok_or(Failure::NoInstance)?;

        let (mut head, body) = request.into_parts();
        headers::prepare_request(&mut head.headers, &self.forwarded_for, in_flight.upstream().host());
        head.version = Version::HTTP_11;
        let mut request = Request::from_parts(head, RequestBody::Client(body));
        let mut tried = Vec::new();
        loop {
            let upstream = Arc::clone(in_flight.upstream());
            let may_retry = tried.len() < balancer.options.retries as usize;
            let copy = if may_retry { copy_if_repeatable(&request) } else { None };
            let picked = balancer.now();
            let exchanged = balancer
                .within_response_timeout(exchange(&upstream, request, balancer.connect_timeout))
                .await;
            let now = balancer.now();
            let observe = |failed| balancer.routing.observe(&upstream, now, now - picked, failed);
            let failed = match exchanged {
                Ok(answer) => {
                    observe(answer.response.status().is_server_error());
                    let mut response = relay(answer, in_flight);
                    if let Some(sticky) = balancer.sticky.as_ref().filter(|_| is_new_here || !tried.is_empty()) {
                        sticky.write(response.headers_mut(), upstream.id());
                    }
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            if failed.failure.is_the_instances() {
                in_flight.fail();
                observe(true);
            }
            // What was never sent may be sent elsewhere, whatever it is; what may have been done, only if twice is the same as once.
            // An instance that was too slow is no reason: it would double the work when everybody is slow.
            let again = failed
                .unsent
                .or(copy)
                .filter(|_| may_retry && failed.failure.is_broken());
            let Some(again) = again else {
                return Err(failed.failure);
            };
            tried.push(upstream.id());
            let Some(next) = balancer.routing.pick(&balance::Request { now, ..wanted }, &tried) else {
                return Err(failed.failure);
            };
            in_flight = next;
            request = again;
        }
    }
}

/// A failure, and the request if nothing of it was sent.
struct Failed {
    failure: Failure,
    unsent: Option<Request<RequestBody>>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, unsent: None }
    }
}

/// Sends the request over an idle connection if there is one, else over a new one.
///
/// An instance may close an idle connection at the very moment a request is sent on it. Such a request is sent once more, on a
/// fresh connection to the same instance, when nothing of it was sent; or when not a byte of an answer came, doing it twice is the
/// same as doing it once (RFC 9110 section 9.2.2), and it has no body, which would already be spent.
async fn exchange(
    upstream: &Upstream,
    request: Request<RequestBody>,
    connect_timeout: Duration,
) -> Result<Answer, Failed> {
    let Some(mut connection) = upstream.take_idle() else {
        return exchange_on_fresh(upstream, request, connect_timeout).await;
    };
    let replay = copy_if_repeatable(&request);
    let mut failed = match connection.send(request).await {
        Ok(response) => {
            return Ok(Answer { response, connection });
        }
        Err(failed) => failed,
    };
    let again = match failed.take_message() {
        Some(unsent) => Some(unsent),
        None if connection.has_heard() || failed.error().is_user() => None,
        None => replay,
    };
    drop(connection);
    match again {
        Some(request) => exchange_on_fresh(upstream, request, connect_timeout).await,
        None => Err(Failure::from_send(upstream, failed).into()),
    }
}

/// Boxed: its state is large and seldom needed, and inside the state of every request it would be copied around with it.
fn exchange_on_fresh(
    upstream: &Upstream,
    request: Request<RequestBody>,
    connect_timeout: Duration,
) -> Pin<Box<impl Future<Output = Result<Answer, Failed>>>> {
    Box::pin(connect_and_send(upstream, request, connect_timeout))
}

async fn connect_and_send(
    upstream: &Upstream,
    request: Request<RequestBody>,
    connect_timeout: Duration,
) -> Result<Answer, Failed> {
    let mut connection = match upstream.connect(connect_timeout).await {
        Ok(connection) => connection,
        Err(error) => {
            return Err(Failed {
                failure: Failure::from_connect(upstream, error),
                unsent: Some(request),
            });
        }
    };
    match connection.send(request).await {
        Ok(response) => Ok(Answer { response, connection }),
        Err(mut failed) => {
            let unsent = failed.take_message();
            let failure = Failure::from_send(upstream, failed);
            Err(Failed { failure, unsent })
        }
    }
}

fn copy_if_repeatable(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(RequestBody::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn relay(answer: Answer, in_flight: InFlight) -> Response<ResponseBody> {
    let (mut head, body) = answer.response.into_parts();
    headers::remove_hop_by_hop(&mut head.headers);
    // The version is that of a connection, too; hyper lowers it for a client of HTTP/1.0.
    head.version = Version::HTTP_11;
    Response::from_parts(head, ResponseBody::relayed(body, answer.connection, in_flight))
}

/// Refuses what no instance should have to understand, and turns an absolute target into `Host` and path, as RFC 9112 section 3.2.2
/// demands.
fn check_target(request: &mut Request<Incoming>) -> Result<(), Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::BadRequest(
            StatusCode::NOT_IMPLEMENTED,
            "the balancer is no tunnel: it does not take CONNECT",
        ));
    }
    check_host(request.headers(), request.version())?;
    if request.uri().scheme().is_some() {
        let uri = std::mem::take(request.uri_mut()).into_parts();
        if let Some(host) = uri
            .authority
            .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        let path = uri.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
    }
    Ok(())
}

/// One `Host`, and only HTTP/1.0 may leave it out (RFC 9112 section 3.2).
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Failure> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => Err(Failure::BadRequest(
            StatusCode::BAD_REQUEST,
            "the request has no Host header; send one",
        )),
        (Some(_), Some(_)) => Err(Failure::BadRequest(
            StatusCode::BAD_REQUEST,
            "the request has several Host headers; send one",
        )),
    }
}

/// Why the balancer answers in an instance's stead.
#[derive(Debug)]
pub enum Failure {
    /// The client's mistake.
    BadRequest(StatusCode, &'static str),
    /// The list is empty, or everybody on it is out of rotation.
    NoInstance,
    /// The named instance did not take the connection, or broke it off.
    Broken(String),
    /// The client broke off its own request body.
    ClientBody,
    /// The instance was too slow.
    TimedOut(&'static str),
}

impl Failure {
    fn from_connect(upstream: &Upstream, error: ConnectError) -> Self {
        match error {
            ConnectError::TimedOut => {
                Self::TimedOut("the instance did not take the connection within UPSTREAM_TIMEOUT_MS")
            }
            ConnectError::Refused(error) => Self::Broken(format!(
                "instance {} does not take connections: {error}",
                upstream.name()
            )),
        }
    }

    fn from_send(upstream: &Upstream, failed: TrySendError<Request<RequestBody>>) -> Self {
        let error = failed.into_error();
        if error.is_user() {
            return Self::ClientBody;
        }
        Self::Broken(format!(
            "instance {} broke off before it answered: {error}",
            upstream.name()
        ))
    }

    /// Whether it counts against the instance.
    fn is_the_instances(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::TimedOut(_))
    }

    /// Whether the instance is gone, rather than slow.
    fn is_broken(&self) -> bool {
        matches!(self, Self::Broken(_))
    }

    fn into_response(self) -> Response<ResponseBody> {
        match self {
            Self::BadRequest(status, detail) => problem(status, detail),
            Self::NoInstance => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "no instance is in rotation; put a list with PUT /_balancer/upstreams",
            ),
            Self::Broken(detail) => problem(StatusCode::BAD_GATEWAY, detail),
            Self::ClientBody => problem(StatusCode::BAD_REQUEST, "the request body ended before its end"),
            Self::TimedOut(detail) => problem(StatusCode::GATEWAY_TIMEOUT, detail),
        }
    }
}

impl Balancer {
    async fn within_response_timeout<T>(&self, exchange: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        match self.response_timeout {
            None => exchange.await,
            Some(timeout) => tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| {
                let late = "the instance did not begin its answer within UPSTREAM_RESPONSE_TIMEOUT_MS";
                Err(Failure::TimedOut(late).into())
            }),
        }
    }

    /// Marks an answer as the balancer's own.
    pub(crate) fn sign(&self, mut response: Response<ResponseBody>) -> Response<ResponseBody> {
        response.headers_mut().insert(X_INSTANCE, self.instance.clone());
        response
    }
}
