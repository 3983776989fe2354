//! A client's connection that does not wait for ever.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::stage::{Phase, Stage};

/// How long a client may keep a connection waiting. Connections are looked at four times within the shortest of the limits, so a
/// wait may last longer by a quarter of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time without a request, from the end of the last answer on.
    pub idle: Duration,
    /// Longest time from the first byte of a request's head to its last, however steadily they come.
    pub head: Duration,
    /// Longest time in which a client takes nothing of its answer.
    pub stall: Duration,
}

impl Limits {
    /// The idle limit is longer than that of the pools of usual clients, so that it is the client that closes, and no request
    /// meets a connection that was closed a moment ago.
    pub const USUAL: Self = Self {
        idle: Duration::from_secs(120),
        head: Duration::from_secs(30),
        stall: Duration::from_secs(60),
    };
}

/// How often a connection is looked at within its shortest limit.
const LOOKS: u32 = 4;
/// How long a connection that has ended is still read, so that the client gets to see the last answer: closed with unread input,
/// it would be reset, and the answer lost with it (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_millis(500);
/// How much of it is read then, in bytes.
const LINGER_BYTES_MAX: usize = 16 << 20;

/// What a client hears whose head does not end (RFC 9110, section 15.5.9), before the connection is closed.
const LATE_HEAD: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\
    content-type: application/problem+json\r\n\
    content-length: 134\r\n\
    connection: close\r\n\
    \r\n\
    {\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\
    \"detail\":\"the head of the request did not end; the connection is closed\"}";

/// A stream that fails once its client keeps it waiting too long, and ends without losing what was said last.
///
/// No clock is read while requests flow: a timer looks now and then whether anything has changed since it last looked.
pub(crate) struct Patient<I> {
    stream: I,
    stage: Arc<Stage>,
    limits: Limits,
    look_every: Duration,
    alarm: Pin<Box<Sleep>>,
    is_armed: bool,
    is_write_blocked: bool,
    writes: u32,
    seen: (u32, u32),
    /// For how long nothing has changed, as far as was seen.
    waited: Duration,
    /// Bytes that may still be read and thrown away, once the stream has ended.
    lingers: Option<usize>,
}

impl<I> Patient<I> {
    pub(crate) fn new(stream: I, stage: Arc<Stage>, limits: Limits) -> Self {
        let look_every = limits.idle.min(limits.head).min(limits.stall) / LOOKS;
        Self {
            stream,
            stage,
            limits,
            look_every,
            alarm: Box::pin(sleep(look_every)),
            is_armed: false,
            is_write_blocked: false,
            writes: 0,
            seen: (0, 0),
            waited: Duration::ZERO,
            lingers: None,
        }
    }

    /// Asked whenever the client is waited for: whether that has lasted too long.
    fn gives_up(&mut self, cx: &mut Context<'_>) -> bool {
        // Once polled it wakes this task, the only one there is; until then it costs a look.
        if self.is_armed && !self.alarm.is_elapsed() {
            return false;
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if self.waited_too_long() {
                return true;
            }
            self.alarm.as_mut().reset(Instant::now() + self.look_every);
        }
        self.is_armed = true;
        false
    }

    /// Looks whether anything has changed.
    fn waited_too_long(&mut self) -> bool {
        let phase = self.stage.phase();
        let now = (self.stage.changes(), self.writes);
        let is_the_client_waited_for = self.is_write_blocked || phase != Phase::Busy;
        if now != self.seen || !is_the_client_waited_for {
            self.seen = now;
            self.waited = Duration::ZERO;
            return false;
        }
        self.waited += self.look_every;
        let limit = match phase {
            Phase::Idle => self.limits.idle,
            Phase::Head => self.limits.head,
            Phase::Busy => self.limits.stall,
        };
        self.waited >= limit
    }

    fn or_give_up<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_pending() && self.gives_up(cx) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client was too slow")));
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> Patient<I> {
    /// Tells the client why it is given up, as far as that goes at once: whoever takes nothing either is not waited for.
    fn say_why(&mut self, cx: &mut Context<'_>) {
        // Every answer before was written whole, or there would be no next head.
        if self.stage.phase() == Phase::Head && !self.is_write_blocked {
            // A stream that lets writes wait for one another may put this one off once.
            let mut write = || Pin::new(&mut self.stream).poll_write(cx, LATE_HEAD).is_ready();
            let _ = write() || write();
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Patient<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.stage.phase() == Phase::Idle {
            self.stage.enter(Phase::Head);
        }
        let polled = self.or_give_up(polled, cx);
        if matches!(&polled, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut) {
            self.say_why(cx);
        }
        polled
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.is_write_blocked = polled.is_pending();
        if polled.is_ready() {
            self.writes = self.writes.wrapping_add(1);
        }
        self.or_give_up(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.is_write_blocked = polled.is_pending();
        self.or_give_up(polled, cx)
    }

    /// Ends the stream, and waits a little until the client has ended its side, too.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = match &mut this.lingers {
            Some(left) => left,
            none => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                this.alarm.as_mut().reset(Instant::now() + LINGER);
                none.insert(LINGER_BYTES_MAX)
            }
        };
        while *left > 0 {
            let mut scratch = [MaybeUninit::uninit(); 4_096];
            let mut buffer = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    *left = left.saturating_sub(buffer.filled().len());
                }
                // The end, in either way.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(this.alarm.as_mut().poll(cx));
                    return Poll::Ready(Ok(()));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_secs(3_600);

    fn patient(limits: Limits) -> (Patient<tokio::io::DuplexStream>, Arc<Stage>, tokio::io::DuplexStream) {
        let (near, far) = duplex(64);
        let stage = Arc::new(Stage::default());
        (Patient::new(near, Arc::clone(&stage), limits), stage, far)
    }

    #[tokio::test]
    async fn a_silent_client_is_given_up() {
        let (mut stream, _, _far) = patient(Limits {
            idle: SOON,
            head: NEVER,
            stall: NEVER,
        });
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_head_that_drips_is_given_up_however_steadily() {
        let (mut stream, stage, mut far) = patient(Limits {
            idle: NEVER,
            head: SOON,
            stall: NEVER,
        });
        let drip = async {
            while far.write_u8(b'x').await.is_ok() {
                tokio::time::sleep(SOON / 8).await;
            }
        };
        let read = async {
            let mut bytes = Vec::new();
            let error = stream.read_to_end(&mut bytes).await.unwrap_err();
            drop(stream);
            (error.kind(), bytes.is_empty())
        };
        let (_, read) = tokio::join!(drip, read);
        assert_eq!(read, (io::ErrorKind::TimedOut, false));
        assert_eq!(stage.phase(), Phase::Head);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_and_one_that_waits_is_not() {
        let (mut stream, stage, mut far) = patient(Limits {
            idle: SOON,
            head: SOON,
            stall: SOON,
        });
        stage.enter(Phase::Busy);
        // Busy and nothing to write: it is the service that is waited for, here for many times every limit.
        let waits = tokio::time::timeout(SOON * 20, stream.read_u8()).await;
        assert!(waits.is_err(), "{waits:?}");
        let (_, error) = tokio::join!(far.read_u8(), async {
            stream.write_all(&[0; 1_000]).await.unwrap_err()
        });
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_was_said_last_is_not_lost_to_a_reset() {
        let (mut stream, _, mut far) = patient(Limits::USUAL);
        let end = async {
            stream.write_all(b"bye").await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let client = async {
            // More than the pipe holds: it would wait for ever if nobody read it.
            far.write_all(&[0; 10_000]).await.unwrap();
            far.shutdown().await.unwrap();
            let mut said = String::new();
            far.read_to_string(&mut said).await.unwrap();
            said
        };
        assert_eq!(tokio::join!(end, client).1, "bye");
    }

    #[tokio::test]
    async fn a_client_that_does_not_end_its_side_is_not_waited_for() {
        let (mut stream, _, _far) = patient(Limits::USUAL);
        stream.shutdown().await.unwrap();
    }
}
