//! The body of an answer on its way through: streamed frame by frame, never collected.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::connection::UpstreamConnection;
use crate::headers;
use crate::upload::{Progress, Watch};
use crate::upstream::InFlight;

/// Body of an answer to the client.
pub enum ResponseBody {
    /// Bytes of the balancer's own, sent once; `None` when there are none (left).
    Own(Option<Bytes>),
    /// The instance's answer, passed on as it arrives.
    Relayed(Relay),
}

/// Why an answer breaks off.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The instance broke it off, or sent what is no body.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    /// The instance sent nothing for too long.
    #[error("the instance stopped inside its answer")]
    Stalled,
}

impl ResponseBody {
    /// A body of these bytes.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self::Own(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }
}

/// What an answer holds until it ends.
pub struct Lease {
    /// To its instance.
    pub connection: Box<UpstreamConnection>,
    /// Whether it may carry another request, as far as the head of the answer tells.
    pub is_reusable: bool,
    /// Its place in the count.
    pub in_flight: InFlight,
    /// The progress of the request's body, if it had one.
    pub upload: Option<Arc<Watch>>,
}

impl Lease {
    /// The whole answer was read: the connection may serve the next request, unless it still owes a part of this one.
    fn end(self) {
        let is_sent = self.upload.is_none_or(|upload| upload.progress() == Progress::Done);
        if self.is_reusable && is_sent {
            self.in_flight.upstream().put_back(self.connection);
        }
    }

    /// The answer broke off, which counts against the instance unless the client broke its request.
    fn fail(mut self) {
        if !self.upload.is_some_and(|upload| upload.is_clients_fault()) {
            self.in_flight.fail();
        }
    }
}

/// The rest of an instance's answer.
///
/// Dropped before its end (the client went away), it closes the connection, which aborts the request at the instance, and leaves
/// the in-flight count.
pub struct Relay {
    body: Incoming,
    /// What was read ahead.
    first: Option<Frame<Bytes>>,
    lease: Option<Lease>,
    /// Longest wait for a frame.
    stall: Option<Duration>,
    /// Rings when it has passed; made when the instance is first waited for.
    alarm: Option<Pin<Box<Sleep>>>,
    is_armed: bool,
}

impl Relay {
    /// The body of an answer whose head was read. What came along with that is looked at now, while there is time to say that it is
    /// not a body.
    ///
    /// # Errors
    /// When it is none, with the lease.
    pub async fn begin(
        body: Incoming,
        lease: Lease,
        stall: Option<Duration>,
    ) -> Result<ResponseBody, (RelayError, Lease)> {
        let mut relay = Self {
            body,
            first: None,
            lease: Some(lease),
            stall,
            alarm: None,
            is_armed: false,
        };
        if !relay.body.is_end_stream() {
            let first = poll_fn(|cx| Poll::Ready(relay.poll_body(cx))).await;
            match (first, relay.lease.take()) {
                (Poll::Ready(Some(Err(error))), Some(lease)) => return Err((error, lease)),
                (Poll::Ready(Some(Ok(frame))), lease) => (relay.first, relay.lease) = (Some(frame), lease),
                (Poll::Ready(None), Some(lease)) => {
                    lease.end();
                    return Ok(ResponseBody::Own(None));
                }
                (_, lease) => relay.lease = lease,
            }
        }
        if relay.body.is_end_stream() {
            let whole = relay.first.take().and_then(|frame| frame.into_data().ok());
            relay.end();
            return Ok(ResponseBody::Own(whole));
        }
        Ok(ResponseBody::Relayed(relay))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RelayError>>> {
        let mut polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() {
            // Nothing buffered: let the connection read, then look again.
            if let Some(lease) = &mut self.lease {
                lease.connection.drive(cx);
            }
            polled = Pin::new(&mut self.body).poll_frame(cx);
        }
        if polled.is_pending() && self.has_stalled(cx) {
            return Poll::Ready(Some(Err(RelayError::Stalled)));
        }
        self.is_armed &= polled.is_pending();
        polled.map(|frame| frame.map(|frame| Ok(headers::clean_trailers(frame?))))
    }

    /// Whether the wait that began when this was first asked has become too long.
    fn has_stalled(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(limit) = self.stall else {
            return false;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.is_armed {
            alarm.as_mut().reset(Instant::now() + limit);
            self.is_armed = true;
        }
        alarm.as_mut().poll(cx).is_ready()
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = RelayError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RelayError>>> {
        let relay = match self.get_mut() {
            Self::Own(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            Self::Relayed(relay) => relay,
        };
        if let Some(first) = relay.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let polled = relay.poll_body(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) if relay.body.is_end_stream() => relay.end(),
            Poll::Ready(None) => relay.end(),
            Poll::Ready(Some(Err(_))) => {
                if let Some(lease) = relay.lease.take() {
                    lease.fail();
                }
            }
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Relayed(relay) => relay.first.is_none() && relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relayed(relay) => {
                let ahead = relay.first.as_ref().and_then(Frame::data_ref);
                let ahead = ahead.map_or(0, |bytes| bytes.len() as u64);
                let rest = relay.body.size_hint();
                rest.exact().map_or(rest, |rest| SizeHint::with_exact(rest + ahead))
            }
        }
    }
}
