//! Sending one request to one instance, until the head of the answer is there.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::connection::UpstreamConnection;
use crate::failure::{Failed, Failure};
use crate::interim::Interims;
use crate::upload::RequestBody;
use crate::upstream::Upstream;

/// An instance's answer before it is made fit for the client.
pub struct Answer {
    /// Its head, and the body that is read while the connection is driven.
    pub response: Response<Incoming>,
    /// On loan until the body has ended.
    pub connection: Box<UpstreamConnection>,
}

/// How a request is sent.
pub struct Way<'a> {
    /// To whom.
    pub upstream: &'a Upstream,
    /// What it takes to send it again.
    pub repeat: &'a Repeat,
    /// Where interim answers go; to nobody who does not know them.
    pub interims: Option<&'a Interims>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
}

/// What it takes to send a request once more: nothing, unless twice is the same as once and there is no body, which would be spent.
pub struct Repeat(Option<Box<Parts>>);

impl Repeat {
    /// Of this request.
    pub fn of(head: &Parts, body: &RequestBody) -> Self {
        let can_repeat = head.method.is_idempotent() && matches!(body, RequestBody::Empty);
        Self(can_repeat.then(|| Box::new(head.clone())))
    }

    /// The request once more, if it may be sent.
    pub fn request(&self) -> Option<Request<RequestBody>> {
        let head = self.0.as_deref()?.clone();
        Some(Request::from_parts(head, RequestBody::Empty))
    }
}

/// Sends the request over an idle connection if there is one, else over a new one.
///
/// An instance may close an idle connection at the very moment a request is sent on it. Such a request is sent once more, on a
/// fresh connection to the same instance, when nothing of it was sent; or when not a byte of an answer came, doing it twice is the
/// same as doing it once (RFC 9110 section 9.2.2), and it has no body, which would already be spent.
pub async fn exchange(way: &Way<'_>, request: Request<RequestBody>) -> Result<Answer, Failed> {
    let Some(mut connection) = way.upstream.take_idle() else {
        return exchange_on_fresh(way, request).await;
    };
    let mut failed = match connection.send(request, way.interims).await {
        Ok(response) => {
            return Ok(Answer { response, connection });
        }
        Err(failed) => failed,
    };
    let again = match failed.take_message() {
        Some(unsent) => Some(unsent),
        None if connection.has_heard() || failed.error().is_user() => None,
        None => way.repeat.request(),
    };
    drop(connection);
    match again {
        Some(request) => exchange_on_fresh(way, request).await,
        None => Err(Failure::from_send(way.upstream, failed).into()),
    }
}

/// Boxed: its state is large and seldom needed, and inside the state of every request it would be copied around with it.
fn exchange_on_fresh<'a>(
    way: &'a Way<'_>,
    request: Request<RequestBody>,
) -> Pin<Box<impl Future<Output = Result<Answer, Failed>> + use<'a>>> {
    Box::pin(connect_and_send(way, request))
}

async fn connect_and_send(way: &Way<'_>, request: Request<RequestBody>) -> Result<Answer, Failed> {
    let mut connection = match way.upstream.connect(way.connect_timeout).await {
        Ok(connection) => connection,
        Err(error) => {
            return Err(Failed {
                failure: Failure::from_connect(way.upstream, error),
                unsent: Some(Box::new(request)),
            });
        }
    };
    match connection.send(request, way.interims).await {
        Ok(response) => Ok(Answer { response, connection }),
        Err(mut failed) => {
            let unsent = failed.take_message().map(Box::new);
            let failure = Failure::from_send(way.upstream, failed);
            Err(Failed { failure, unsent })
        }
    }
}
