//! One request: pick an instance, pass the request on, pass the answer back.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};

use crate::Balancer;
use crate::body::{RequestBody, ResponseBody};
use crate::connection::UpstreamConnection;
use crate::failure::{Failed, Failure};
use crate::headers;
use crate::problem::X_INSTANCE;
use crate::target::check_target;
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
            let waiting = Waiting::new(balancer, &upstream);
            let exchanged = balancer
                .within_response_timeout(exchange(&upstream, request, balancer.connect_timeout))
                .await;
            let picked = waiting.end();
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
            let unsent = failed.unsent.map(|request| *request);
            let again = unsent.or(copy).filter(|_| may_retry && failed.failure.is_broken());
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

/// A wait for an instance's answer.
///
/// Dropped before its [end](Self::end), for the client has gone, it still tells what was learnt: that the instance takes at least
/// that long. Else an instance so slow that everybody gives up on it would look as if nothing were known of it.
struct Waiting<'a> {
    balancer: &'a Balancer,
    upstream: &'a Upstream,
    picked: Duration,
    is_over: bool,
}

impl<'a> Waiting<'a> {
    fn new(balancer: &'a Balancer, upstream: &'a Upstream) -> Self {
        Self {
            balancer,
            upstream,
            picked: balancer.now(),
            is_over: false,
        }
    }

    /// The answer is there, or the failure; gives when the wait began.
    fn end(mut self) -> Duration {
        self.is_over = true;
        self.picked
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let now = self.balancer.now();
            // No failure: a client may go for reasons of its own.
            self.balancer
                .routing
                .observe(self.upstream, now, now - self.picked, false);
        }
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
                unsent: Some(Box::new(request)),
            });
        }
    };
    match connection.send(request).await {
        Ok(response) => Ok(Answer { response, connection }),
        Err(mut failed) => {
            let unsent = failed.take_message().map(Box::new);
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
