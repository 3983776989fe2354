//! Interim answers (1xx), which an intermediary has to pass on (RFC 9110, section 15.2).
//!
//! hyper reads them and tells of them, but its server cannot write any. So they are written past it: when hyper has written all it
//! has, which it says by a flush, and before it gets the final answer.

use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::headers;

/// How much of interim answers waits for a client, in bytes.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// The interim answers that wait to be written to one client.
#[derive(Debug, Clone, Default)]
pub struct Interims(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether `bytes` holds any: asked with every answer, while interim ones are rare.
    any: AtomicBool,
    bytes: Mutex<BytesMut>,
}

impl Interims {
    /// Takes one to be written. Gives whether there was room for it.
    pub fn push(&self, status: StatusCode, fields: &HeaderMap) -> bool {
        let mut fields = fields.clone();
        headers::prepare_interim(&mut fields);
        let mut message = Vec::new();
        let reason = status.canonical_reason().unwrap_or_default();
        // Writing to a vector does not fail.
        let _ = write!(message, "HTTP/1.1 {} {reason}\r\n", status.as_str());
        for (name, value) in &fields {
            message.extend_from_slice(name.as_str().as_bytes());
            message.extend_from_slice(b": ");
            message.extend_from_slice(value.as_bytes());
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"\r\n");
        let mut bytes = self.bytes();
        if bytes.len() + message.len() > WAITING_BYTES_MAX {
            return false;
        }
        bytes.extend_from_slice(&message);
        self.0.any.store(true, Relaxed);
        true
    }

    /// Waits until all were written. Only for the task that serves the client, which is woken when they are.
    pub async fn written(&self) {
        poll_fn(|_| match self.0.any.load(Relaxed) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    fn bytes(&self) -> MutexGuard<'_, BytesMut> {
        self.0.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_write_to(&self, mut stream: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = self.bytes();
        while !bytes.is_empty() {
            match ready!(stream.as_mut().poll_write(cx, &bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => bytes.advance(written),
            }
        }
        self.0.any.store(false, Relaxed);
        // The final answer waits for this.
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }
}

/// A client's stream, into which interim answers are written between what hyper writes.
#[derive(Debug)]
pub struct WithInterims<S> {
    stream: S,
    interims: Interims,
}

impl<S> WithInterims<S> {
    /// Writes `interims` into `stream`.
    pub fn new(stream: S, interims: Interims) -> Self {
        Self { stream, interims }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WithInterims<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithInterims<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.interims.0.any.load(Relaxed) {
            ready!(this.interims.poll_write_to(Pin::new(&mut this.stream), cx))?;
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
