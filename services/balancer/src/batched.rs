//! A stream whose writes wait for those of other tasks, so that they go out together.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Writes after the tasks that are ready now have run.
///
/// Under load, one look at the sockets finds dozens that are readable. Answered one by one, with work in between, each answer finds
/// the other end asleep again, and waking a process costs more than all else that a write does; written in one go, only the first
/// has to. One lonely request waits for nothing but a second poll of its task. Source: Seastar's batched flushes; Netty's
/// `FlushConsolidationHandler`.
#[derive(Debug)]
pub struct BatchedWrites<S> {
    stream: S,
    /// Whether it has waited, since the last flush.
    waited: bool,
}

impl<S> BatchedWrites<S> {
    /// Holds up the writes of `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, waited: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BatchedWrites<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BatchedWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.waited {
            self.waited = true;
            // To the end of the queue.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waited = false;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_write_comes_after_all_that_was_ready_before_it() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = BatchedWrites::new(near);
        let order = RefCell::new(Vec::new());
        let write = async {
            near.write_all(b"one").await.unwrap();
            order.borrow_mut().push("written");
            near.write_all(b" more").await.unwrap();
            order.borrow_mut().push("written on");
            near.flush().await.unwrap();
            near.write_all(b" and two").await.unwrap();
            order.borrow_mut().push("written again");
        };
        let beside = async {
            order.borrow_mut().push("another");
            tokio::task::yield_now().await;
            order.borrow_mut().push("another again");
        };
        tokio::join!(biased; write, beside);
        let expected = ["another", "written", "written on", "another again", "written again"];
        assert_eq!(*order.borrow(), expected);
        let mut read = [0; 16];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one more and two");
    }
}
