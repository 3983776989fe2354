//! One request: pick an instance, pass the request on, pass the answer back.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::request::Parts;
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

/// A request that may go to its instance.
struct Admitted {
    request: Request<RequestBody>,
    repeat: Repeat,
    /// What its policy was asked.
    wanted: balance::Request,
    /// Whether the instance was picked anew, rather than named by the client's cookie.
    is_new_here: bool,
    in_flight: InFlight,
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
    ///
    /// What needs no waiting is done before there is a future, which keeps its state, one for every client, small.
    pub fn forward(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> {
        let admitted = self.admit(request);
        async move {
            let answered = match admitted {
                Ok(admitted) => self.answer(admitted).await,
                Err(failure) => Err(failure),
            };
            Ok(answered.unwrap_or_else(|failure| self.balancer.sign(failure.into_response())))
        }
    }

    /// Checks a request, picks its instance and makes it fit for that.
    fn admit(&self, mut request: Request<Incoming>) -> Result<Admitted, Failure> {
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
        let in_flight = sticks
            .or_else(|| balancer.routing.pick(&wanted, &[]))
            .ok_or(Failure::NoInstance)?;

        let (mut head, body) = request.into_parts();
        headers::prepare_request(&mut head.headers, &self.forwarded_for, in_flight.upstream().host());
        head.version = Version::HTTP_11;
        Ok(Admitted {
            repeat: Repeat::of(&head, &body),
            request: Request::from_parts(head, RequestBody::Client(body)),
            wanted,
            is_new_here,
            in_flight,
        })
    }

    async fn answer(&self, admitted: Admitted) -> Result<Response<ResponseBody>, Failure> {
        let Admitted {
            mut request,
            repeat,
            wanted,
            is_new_here,
            mut in_flight,
        } = admitted;
        let balancer = &*self.balancer;
        let mut tried = Vec::new();
        let mut picked = wanted.now;
        loop {
            let upstream = Arc::clone(in_flight.upstream());
            let may_retry = tried.len() < balancer.options.retries as usize;
            let waiting = Waiting::new(balancer, &upstream, picked);
            let exchanged = {
                let exchange = pin!(exchange(&upstream, request, &repeat, balancer.connect_timeout));
                balancer.within_response_timeout(exchange).await
            };
            waiting.end();
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
            // An instance that is slow to answer is no reason: it would double the work when everybody is slow.
            let again = match failed.unsent {
                Some(unsent) => Some(*unsent),
                None if failed.failure.is_broken() => repeat.request(),
                None => None,
            };
            let Some(again) = again.filter(|_| may_retry) else {
                return Err(failed.failure);
            };
            tried.push(upstream.id());
            let Some(next) = balancer.routing.pick(&balance::Request { now, ..wanted }, &tried) else {
                return Err(failed.failure);
            };
            in_flight = next;
            picked = now;
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
    fn new(balancer: &'a Balancer, upstream: &'a Upstream, picked: Duration) -> Self {
        Self {
            balancer,
            upstream,
            picked,
            is_over: false,
        }
    }

    /// The answer is there, or the failure.
    fn end(mut self) {
        self.is_over = true;
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
    repeat: &Repeat,
    connect_timeout: Duration,
) -> Result<Answer, Failed> {
    let Some(mut connection) = upstream.take_idle() else {
        return exchange_on_fresh(upstream, request, connect_timeout).await;
    };
    let mut failed = match connection.send(request).await {
        Ok(response) => {
            return Ok(Answer { response, connection });
        }
        Err(failed) => failed,
    };
    let again = match failed.take_message() {
        Some(unsent) => Some(unsent),
        None if connection.has_heard() || failed.error().is_user() => None,
        None => repeat.request(),
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

/// What it takes to send a request once more: nothing, unless twice is the same as once and there is no body, which would be spent.
struct Repeat(Option<Box<Parts>>);

impl Repeat {
    fn of(head: &Parts, body: &Incoming) -> Self {
        let can_repeat = head.method.is_idempotent() && body.is_end_stream();
        Self(can_repeat.then(|| Box::new(head.clone())))
    }

    fn request(&self) -> Option<Request<RequestBody>> {
        let head = self.0.as_deref()?.clone();
        Some(Request::from_parts(head, RequestBody::Empty))
    }
}

fn relay(answer: Answer, in_flight: InFlight) -> Response<ResponseBody> {
    let (mut head, body) = answer.response.into_parts();
    headers::remove_hop_by_hop(&mut head.headers);
    // The version is that of a connection, too; hyper lowers it for a client of HTTP/1.0.
    head.version = Version::HTTP_11;
    Response::from_parts(head, ResponseBody::relayed(body, answer.connection, in_flight))
}

impl Balancer {
    /// The exchange is pinned by the caller: taken by value, its large state would be held, and copied, twice more.
    async fn within_response_timeout<T>(
        &self,
        exchange: Pin<&mut impl Future<Output = Result<T, Failed>>>,
    ) -> Result<T, Failed> {
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
