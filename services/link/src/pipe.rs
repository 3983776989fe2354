//! One way of one connection: bytes in, and the same bytes out in the same order, when their time has come.

use std::collections::VecDeque;
use std::io;

use bytes::{Bytes, BytesMut};
use contract::{LinkConditions, Passage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::line::{Direction, Line, SEGMENT_BYTES};

/// How much of a connection is under way at most, each way. Who sends more has to wait, as with TCP's own window.
const WINDOW_BYTES: usize = 1 << 20;
/// How much is read at once.
const READ_BYTES: usize = 16 << 10;

/// What goes over a line.
enum Piece {
    Bytes(Bytes),
    /// No more bytes come; the other way may go on.
    End,
    /// The sender broke the connection off.
    Broken(io::Error),
}

/// One way of one connection.
pub(crate) struct Pipe {
    line: Line,
    direction: Direction,
    conditions: watch::Receiver<LinkConditions>,
    /// Where the line's clock begins.
    epoch: Instant,
    waiting: VecDeque<(Instant, Piece)>,
    waiting_bytes: usize,
}

impl Pipe {
    pub(crate) fn new(line: Line, direction: Direction, conditions: watch::Receiver<LinkConditions>) -> Self {
        Self {
            line,
            direction,
            conditions,
            epoch: Instant::now(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Passes everything on until the sender ends. That it ended is passed on, too.
    ///
    /// # Errors
    /// When either side broke the connection off.
    pub(crate) async fn pass(
        mut self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut buffer = BytesMut::new();
        let mut ended = false;
        loop {
            let first = self.waiting.front().map(|(at, _)| *at);
            tokio::select! {
                read = from.read_buf(&mut buffer), if !ended && self.waiting_bytes < WINDOW_BYTES => {
                    match read {
                        Ok(0) => {
                            ended = true;
                            self.send(Piece::End);
                        }
                        Ok(_) => self.send_bytes(buffer.split().freeze()),
                        Err(error) => {
                            ended = true;
                            self.send(Piece::Broken(error));
                        }
                    }
                    buffer.reserve(READ_BYTES);
                }
                () = arrival(first, &mut self.conditions) => match self.waiting.pop_front() {
                    Some((_, Piece::Bytes(bytes))) => {
                        to.write_all(&bytes).await?;
                        self.waiting_bytes -= bytes.len();
                        let passed = metrics::counter!("link_bytes_total", "direction" => self.direction.name());
                        passed.increment(bytes.len() as u64);
                    }
                    Some((_, Piece::End)) => return to.shutdown().await,
                    Some((_, Piece::Broken(error))) => return Err(error),
                    None => {}
                },
            }
        }
    }

    /// Cuts bytes into segments where that makes a difference.
    fn send_bytes(&mut self, mut bytes: Bytes) {
        let plain = self.conditions.borrow().is_plain();
        while !bytes.is_empty() {
            let length = if plain {
                bytes.len()
            } else {
                bytes.len().min(SEGMENT_BYTES)
            };
            self.send(Piece::Bytes(bytes.split_to(length)));
        }
    }

    fn send(&mut self, piece: Piece) {
        let length = match &piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::End | Piece::Broken(_) => 0,
        };
        let arrival = self.line.send(self.epoch.elapsed(), length, &self.conditions.borrow());
        if arrival.losses > 0 {
            metrics::counter!("link_lost_total", "direction" => self.direction.name())
                .increment(u64::from(arrival.losses));
        }
        self.waiting_bytes += length;
        self.waiting.push_back((self.epoch + arrival.at, piece));
    }
}

/// Waits until what arrives then has arrived; for ever where nothing is under way. A black hole lets nothing out.
async fn arrival(at: Option<Instant>, conditions: &mut watch::Receiver<LinkConditions>) {
    let Some(at) = at else {
        return std::future::pending().await;
    };
    // The timer rounds up to its next millisecond, also what is due.
    if at > Instant::now() {
        sleep_until(at).await;
    }
    open(conditions).await;
}

/// Waits until a link is no black hole.
pub(crate) async fn open(conditions: &mut watch::Receiver<LinkConditions>) {
    // Without a sender nobody opens it any more, and the connection is about to end.
    let _ = conditions.wait_for(|now| now.passage != Passage::BlackHole).await;
}
