//! Why a request was not answered by an instance.

use http::{Request, Response, StatusCode};
use hyper::client::conn::TrySendError;

use crate::body::{RequestBody, ResponseBody};
use crate::connection::ConnectError;
use crate::problem::problem;
use crate::upstream::Upstream;

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
        if error.is_user() {
            return Self::ClientBody;
        }
        Self::Broken(format!(
            "instance {} broke off before it answered: {error}",
            upstream.name()
        ))
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
