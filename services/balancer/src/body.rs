//! Bodies on their way through: streamed frame by frame, never collected.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::connection::UpstreamConnection;
use crate::upstream::InFlight;

/// Body of a request to an instance.
pub enum RequestBody {
    /// No body: what a replay of a request without a body sends.
    Empty,
    /// The client's body, read as fast as the instance takes it.
    Client(Incoming),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Client(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Client(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Client(body) => body.size_hint(),
        }
    }
}

/// Body of an answer to the client.
pub enum ResponseBody {
    /// Bytes of the balancer's own, sent once; `None` when there are none (left).
    Own(Option<Bytes>),
    /// The instance's answer, passed on as it arrives.
    Relayed(Relay),
}

impl ResponseBody {
    /// A body of these bytes.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self::Own(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }

    /// The rest of an instance's answer, which holds its connection and its place in the in-flight count until it ends.
    pub fn relayed(body: Incoming, connection: Box<UpstreamConnection>, in_flight: InFlight) -> Self {
        let mut relay = Relay {
            body,
            lease: Some((connection, in_flight)),
        };
        if relay.body.is_end_stream() {
            relay.end();
            return Self::Own(None);
        }
        Self::Relayed(relay)
    }
}

/// The rest of an instance's answer.
///
/// Dropped before its end (the client went away), it closes the connection, which aborts the request at the instance, and leaves
/// the in-flight count.
pub struct Relay {
    body: Incoming,
    lease: Option<(Box<UpstreamConnection>, InFlight)>,
}

impl Relay {
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let ready = Pin::new(&mut self.body).poll_frame(cx);
        if ready.is_ready() {
            return ready;
        }
        // Nothing buffered: let the connection read, then look again.
        if let Some((connection, _)) = &mut self.lease {
            connection.drive(cx);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// The whole answer was read: the connection may serve the next request.
    fn end(&mut self) {
        if let Some((connection, in_flight)) = self.lease.take() {
            in_flight.upstream().put_back(connection);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let relay = match self.get_mut() {
            Self::Own(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            Self::Relayed(relay) => relay,
        };
        let polled = relay.poll_body(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) if relay.body.is_end_stream() => relay.end(),
            Poll::Ready(None) => relay.end(),
            Poll::Ready(Some(Err(_))) => {
                if let Some((_, mut in_flight)) = relay.lease.take() {
                    in_flight.fail();
                }
            }
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Relayed(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relayed(relay) => relay.body.size_hint(),
        }
    }
}
