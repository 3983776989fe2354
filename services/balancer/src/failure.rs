//! Why a request was not answered by an instance.

use http::header::{ALLOW, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::client::conn::TrySendError;

use crate::body::{RelayError, ResponseBody};
use crate::connection::ConnectError;
use crate::framing::AnswerError;
use crate::problem::problem;
use crate::upload::{Progress, RequestBody, Watch};
use crate::upstream::Upstream;

/// Why the balancer answers in an instance's stead.
#[derive(Debug)]
pub enum Failure {
    /// The client's mistake.
    BadRequest(StatusCode, &'static str),
    /// Nobody's: the request was to go no further.
    LastHop {
        /// Whether its method is one that the balancer answers: `OPTIONS`.
        is_answered: bool,
    },
    /// The list is empty, or everybody on it is out of rotation.
    NoInstance,
    /// The named instance did not take the connection, or broke it off.
    Broken(String),
    /// The client broke off its own request body.
    ClientBody,
    /// The client did not go on with its request body.
    ClientStalled,
    /// The instance was too slow.
    TimedOut(&'static str),
}

impl Failure {
    /// No connection to the instance came about.
    pub fn from_connect(upstream: &Upstream, error: ConnectError) -> Self {
        match error {
            ConnectError::TimedOut => {
                Self::TimedOut("the instance did not take the connection within BALANCER_CONNECT_TIMEOUT_MS")
            }
            ConnectError::Refused(error) => Self::Broken(format!(
                "instance {} does not take connections: {error}",
                upstream.name()
            )),
        }
    }

    /// The connection broke before an answer was there.
    pub fn from_send(upstream: &Upstream, failed: TrySendError<Request<RequestBody>>) -> Self {
        let error = failed.into_error();
        Self::Broken(format!(
            "instance {} broke off before it answered: {error}",
            upstream.name()
        ))
    }

    /// The instance answered with what cannot be passed on.
    pub fn from_answer(upstream: &Upstream, error: AnswerError) -> Self {
        Self::Broken(format!("instance {} answered, but {error}", upstream.name()))
    }

    /// The answer broke off right behind its head.
    pub fn from_relay(upstream: &Upstream, error: &RelayError) -> Self {
        Self::Broken(format!(
            "instance {} broke off inside its answer: {error}",
            upstream.name()
        ))
    }

    /// This failure, or the client's where it was that which did not go on with its request.
    pub fn or_clients(self, upload: Option<&Watch>) -> Self {
        match (upload.map(Watch::progress), &self) {
            (Some(Progress::Broken), _) => Self::ClientBody,
            (Some(Progress::Stalled), _) | (Some(Progress::Waits), Self::TimedOut(_)) => Self::ClientStalled,
            _ => self,
        }
    }

    /// Whether it counts against the instance.
    pub fn is_the_instances(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::TimedOut(_))
    }

    /// Whether the instance is gone, rather than slow.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken(_))
    }

    /// What the client is told.
    pub fn into_response(self) -> Response<ResponseBody> {
        match self {
            Self::BadRequest(status, detail) => problem(status, detail),
            Self::LastHop { is_answered: true } => Response::new(ResponseBody::Own(None)),
            Self::LastHop { is_answered: false } => {
                let mut response = problem(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "the balancer does not show requests; leave Max-Forwards out to reach an instance",
                );
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("OPTIONS"));
                response
            }
            Self::NoInstance => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "no instance is in rotation; put a list with PUT /_balancer/upstreams",
            ),
            Self::Broken(detail) => problem(StatusCode::BAD_GATEWAY, detail),
            Self::ClientBody => problem(StatusCode::BAD_REQUEST, "the request body ended before its end"),
            Self::ClientStalled => problem(
                StatusCode::REQUEST_TIMEOUT,
                "the request body did not go on; send it without a pause",
            ),
            Self::TimedOut(detail) => problem(StatusCode::GATEWAY_TIMEOUT, detail),
        }
    }
}

/// A failure, and the request if nothing of it was sent.
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// The request; boxed, for it is large and seldom there.
    pub unsent: Option<Box<Request<RequestBody>>>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, unsent: None }
    }
}
