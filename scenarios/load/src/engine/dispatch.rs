//! How a request gets a connection: an idle one, a new one, or a place in the queue.

use std::io;

use mio::net::TcpStream;
use mio::{Interest, Token};

use super::Engine;
use super::connection::{Connection, Job, Phase};
use super::exchange::failure_of;
use crate::http::Reader;

impl Engine {
    /// Sends a request now, or queues it when all connections are busy.
    pub(super) fn submit(&mut self, at: usize, intended_ns: u64, now_ns: u64) {
        let stream = &mut self.streams[at];
        self.recorder.scheduled(stream.class, intended_ns, now_ns);
        if stream.waiting.is_empty() && (!stream.idle.is_empty() || stream.open < stream.connections_max) {
            self.dispatch(at, intended_ns, now_ns);
        } else {
            stream.waiting.push_back(intended_ns);
            self.recorder.queued(stream.class);
            self.send_waiting(at);
        }
    }

    /// Sends queued requests as far as there are connections.
    pub(super) fn send_waiting(&mut self, at: usize) {
        loop {
            let stream = &mut self.streams[at];
            if stream.idle.is_empty() && stream.open >= stream.connections_max {
                return;
            }
            let Some(intended_ns) = stream.waiting.pop_front() else {
                return;
            };
            self.recorder.dequeued(stream.class, 1);
            let now_ns = self.now_ns();
            self.dispatch(at, intended_ns, now_ns);
        }
    }

    /// Hands a request to an idle or a new connection, one of which must be possible.
    fn dispatch(&mut self, at: usize, intended_ns: u64, now_ns: u64) {
        let message = self.streams[at].draw();
        self.streams[at].in_flight += 1;
        self.recorder.sent(self.streams[at].class, intended_ns, now_ns);
        let job = Job {
            message,
            intended_ns,
            sent_ns: now_ns,
        };
        while let Some(slot) = self.streams[at].idle.pop() {
            // Only an idempotent request may be sent again when the server has just closed the connection; for others
            // it is worth a system call to look first.
            if !self.streams[at].wire.idempotent && !self.is_alive(slot) {
                self.close(slot);
                continue;
            }
            self.begin(slot, job);
            self.write(slot);
            return;
        }
        self.connect(at, job);
    }

    pub(super) fn is_alive(&mut self, slot: usize) -> bool {
        let mut byte = [0];
        self.connections.get(slot).is_some_and(|connection| {
            matches!(connection.socket.peek(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        })
    }

    pub(super) fn connect(&mut self, at: usize, job: Job) {
        let stream = &mut self.streams[at];
        self.recorder.opened(stream.class);
        let slot = self.connections.reserve();
        let opened = TcpStream::connect(stream.address).and_then(|mut socket| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(slot), interest)?;
            socket.set_nodelay(true)?;
            Ok(socket)
        });
        match opened {
            Ok(socket) => {
                stream.open += 1;
                let reader = Reader::new();
                let connection = Connection {
                    socket,
                    stream: at,
                    phase: Phase::Connecting,
                    job,
                    reader,
                    written: 0,
                    reused: false,
                };
                self.connections.put(slot, connection);
                self.timers
                    .timeout(slot, job.sent_ns.saturating_add(self.streams[at].timeout_ns));
            }
            Err(error) => {
                self.connections.unreserve(slot);
                self.end_without_answer(at, job, failure_of(&error));
            }
        }
    }

    /// Puts a request on an idle connection.
    pub(super) fn begin(&mut self, slot: usize, job: Job) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        connection.phase = Phase::Busy;
        connection.job = job;
        connection.written = 0;
        let stream = &self.streams[connection.stream];
        connection.reader.begin(stream.wire.is_head, stream.collect.is_some());
        self.timers.timeout(slot, job.sent_ns.saturating_add(stream.timeout_ns));
    }

    pub(super) fn close(&mut self, slot: usize) {
        if let Some(connection) = self.connections.take(slot) {
            self.streams[connection.stream].open -= 1;
        }
    }
}
