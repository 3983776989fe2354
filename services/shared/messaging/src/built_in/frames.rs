//! Frames of a connection: each is its length, and so many bytes. What is kept grows with what arrives, never with what
//! is announced.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use super::memory::{Charge, Memory};

/// The longest frame that is taken: many batches of the longest kind.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What every connection may keep without asking.
const FREE_BYTES: usize = 8 * 1024;
/// What a connection that waits for its next frame may keep.
const KEPT_BYTES_MAX: usize = 64 * 1024;
const LENGTH_BYTES: usize = 4;

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two frames.
    pub(super) idle: Duration,
    /// From the first byte of a frame to its last.
    pub(super) frame: Duration,
}

impl Default for Patience {
    /// Apache Kafka ends connections that are idle for 10 minutes, so clients end theirs before that.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15 * 60),
            frame: Duration::from_secs(30),
        }
    }
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("a frame of {0} bytes was announced, and {FRAME_BYTES_MAX} are the most")]
    Length(i32),
    #[error("all connections together hold too many bytes")]
    Memory,
    #[error("nothing was said for {} s", .0.as_secs())]
    Idle(Duration),
    #[error("half a frame came, and not the rest within {} s", .0.as_secs())]
    Half(Duration),
    #[error("the connection ended in the middle of a frame")]
    CutOff,
}

/// Reads frames.
pub(super) struct Frames<R> {
    from: R,
    /// What was read; whatever lies before `at` was given out.
    read: Vec<u8>,
    at: usize,
    charge: Charge,
    patience: Patience,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(from: R, memory: &Memory, patience: Patience) -> Self {
        Self {
            from,
            read: Vec::new(),
            at: 0,
            charge: memory.nothing(),
            patience,
        }
    }

    /// Whether the next frame is here already.
    pub(super) fn has_next(&self) -> bool {
        matches!(self.announced(), Ok(Some(length)) if self.read.len() - self.at >= LENGTH_BYTES + length)
    }

    /// The next frame without its length, or `None` when the client has ended the connection.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Broken> {
        let Patience { idle, frame } = self.patience;
        let mut until = Instant::now() + if self.is_between() { idle } else { frame };
        while !self.has_next() {
            let was_between = self.is_between();
            self.make_room()?;
            let reading = timeout_at(until, self.from.read_buf(&mut self.read)).await;
            let read = reading.map_err(|_| {
                if was_between {
                    Broken::Idle(idle)
                } else {
                    Broken::Half(frame)
                }
            })??;
            if read == 0 {
                return if was_between { Ok(None) } else { Err(Broken::CutOff) };
            }
            // A length that is wrong is refused as soon as it is there.
            self.announced()?;
            if was_between {
                until = Instant::now() + frame;
            }
        }
        let length = self.announced()?.unwrap_or_default();
        let start = self.at + LENGTH_BYTES;
        self.at = start + length;
        Ok(Some(&self.read[start..start + length]))
    }

    /// Whether nothing of the next frame is here.
    fn is_between(&self) -> bool {
        self.at == self.read.len()
    }

    /// The length of the next frame, if that much is here.
    fn announced(&self) -> Result<Option<usize>, Broken> {
        let Some(length) = self.read[self.at..].first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*length);
        let is_good = |bytes: &usize| *bytes <= FRAME_BYTES_MAX;
        usize::try_from(length)
            .ok()
            .filter(is_good)
            .map(Some)
            .ok_or(Broken::Length(length))
    }

    /// Forgets what was given out, and makes room for as much again as is kept.
    fn make_room(&mut self) -> Result<(), Broken> {
        self.read.drain(..self.at);
        self.at = 0;
        if self.read.is_empty() && self.read.capacity() > KEPT_BYTES_MAX {
            self.read = Vec::new();
        }
        if self.read.len() == self.read.capacity() {
            self.read.reserve_exact(self.read.len().max(FREE_BYTES));
        }
        let charged = self.read.capacity().saturating_sub(FREE_BYTES);
        if self.charge.set(charged) {
            Ok(())
        } else {
            Err(Broken::Memory)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn frames(memory: usize) -> (DuplexStream, Frames<DuplexStream>) {
        let (client, server) = duplex(64 * 1024);
        (client, Frames::new(server, &Memory::of(memory), Patience::default()))
    }

    #[tokio::test]
    async fn frames_come_one_by_one_however_they_were_sent() {
        let (mut client, mut frames) = frames(1 << 20);
        client.write_all(&[0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0]).await.unwrap();
        assert_eq!(frames.next().await.unwrap(), Some(&[1, 2][..]));
        assert!(frames.has_next());
        assert_eq!(frames.next().await.unwrap(), Some(&[][..]));
        assert!(!frames.has_next());
        client.write_all(&[0, 1, 9]).await.unwrap();
        drop(client);
        assert_eq!(frames.next().await.unwrap(), Some(&[9][..]));
        assert_eq!(frames.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_kept_grows_with_what_arrives() {
        let (mut client, mut frames) = frames(1 << 20);
        let long = 900_000;
        client
            .write_all(&i32::try_from(long).unwrap().to_be_bytes())
            .await
            .unwrap();
        client.write_all(&[7; 3]).await.unwrap();
        assert!(tokio::time::timeout(Duration::ZERO, frames.next()).await.is_err());
        assert!(frames.read.capacity() <= FREE_BYTES, "{}", frames.read.capacity());
        let sending = async {
            client.write_all(&vec![7; long - 3]).await.unwrap();
            client
        };
        let (_client, frame) = tokio::join!(sending, frames.next());
        assert_eq!(frame.unwrap().map(<[u8]>::len), Some(long));
    }

    #[tokio::test]
    async fn what_is_too_long_or_negative_is_refused_when_it_is_announced() {
        for length in [-1, i32::MAX, i32::try_from(FRAME_BYTES_MAX).unwrap() + 1] {
            let (mut client, mut frames) = frames(1 << 20);
            client.write_all(&length.to_be_bytes()).await.unwrap();
            assert!(matches!(frames.next().await, Err(Broken::Length(said)) if said == length));
        }
    }

    #[tokio::test]
    async fn all_connections_together_hold_a_bounded_number_of_bytes() {
        let (mut client, mut frames) = frames(100_000);
        client.write_all(&1_000_000_i32.to_be_bytes()).await.unwrap();
        let sending = async { client.write_all(&vec![0; 1_000_000]).await };
        let refused = async {
            let refused = matches!(frames.next().await, Err(Broken::Memory));
            drop(frames);
            refused
        };
        let (_, refused) = tokio::join!(sending, refused);
        assert!(refused);
    }

    #[tokio::test]
    async fn silence_and_halves_of_frames_are_bounded_in_time() {
        let (mut client, server) = duplex(100);
        let patience = Patience {
            idle: Duration::from_millis(1),
            frame: Duration::from_millis(1),
        };
        let mut frames = Frames::new(server, &Memory::of(1000), patience);
        assert!(matches!(frames.next().await, Err(Broken::Idle(_))));
        client.write_all(&[0, 0]).await.unwrap();
        assert!(matches!(frames.next().await, Err(Broken::Half(_))));
        drop(client);
        assert!(matches!(frames.next().await, Err(Broken::CutOff)));
    }
}
