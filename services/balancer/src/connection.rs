//! One HTTP/1.1 connection to an instance.
//!
//! The usual way gives every client connection a task of its own that does its reading and writing, and a request then crosses
//! from task to task twice. Here the task that serves the client also drives the connection to the instance while it has it on
//! loan, so a request wakes one task only. An idle connection is driven by nobody; it is looked at before it is used again, and
//! by the sweep.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::ext::on_informational;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::address::Address;
use crate::heard::{Heard, Listening};
use crate::interim::Interims;
use crate::upload::RequestBody;

/// A connection to an instance, on loan to one request at a time.
pub struct UpstreamConnection {
    sender: SendRequest<RequestBody>,
    driver: Connection<TokioIo<Listening>, RequestBody>,
    closed: bool,
    heard: Heard,
    idle_since: Instant,
}

impl UpstreamConnection {
    /// Connects to `address` within `timeout`, its lookup included.
    ///
    /// # Errors
    /// [`ConnectError`], with refused and timed out told apart.
    pub async fn open(address: &Arc<Address>, timeout: Duration) -> Result<Box<Self>, ConnectError> {
        let connected = async { TcpStream::connect(&*address.resolve().await?).await };
        let stream = tokio::time::timeout(timeout, connected)
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(ConnectError::Refused)?;
        // Heads and short bodies are whole messages: waiting to fill a segment only adds delay.
        stream.set_nodelay(true).map_err(ConnectError::Refused)?;
        let heard = Heard::default();
        let stream = Listening::new(stream, heard.clone());
        let (sender, driver) = Builder::new()
            // Head and body in one piece, for the reason that `chassis::serve_connections` gives.
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Refused(std::io::Error::other(error)))?;
        Ok(Box::new(Self {
            sender,
            driver,
            closed: false,
            heard,
            idle_since: Instant::now(),
        }))
    }

    /// Since when it is idle, while it is.
    pub fn idle_since(&self) -> Instant {
        self.idle_since
    }

    /// Lets the connection read and write as far as it can now.
    pub fn drive(&mut self, cx: &mut Context<'_>) {
        // A finished connection must not be polled again.
        if !self.closed && Pin::new(&mut self.driver).poll(cx).is_ready() {
            self.closed = true;
        }
    }

    /// Whether it could carry a request now, as far as is known without waiting.
    pub fn is_reusable(&mut self) -> bool {
        // Nobody waits for the outcome: whoever uses the connection next drives it with a waker of its own.
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.closed && self.sender.is_ready()
    }

    /// Whether it is known to be closed, or as good as closed.
    pub fn is_closed(&self) -> bool {
        self.closed || self.heard.is_deaf()
    }

    /// Whether any byte of an answer to the last request came in.
    pub fn has_heard(&self) -> bool {
        self.heard.anything()
    }

    /// Marks it as idle from now on.
    pub fn rest(&mut self) {
        self.idle_since = Instant::now();
    }

    /// Sends the request and waits for the head of the answer. The body of the answer has to be read while the connection is
    /// [driven](Self::drive). Interim answers go to `interims`.
    ///
    /// # Errors
    /// hyper's own, which gives the request back when nothing of it was sent.
    pub fn send(
        &mut self,
        mut request: Request<RequestBody>,
        interims: Option<&Interims>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
        self.heard.reset();
        if let Some(interims) = interims {
            self.pass_interims(&mut request, interims.clone());
        }
        let response = self.sender.try_send_request(request);
        async move {
            let mut response = pin!(response);
            poll_fn(|cx| {
                self.drive(cx);
                // A connection that closed has told the response future why, so this never waits for nothing.
                response.as_mut().poll(cx)
            })
            .await
        }
    }

    /// Has the interim answers to the request written to the client, but for the one that the balancer itself says: hyper's server
    /// says `100 Continue` when the body that a client holds back is first read.
    fn pass_interims(&self, request: &mut Request<RequestBody>, interims: Interims) {
        let upload = request.body().watch().cloned();
        let heard = self.heard.clone();
        on_informational(request, move |answer| {
            let is_asked_for = answer.status() == StatusCode::CONTINUE;
            if is_asked_for && upload.as_ref().is_some_and(|upload| upload.is_wanted()) {
                return;
            }
            if !interims.push(answer.status(), answer.headers()) {
                heard.cut_off();
            }
        });
    }
}

/// Why there is no connection to an instance.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The instance or the network said no.
    #[error("{0}")]
    Refused(std::io::Error),
    /// Nobody answered in time.
    #[error("no answer within the connect timeout")]
    TimedOut,
}
