//! The body of a request, on its way from the client to an instance.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::headers;

/// How long an instance is waited for that was asked whether it wants the body. One that does not know the question answers nothing,
/// and a client that asked does not wait longer either (RFC 9110, section 10.1.1).
const CONTINUE_MAX: Duration = Duration::from_secs(1);

/// Body of a request to an instance.
pub enum RequestBody {
    /// No body.
    Empty,
    /// The client's body, read as fast as the instance takes it. Boxed, for most requests have none.
    Client(Box<Upload>),
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The client went away, or sent what is no body.
    #[error("the client broke off its request: {0}")]
    Broken(hyper::Error),
    /// The client sent nothing for too long.
    #[error("the client stopped sending its request")]
    Stalled,
}

/// How far a body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The instance has not said yet whether it wants the body.
    Asked = 0,
    /// It flows, as fast as the instance takes it.
    Flows = 1,
    /// The client is waited for.
    Waits = 2,
    /// All of it was passed on.
    Done = 3,
    /// The client broke it off.
    Broken = 4,
    /// The client was waited for too long.
    Stalled = 5,
}

/// The progress of a body, for those who judge what became of its request.
#[derive(Debug)]
pub struct Watch(AtomicU8);

impl Watch {
    fn new(progress: Progress) -> Self {
        Self(AtomicU8::new(progress as u8))
    }

    /// How far the body has come.
    pub fn progress(&self) -> Progress {
        match self.0.load(Relaxed) {
            0 => Progress::Asked,
            1 => Progress::Flows,
            2 => Progress::Waits,
            3 => Progress::Done,
            4 => Progress::Broken,
            _ => Progress::Stalled,
        }
    }

    fn set(&self, progress: Progress) {
        self.0.store(progress as u8, Relaxed);
    }

    /// The instance wants the body. Gives whether it had been asked.
    pub fn is_wanted(&self) -> bool {
        let was_asked = self.progress() == Progress::Asked;
        if was_asked {
            self.set(Progress::Flows);
        }
        was_asked
    }

    /// Whether it was the client that ended the request.
    pub fn is_clients_fault(&self) -> bool {
        matches!(self.progress(), Progress::Broken | Progress::Stalled)
    }
}

/// The client's body.
pub struct Upload {
    body: Incoming,
    watch: Arc<Watch>,
    /// Whether the instance was asked, and has not answered.
    asks: bool,
    /// Longest time without a byte.
    stall: Duration,
    /// Rings when whoever is waited for has taken too long; made when it is first needed.
    alarm: Option<Pin<Box<Sleep>>>,
    is_armed: bool,
}

impl RequestBody {
    /// The client's `body`, if there is one. When the client `expects` to be told to send it, the instance is asked first.
    pub fn new(body: Incoming, expects: bool, stall: Duration) -> Self {
        if body.is_end_stream() {
            return Self::Empty;
        }
        let progress = if expects { Progress::Asked } else { Progress::Flows };
        Self::Client(Box::new(Upload {
            body,
            watch: Arc::new(Watch::new(progress)),
            asks: expects,
            stall,
            alarm: None,
            is_armed: false,
        }))
    }

    /// The progress of the body, if there is one.
    pub fn watch(&self) -> Option<&Arc<Watch>> {
        match self {
            Self::Empty => None,
            Self::Client(upload) => Some(&upload.watch),
        }
    }
}

impl Upload {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        if self.asks {
            if self.watch.progress() == Progress::Asked && self.is_waiting(CONTINUE_MAX, cx) {
                return Poll::Pending;
            }
            self.watch.set(Progress::Flows);
            (self.asks, self.is_armed) = (false, false);
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let progress = match &polled {
            Poll::Pending if self.is_waiting(self.stall, cx) => Progress::Waits,
            Poll::Pending => Progress::Stalled,
            Poll::Ready(None) => Progress::Done,
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() || self.body.is_end_stream() => Progress::Done,
            Poll::Ready(Some(Ok(_))) => Progress::Flows,
            Poll::Ready(Some(Err(_))) => Progress::Broken,
        };
        self.watch.set(progress);
        if progress == Progress::Stalled {
            return Poll::Ready(Some(Err(UploadError::Stalled)));
        }
        self.is_armed &= polled.is_pending();
        polled.map(|frame| frame.map(|frame| frame.map(headers::clean_trailers).map_err(UploadError::Broken)))
    }

    /// Whether the wait that began when this was first asked is shorter than `limit`.
    fn is_waiting(&mut self, limit: Duration, cx: &mut Context<'_>) -> bool {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.is_armed {
            alarm.as_mut().reset(Instant::now() + limit);
            self.is_armed = true;
        }
        let is_pending = alarm.as_mut().poll(cx).is_pending();
        self.is_armed = is_pending;
        is_pending
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Client(upload) => upload.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Client(upload) => upload.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Client(upload) => upload.body.size_hint(),
        }
    }
}
