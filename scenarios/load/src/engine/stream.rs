//! A stream at work: what it sends, when, and over which connections.

use std::collections::VecDeque;
use std::net::{SocketAddr, ToSocketAddrs};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::http::Wire;
use crate::plan::{Arrivals, Pace, Stage, StartError, Stream};
use crate::recorder::seconds_to_ns;
use crate::schedule::Schedule;

/// Most connections of a stream with stated times.
const EXPLICIT_CONNECTIONS_MAX: usize = 1_024;

/// Where the next intended start comes from.
pub(super) enum Source {
    /// Times that do not depend on answers.
    Schedule(Schedule),
    /// Stated times, the last first.
    Times(Vec<u64>),
    /// Users who wait for their answers.
    Users(Users),
    /// Nothing more to send.
    Ended,
}

/// The users of a closed loop.
pub(super) struct Users {
    pub(super) count: usize,
    pub(super) think_ns: u64,
    pub(super) end_ns: u64,
    /// Requests that may still be sent.
    pub(super) left: u64,
}

/// What an open loop needs to go on at another rate.
struct OpenLoop {
    arrivals: Arrivals,
    seed: u64,
    end_ns: u64,
    changes: u64,
}

impl OpenLoop {
    fn of(stream: &Stream) -> Option<Self> {
        let Pace::Open { arrivals, stages, .. } = &stream.pace else {
            return None;
        };
        let length_s: f64 = stages.iter().map(|stage| stage.for_s).sum();
        Some(Self {
            arrivals: *arrivals,
            seed: stream.seed,
            end_ns: seconds_to_ns(stream.start_s + length_s),
            changes: 0,
        })
    }
}

pub(super) struct StreamState {
    pub(super) class: usize,
    pub(super) class_name: String,
    pub(super) address: SocketAddr,
    pub(super) wire: Wire,
    /// Where keys are drawn from; not from where arrivals are, so that those are the same with keys and without.
    random: Pcg64,
    pub(super) timeout_ns: u64,
    pub(super) slow_over_ns: Option<u64>,
    pub(super) collect: Option<String>,
    pub(super) start_ns: u64,
    pub(super) source: Source,
    /// What an open loop needs to go on at another rate.
    open_loop: Option<OpenLoop>,
    /// Intended start of the next scheduled request.
    pub(super) next_ns: Option<u64>,
    /// Intended starts of requests that wait for a connection, in order.
    pub(super) waiting: VecDeque<u64>,
    /// Slots of idle connections; the one used last is taken first, so that surplus connections stay idle.
    pub(super) idle: Vec<usize>,
    /// Connections open or being opened.
    pub(super) open: usize,
    pub(super) connections_max: usize,
    pub(super) in_flight: usize,
}

impl StreamState {
    pub(super) fn new(stream: Stream, class: usize) -> Result<Self, StartError> {
        check(&stream)?;
        let address = resolve(&stream)?;
        let wire = Wire::new(&stream.class, &stream.target, &stream.request)?;
        let open_loop = OpenLoop::of(&stream);
        let start_ns = seconds_to_ns(stream.start_s);
        let (source, connections_max) = match stream.pace {
            Pace::Open {
                arrivals,
                stages,
                connections_max,
            } => (
                Source::Schedule(Schedule::new(arrivals, stages, stream.seed)),
                connections_max,
            ),
            Pace::At { times_s } => {
                let mut times: Vec<u64> = times_s.iter().map(|&at_s| seconds_to_ns(at_s)).collect();
                times.sort_unstable_by(|a, b| b.cmp(a));
                (Source::Times(times), times_s.len().clamp(1, EXPLICIT_CONNECTIONS_MAX))
            }
            Pace::Closed {
                connections,
                think_ms,
                for_s,
                requests_max,
            } => {
                let users = Users {
                    count: connections,
                    think_ns: seconds_to_ns(think_ms / 1_000.0),
                    end_ns: start_ns.saturating_add(seconds_to_ns(for_s)),
                    left: requests_max.unwrap_or(u64::MAX),
                };
                (Source::Users(users), connections)
            }
        };
        let mut state = Self {
            class,
            class_name: stream.class,
            open_loop,
            address,
            wire,
            random: Pcg64::seed_from_u64(!stream.seed),
            timeout_ns: u64::try_from(stream.timeout.as_nanos()).unwrap_or(u64::MAX),
            slow_over_ns: stream.slow_over_ms.map(|ms| seconds_to_ns(ms / 1_000.0)),
            collect: stream.collect,
            start_ns,
            source,
            next_ns: None,
            waiting: VecDeque::new(),
            idle: Vec::new(),
            open: 0,
            connections_max,
            in_flight: 0,
        };
        state.advance();
        Ok(state)
    }

