//! One request: pick an instance, pass the request on, pass the answer back.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::{Request, Response, Version};
use hyper::body::Incoming;

use crate::Balancer;
use crate::avoid::avoided;
use crate::body::{Lease, Relay, ResponseBody};
use crate::exchange::{Answer, Repeat, Way, exchange};
use crate::failure::{Failed, Failure};
use crate::headers::{self, Passage};
use crate::interim::Interims;
use crate::problem::X_UPSTREAM;
use crate::upload::{RequestBody, Watch};
use crate::upstream::{InFlight, Upstream};

/// A client connection, with all that can be worked out once for its requests.
pub struct Client {
    balancer: Arc<Balancer>,
    forwarded_for: HeaderValue,
    /// Hash of its address.
    address: u64,
    interims: Interims,
}

/// A request that may go to its instance.
struct Admitted {
    request: Request<RequestBody>,
    repeat: Repeat,
    upload: Option<Arc<Watch>>,
    /// Whether the client knows interim answers.
    takes_interims: bool,
    /// What its policy was asked.
    wanted: balance::Request,
    /// The instances that the client would rather not have.
    avoided: Vec<u64>,
    /// Whether the instance was picked anew, rather than named by the client's cookie.
    is_new_here: bool,
    in_flight: InFlight,
}

impl Client {
    /// The client at `address`, to which `interims` are written.
    pub fn new(balancer: Arc<Balancer>, address: SocketAddr, interims: Interims) -> Self {
        let ip = address.ip().to_canonical();
        Self {
            balancer,
            forwarded_for: HeaderValue::try_from(ip.to_string())
                .expect("an IP address has only characters that a header value may have"),
            address: hash::text(&ip.to_string()),
            interims,
        }
    }

    /// The balancer that it is connected to.
    pub fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// Answers a request that was [checked](crate::target::check_request) from an instance, or with a problem of the balancer's own.
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
                Err(failure) => Err(Unanswered { failure, asked: None }),
            };
            Ok(answered.unwrap_or_else(|unanswered| self.balancer.sign(unanswered.into_response())))
        }
    }

    /// Picks the instance of a request that was checked, and makes the request fit for that.
    fn admit(&self, request: Request<Incoming>) -> Result<Admitted, Failure> {
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
        let avoided = avoided(request.headers());
        let in_flight = sticks
            .or_else(|| balancer.routing.pick_avoiding(&wanted, &[], &avoided))
            .ok_or(Failure::NoInstance)?;

        let (mut head, body) = request.into_parts();
        let takes_interims = head.version >= Version::HTTP_11;
        let expects = takes_interims && headers::expects_continue(&head.headers);
        let body = RequestBody::new(body, expects, balancer.options.client_limits.stall);
        let passage = Passage {
            client: &self.forwarded_for,
            default_host: in_flight.upstream().host(),
            version: head.version,
            has_body: body.watch().is_some(),
        };
        headers::prepare_request(&mut head.headers, &passage);
        head.version = Version::HTTP_11;
        Ok(Admitted {
            repeat: Repeat::of(&head, &body),
            upload: body.watch().cloned(),
            request: Request::from_parts(head, body),
            takes_interims,
            wanted,
            avoided,
            is_new_here,
            in_flight,
        })
    }

    async fn answer(&self, admitted: Admitted) -> Result<Response<ResponseBody>, Unanswered> {
        let Admitted {
            mut request,
            repeat,
            upload,
            takes_interims,
            wanted,
            avoided,
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
            let way = Way {
                upstream: &upstream,
                repeat: &repeat,
                interims: takes_interims.then_some(&self.interims),
                connect_timeout: balancer.connect_timeout,
            };
            let exchanged = {
                let exchange = pin!(exchange(&way, request));
                balancer.within_response_timeout(exchange).await
            };
            waiting.end();
            let now = balancer.now();
            let observe = |failed| balancer.routing.observe(&upstream, now, now - picked, failed);
            let passed = match exchanged {
                Ok(answer) => balancer.pass_on(answer, in_flight, upload.clone()).await,
                Err(failed) => Err((failed, in_flight)),
            };
            let (mut failed, failed_there) = match passed {
                Ok(mut response) => {
                    observe(response.status().as_u16() >= 500);
                    if let Some(sticky) = balancer.sticky.as_ref().filter(|_| is_new_here || !tried.is_empty()) {
                        sticky.write(response.headers_mut(), upstream.id());
                    }
                    self.interims.written().await;
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            in_flight = failed_there;
            failed.failure = failed.failure.or_clients(upload.as_deref());
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
            tried.push(upstream.id());
            let again = again.filter(|_| may_retry);
            let next = again.and_then(|request| {
                let wanted = balance::Request { now, ..wanted };
                Some((request, balancer.routing.pick_avoiding(&wanted, &tried, &avoided)?))
            });
            let Some((again, next)) = next else {
                self.interims.written().await;
                return Err(Unanswered {
                    failure: failed.failure,
                    asked: Some(upstream),
                });
            };
            in_flight = next;
            picked = now;
            request = again;
        }
    }
}

/// A request that no instance answered.
struct Unanswered {
    failure: Failure,
    /// The last one that was asked.
    asked: Option<Arc<Upstream>>,
}

impl Unanswered {
    /// The balancer's own answer. It names the instance at fault, so that whoever asks can pass by it.
    fn into_response(self) -> Response<ResponseBody> {
        let at_fault = self.asked.filter(|_| self.failure.is_the_instances());
        let name = at_fault.and_then(|upstream| HeaderValue::try_from(upstream.name()).ok());
        let mut response = self.failure.into_response();
        let name = name.unwrap_or(HeaderValue::from_static(contract::NO_UPSTREAM));
        response.headers_mut().insert(X_UPSTREAM, name);
        response
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

impl Balancer {
    /// Makes an instance's answer fit for the client. What cannot be passed on is a failure of the instance.
    async fn pass_on(
        &self,
        answer: Answer,
        in_flight: InFlight,
        upload: Option<Arc<Watch>>,
    ) -> Result<Response<ResponseBody>, (Failed, InFlight)> {
        let Answer { response, connection } = answer;
        let (mut head, body) = response.into_parts();
        let is_reusable = match headers::prepare_answer(&mut head) {
            Ok(is_reusable) => is_reusable,
            Err(error) => return Err((Failure::from_answer(in_flight.upstream(), error).into(), in_flight)),
        };
        let lease = Lease {
            connection,
            is_reusable,
            in_flight,
            upload,
        };
        match Relay::begin(body, lease, self.response_timeout).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err((error, lease)) => {
                let failure = Failure::from_relay(lease.in_flight.upstream(), &error);
                Err((failure.into(), lease.in_flight))
            }
        }
    }

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
}
