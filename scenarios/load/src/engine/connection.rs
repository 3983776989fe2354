//! Connections in numbered slots, and the moments at which they need looking at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mio::net::TcpStream;

use crate::http::Reader;

/// A request on its way. Times are nanoseconds since the start of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Which of the stream's messages it is.
    pub(super) message: usize,
    pub(super) intended_ns: u64,
    pub(super) sent_ns: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Busy,
    Idle,
}

pub(super) struct Connection {
    pub(super) socket: TcpStream,
    pub(super) stream: usize,
    pub(super) phase: Phase,
    pub(super) job: Job,
    pub(super) reader: Reader,
    /// Bytes of the request written.
    pub(super) written: usize,
    /// Whether it carried a request before the present one.
    pub(super) reused: bool,
}

/// The connections by slot. A slot is used again, its number is the event token.
#[derive(Default)]
pub(super) struct Connections {
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Connections {
    /// A slot that the next [`put`](Self::put) may fill.
    pub(super) fn reserve(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        })
    }

    pub(super) fn put(&mut self, slot: usize, connection: Connection) {
        self.slots[slot] = Some(connection);
    }

    /// Gives back a reserved slot that was not filled.
    pub(super) fn unreserve(&mut self, slot: usize) {
        self.free.push(slot);
    }

    /// The connection in a slot; none when an event comes late.
    pub(super) fn get(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slots.get_mut(slot)?.as_mut()
    }

    pub(super) fn take(&mut self, slot: usize) -> Option<Connection> {
        let taken = self.slots.get_mut(slot)?.take();
        if taken.is_some() {
            self.free.push(slot);
        }
        taken
    }

    pub(super) fn occupied(&self) -> Vec<usize> {
        (0..self.slots.len())
            .filter(|&slot| self.slots[slot].is_some())
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The request in a slot may have reached its timeout.
    Timeout(usize),
    /// A user of a stream is ready to send.
    User(usize),
}

/// Moments, soonest first. Nearly all requests end before their timeout, so a slot has one entry that is moved lazily:
/// when it comes up and the slot's request has more time, it goes back in. A request costs no heap operation then.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, Due)>>,
    /// By slot: the moment of its soonest entry, `u64::MAX` when it has none.
    armed: Vec<u64>,
}

impl Timers {
    pub(super) fn user(&mut self, stream: usize, at_ns: u64) {
        self.heap.push(Reverse((at_ns, Due::User(stream))));
    }

    pub(super) fn timeout(&mut self, slot: usize, at_ns: u64) {
        if self.armed.len() <= slot {
            self.armed.resize(slot + 1, u64::MAX);
        }
        if self.armed[slot] > at_ns {
            self.armed[slot] = at_ns;
            self.heap.push(Reverse((at_ns, Due::Timeout(slot))));
        }
    }

    pub(super) fn next_ns(&self) -> Option<u64> {
        self.heap.peek().map(|&Reverse((at_ns, _))| at_ns)
    }

    /// The next moment that has come.
    pub(super) fn pop(&mut self, now_ns: u64) -> Option<(u64, Due)> {
        while self.next_ns()? <= now_ns {
            let Reverse((at_ns, due)) = self.heap.pop()?;
            match due {
                Due::User(_) => return Some((at_ns, due)),
                Due::Timeout(slot) if self.armed[slot] == at_ns => {
                    self.armed[slot] = u64::MAX;
                    return Some((at_ns, due));
                }
                // An entry that a sooner one of the same slot replaced.
                Due::Timeout(_) => {}
            }
        }
        None
    }
}