    /// Draws the next scheduled intended start.
    pub(super) fn advance(&mut self) {
        let offset_ns = match &mut self.source {
            Source::Schedule(schedule) => schedule.next(),
            Source::Times(times) => times.pop(),
            Source::Users(_) | Source::Ended => None,
        };
        self.next_ns = offset_ns.map(|offset_ns| self.start_ns.saturating_add(offset_ns));
        if self.next_ns.is_none() && !matches!(self.source, Source::Users(_)) {
            self.source = Source::Ended;
        }
    }

    /// Which message is sent next: any of them, each as likely as the others.
    pub(super) fn draw(&mut self) -> usize {
        match self.wire.count() {
            1 => 0,
            count => self.random.random_range(0..count),
        }
    }

    /// Goes on at another constant rate from now to the end of the plan. What was intended before now stays intended;
    /// a closed loop has no rate and stays as it is.
    pub(super) fn change_rate(&mut self, rate_per_s: f64, now_ns: u64) {
        // A rate of nothing would end the stream, and it could not begin again.
        if self.ended() || !(rate_per_s.is_finite() && rate_per_s > 0.0) {
            return;
        }
        let Some(open_loop) = &mut self.open_loop else { return };
        let left_s = open_loop.end_ns.saturating_sub(now_ns) as f64 / 1e9;
        open_loop.changes += 1;
        let stages = vec![Stage::constant(rate_per_s, left_s)];
        // Another seed, or constant Poisson gaps would begin with the very gaps of the beginning.
        let seed = open_loop.seed.wrapping_add(open_loop.changes);
        self.source = Source::Schedule(Schedule::new(open_loop.arrivals, stages, seed));
        self.start_ns = now_ns;
        self.advance();
    }

    /// Whether it will ask for no further request, whatever is answered.
    pub(super) fn ended(&self) -> bool {
        matches!(self.source, Source::Ended)
    }

    /// Ends it before its time; the number of waiting requests given up.
    pub(super) fn end(&mut self) -> u64 {
        self.source = Source::Ended;
        self.next_ns = None;
        let given_up = self.waiting.len() as u64;
        self.waiting.clear();
        given_up
    }
}

fn resolve(stream: &Stream) -> Result<SocketAddr, StartError> {
    let address = |source| StartError::Address {
        class: stream.class.clone(),
        target: stream.target.clone(),
        source,
    };
    let host = stream.target.host_str().unwrap_or_default();
    // Square brackets belong to the URL, not to the address.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = stream.target.port_or_known_default().unwrap_or(80);
    (host, port).to_socket_addrs().map_err(address)?.next().ok_or_else(|| {
        address(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "the resolver knows none",
        ))
    })
}

fn check(stream: &Stream) -> Result<(), StartError> {
    let invalid = |what, value: &dyn std::fmt::Display, hint| {
        Err(StartError::Invalid {
            class: stream.class.clone(),
            what,
            value: value.to_string(),
            hint,
        })
    };
    let is_time = |value: f64| value.is_finite() && value >= 0.0;
    if stream.target.scheme() != "http" {
        return invalid("the target", &stream.target, "only http:// is spoken");
    }
    if !is_time(stream.start_s) {
        return invalid("the start", &stream.start_s, "give seconds, zero or more");
    }
    if stream.timeout.is_zero() {
        return invalid("the timeout", &0, "give a positive duration");
    }
    match &stream.pace {
        Pace::Open {
            stages,
            connections_max,
            ..
        } => {
            for stage in stages {
                if !is_time(stage.for_s) || !is_time(stage.from_rate_per_s) || !is_time(stage.to_rate_per_s) {
                    return invalid("a stage", &format!("{stage:?}"), "give finite numbers, zero or more");
                }
            }
            if *connections_max == 0 {
                return invalid("connections_max", &0, "allow one connection at least");
            }
        }
        Pace::Closed {
            connections,
            think_ms,
            for_s,
            ..
        } => {
            if *connections == 0 {
                return invalid("connections", &0, "one user at least is needed");
            }
            if !is_time(*think_ms) || !is_time(*for_s) {
                return invalid(
                    "a time of the closed loop",
                    &think_ms.min(*for_s),
                    "give finite numbers, zero or more",
                );
            }
        }
        Pace::At { times_s } => {
            if let Some(wrong) = times_s.iter().find(|&&at_s| !is_time(at_s)) {
                return invalid("a time", wrong, "give seconds, zero or more");
            }
        }
    }
    Ok(())
}
