//! One request and its answer on a connection: writing, reading, and the many ways of failing.

use std::io::{self, Read, Write};

use mio::{Interest, Token};

use super::connection::{Job, Phase};
use super::stream::{Source, StreamState};
use super::{Engine, ns_since};
use crate::http::ReadError;
use crate::recorder::{Failure, Finished, Recorder};

/// Pause of a closed-loop user after a failure without an answer, so that a dead target is not hammered by a loop that
/// nothing slows down.
const PAUSE_AFTER_FAILURE_NS: u64 = 10_000_000;
/// Full buffers read from one connection before others get their turn.
const READS_IN_A_ROW_MAX: usize = 16;

/// What reading a connection came to.
enum ReadOutcome {
    /// More has to come.
    Pending,
    /// The answer is complete; whether the connection can be used again.
    Complete {
        reusable: bool,
    },
    Failed(Failure),
}

impl Engine {
    /// Something happened on a connection.
    pub(super) fn handle_event(&mut self, slot: usize, closing: bool) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        let at = connection.stream;
        match connection.phase {
            Phase::Connecting => self.handle_connecting(slot),
            Phase::Busy => {
                let unwritten = connection.written < self.streams[at].wire.bytes(connection.job.message).len();
                if !unwritten || self.write(slot) {
                    self.read(slot, closing);
                }
            }
            // An idle connection has nothing to say; whatever this is, the connection is of no more use.
            Phase::Idle => {
                if !self.is_alive(slot) {
                    self.streams[at].idle.retain(|&idle| idle != slot);
                    self.close(slot);
                }
            }
        }
        self.send_waiting(at);
    }

    fn handle_connecting(&mut self, slot: usize) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        let state = match connection.socket.take_error() {
            Ok(None) => connection.socket.peer_addr().map(drop),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match state {
            Ok(()) => {
                let job = connection.job;
                self.begin(slot, job);
                self.write(slot);
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => self.fail(slot, failure_of(&error)),
        }
    }

    /// Writes what is left of the request; false when the connection failed on it.
    pub(super) fn write(&mut self, slot: usize) -> bool {
        let Some(connection) = self.connections.get(slot) else {
            return false;
        };
        let bytes = self.streams[connection.stream].wire.bytes(connection.job.message);
        while connection.written < bytes.len() {
            match connection.socket.write(&bytes[connection.written..]) {
                Ok(count) => connection.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // A server may answer and close before it has read all (413, say): its answer is a result.
                    let failure = failure_of(&error);
                    match self.read_answer(slot, true) {
                        ReadOutcome::Complete { .. } => self.complete(slot, false),
                        ReadOutcome::Pending | ReadOutcome::Failed(_) => self.fail(slot, failure),
                    }
                    return false;
                }
            }
        }
        true
    }

    fn read(&mut self, slot: usize, closing: bool) {
        match self.read_answer(slot, closing) {
            ReadOutcome::Pending => {}
            ReadOutcome::Complete { reusable } => self.complete(slot, reusable),
            ReadOutcome::Failed(failure) => self.fail(slot, failure),
        }
    }

    /// Reads what is there. The queue reports new data once, so this goes on until there is no more; a short read says
    /// as much, unless the end of the stream is still to be read.
    fn read_answer(&mut self, slot: usize, closing: bool) -> ReadOutcome {
        let Some(connection) = self.connections.get(slot) else {
            return ReadOutcome::Pending;
        };
        for _ in 0..READS_IN_A_ROW_MAX {
            match connection.socket.read(&mut self.buffer) {
                Ok(0) if connection.reader.end() => {
                    return ReadOutcome::Complete { reusable: false };
                }
                Ok(0) => return ReadOutcome::Failed(Failure::Reset),
                Ok(count) => match connection.reader.feed(&self.buffer[..count]) {
                    Ok(fed) if fed.done => {
                        let wire = &self.streams[connection.stream].wire;
                        let wholly_sent = connection.written == wire.bytes(connection.job.message).len();
                        // Bytes after the answer belong to no request: such a connection cannot be trusted.
                        let reusable = connection.reader.keep_alive && fed.used == count && wholly_sent && !closing;
                        return ReadOutcome::Complete { reusable };
                    }
                    Ok(_) if count < self.buffer.len() && !closing => return ReadOutcome::Pending,
                    Ok(_) => {}
                    Err(ReadError::Malformed) => return ReadOutcome::Failed(Failure::Malformed),
                    Err(ReadError::Oversized) => return ReadOutcome::Failed(Failure::Oversized),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return ReadOutcome::Pending;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return ReadOutcome::Failed(failure_of(&error)),
            }
        }
        // A long answer must not make the sends late. To register again makes the queue report what is still there.
        let again = self.poll.registry().reregister(
            &mut connection.socket,
            Token(slot),
            Interest::READABLE | Interest::WRITABLE,
        );
        match again {
            Ok(()) => ReadOutcome::Pending,
            Err(error) => ReadOutcome::Failed(failure_of(&error)),
        }
    }

    /// An answer has come.
    fn complete(&mut self, slot: usize, reusable: bool) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        // The clock is read before the answer is looked into, which is the generator's business.
        let end_ns = ns_since(self.epoch);
        let (at, job) = (connection.stream, connection.job);
        let stream = &mut self.streams[at];
        let failure = match connection.reader.status {
            status @ 400.. => Some(Failure::Status(status)),
            200..300 => collect(stream, &mut self.recorder, &connection.reader.body),
            _ => None,
        };
        finish(
            stream,
            &mut self.recorder,
            job,
            end_ns,
            failure,
            &connection.reader.instance,
        );
        if reusable {
            connection.phase = Phase::Idle;
            connection.reused = true;
            stream.idle.push(slot);
        } else {
            self.close(slot);
        }
        self.user_goes_on(at, end_ns);
    }

    /// The request of a connection came to nothing.
    fn fail(&mut self, slot: usize, failure: Failure) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        let (at, job) = (connection.stream, connection.job);
        // A server may close a kept-alive connection at any time, so also while the next request is on its way. That is
        // no failure of the service: what is idempotent goes out again, once, as the new connection is not a reused one
        // (RFC 9112, section 9.3.1).
        let closed_while_idle = failure == Failure::Reset && connection.reused && !connection.reader.started();
        self.close(slot);
        if closed_while_idle && self.streams[at].wire.idempotent {
            self.recorder.reconnected(self.streams[at].class);
            self.connect(at, job);
        } else {
            self.end_without_answer(at, job, failure);
        }
    }

    pub(super) fn end_without_answer(&mut self, at: usize, job: Job, failure: Failure) {
        let end_ns = self.now_ns();
        finish(
            &mut self.streams[at],
            &mut self.recorder,
            job,
            end_ns,
            Some(failure),
            &[],
        );
        self.user_goes_on(at, end_ns + PAUSE_AFTER_FAILURE_NS);
    }

    /// A user of a closed loop has its answer (or has waited after a failure) and thinks before the next request.
    fn user_goes_on(&mut self, at: usize, from_ns: u64) {
        let Source::Users(users) = &self.streams[at].source else {
            return;
        };
        let intended_ns = from_ns.saturating_add(users.think_ns);
        if intended_ns > self.now_ns() {
            self.timers.user(at, intended_ns);
        } else {
            self.send_for_user(at, intended_ns);
        }
    }

    /// A moment has come at which the request in a slot may be out of time.
    pub(super) fn handle_timeout(&mut self, slot: usize, now_ns: u64) {
        let Some(connection) = self.connections.get(slot) else {
            return;
        };
        if connection.phase == Phase::Idle {
            return;
        }
        let at = connection.stream;
        let deadline_ns = connection.job.sent_ns.saturating_add(self.streams[at].timeout_ns);
        if deadline_ns > now_ns {
            self.timers.timeout(slot, deadline_ns);
        } else {
            self.fail(slot, Failure::Timeout);
            self.send_waiting(at);
        }
    }

    /// The wait is over: what is still in flight is unanswered.
    pub(super) fn give_up_open_requests(&mut self) {
        let end_ns = self.now_ns();
        for slot in self.connections.occupied() {
            let Some(connection) = self.connections.take(slot) else {
                continue;
            };
            if connection.phase != Phase::Idle {
                let stream = &mut self.streams[connection.stream];
                finish(
                    stream,
                    &mut self.recorder,
                    connection.job,
                    end_ns,
                    Some(Failure::Unanswered),
                    &[],
                );
            }
        }
    }
}

/// Enters the end of a request into the books.
fn finish(
    stream: &mut StreamState,
    recorder: &mut Recorder,
    job: Job,
    end_ns: u64,
    failure: Option<Failure>,
    instance: &[u8],
) {
    stream.in_flight -= 1;
    let (intended_ns, sent_ns, slow_over_ns) = (job.intended_ns, job.sent_ns, stream.slow_over_ns);
    recorder.finished(
        stream.class,
        &Finished {
            intended_ns,
            sent_ns,
            end_ns,
            failure,
            instance,
            slow_over_ns,
        },
    );
}

/// Takes the wanted field out of the body of a successful answer.
fn collect(stream: &StreamState, recorder: &mut Recorder, body: &[u8]) -> Option<Failure> {
    let field = stream.collect.as_ref()?;
    let fields = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    match fields.ok().and_then(|mut fields| fields.remove(field)) {
        Some(value) => {
            recorder.collected(stream.class, value);
            None
        }
        None => Some(Failure::Uncollected),
    }
}

pub(super) fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => Failure::Reset,
        io::ErrorKind::TimedOut => Failure::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            Failure::Unreachable
        }
        _ => Failure::Local,
    }
}
