//! A stream to an instance that remembers what hyper's errors do not tell, and hears an answer out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What became of a connection since it was last [reset](Self::reset).
///
/// hyper's errors do not tell a connection that closed in silence from one that closed inside the head of an answer, and only after
/// silence is it a chance race.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    anything: AtomicBool,
    deaf: AtomicBool,
    babbles: AtomicBool,
}

impl Heard {
    /// Forgets what came in so far.
    pub fn reset(&self) {
        self.0.anything.store(false, Relaxed);
    }

    /// Whether a byte came in since.
    pub fn anything(&self) -> bool {
        self.0.anything.load(Relaxed)
    }

    /// Whether the instance has stopped taking what is sent. Such a connection carries no other request.
    pub fn is_deaf(&self) -> bool {
        self.0.deaf.load(Relaxed)
    }

    /// The instance says more than anybody wants to hear: reading fails from now on.
    pub fn cut_off(&self) {
        self.0.babbles.store(true, Relaxed);
    }
}

/// A TCP stream that reports to a [`Heard`].
///
/// An instance may refuse a request before it has read its body, and close: writing then fails, while the answer waits to be read.
/// hyper gives up at the first failure of either. So a failed write is not told, what is written afterwards goes nowhere, and reading
/// decides: it gives the answer, or the reason why there is none.
#[derive(Debug)]
pub struct Listening {
    stream: TcpStream,
    heard: Heard,
}

impl Listening {
    /// Watches `stream`.
    pub fn new(stream: TcpStream, heard: Heard) -> Self {
        Self { stream, heard }
    }
}

impl AsyncRead for Listening {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.heard.0.babbles.load(Relaxed) {
            return Poll::Ready(Err(io::Error::other("interim answers without an end")));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.heard.0.anything.store(true, Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Listening {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.heard.is_deaf() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Err(_)) = polled {
            self.heard.0.deaf.store(true, Relaxed);
            // What there is to read is looked at once more.
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(bytes.len()));
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
