//! One connection over the link.

use std::io;
use std::time::Duration;

use contract::{LinkConditions, Passage};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::line::{Direction, Line, handshake};
use crate::pipe::{Pipe, open};

/// How often a caller that is not let through is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the callee's machine may take to accept or refuse.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was accepted, and what is to become of it.
pub(crate) struct Connection {
    pub(crate) caller: TcpStream,
    /// The callee, `host:port`.
    pub(crate) to: String,
    pub(crate) seed: u64,
    /// Counted from 0 over the life of the link.
    pub(crate) number: u64,
    pub(crate) conditions: watch::Receiver<LinkConditions>,
}

impl Connection {
    /// Passes everything on in both directions until both sides have ended, or one breaks it off, or the link does.
    pub(crate) async fn serve(mut self) {
        if !self.is_let_through().await {
            return;
        }
        let mut watched = self.conditions.clone();
        let callee = tokio::select! {
            biased;
            () = reset(&mut watched) => None,
            callee = self.connect() => callee.ok(),
        };
        let Some(mut callee) = callee else {
            return break_off(&self.caller);
        };
        let ended_well = tokio::select! {
            biased;
            () = reset(&mut watched) => false,
            passed = self.pass(&mut callee) => passed.is_ok(),
        };
        if !ended_well {
            break_off(&self.caller);
            break_off(&callee);
        }
    }

    /// Waits while the link is a black hole. A caller that has given up by then was never connected to anybody.
    async fn is_let_through(&mut self) -> bool {
        if self.conditions.borrow().passage != Passage::BlackHole {
            return true;
        }
        loop {
            let opened = timeout(LOOK_EVERY, open(&mut self.conditions)).await.is_ok();
            if has_left(&self.caller).await {
                return false;
            }
            if opened {
                return true;
            }
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let conditions = *self.conditions.borrow();
        if conditions.latency_ms > 0.0 {
            sleep(handshake(&conditions)).await;
        }
        let callee = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.to)).await??;
        // Without it, small pieces would wait for the acknowledgement of those before.
        callee.set_nodelay(true)?;
        self.caller.set_nodelay(true)?;
        Ok(callee)
    }

    async fn pass(&mut self, callee: &mut TcpStream) -> io::Result<()> {
        let pipe = |direction| {
            let line = Line::new(self.seed, self.number, direction);
            Pipe::new(line, direction, self.conditions.clone())
        };
        let (up, down) = (pipe(Direction::Up), pipe(Direction::Down));
        let (from_caller, to_caller) = self.caller.split();
        let (from_callee, to_callee) = callee.split();
        tokio::try_join!(up.pass(from_caller, to_callee), down.pass(from_callee, to_caller)).map(drop)
    }
}

/// Waits until the link resets connections.
async fn reset(conditions: &mut watch::Receiver<LinkConditions>) {
    if conditions.wait_for(|now| now.passage == Passage::Reset).await.is_err() {
        // The link is ending, and its connections end with it.
        std::future::pending::<()>().await;
    }
}

/// Makes the end of a connection a reset.
fn break_off(stream: &TcpStream) {
    metrics::counter!("link_resets_total").increment(1);
    // One that is gone already needs no reset.
    let _ = stream.set_zero_linger();
}

/// Whether the other side has closed; what it sent before is left where it is.
async fn has_left(stream: &TcpStream) -> bool {
    let looked = timeout(Duration::ZERO, stream.ready(Interest::READABLE)).await;
    matches!(looked, Ok(Ok(ready)) if ready.is_read_closed())
}
