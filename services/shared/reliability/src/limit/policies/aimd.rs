//! Additive increase, multiplicative decrease.
//!
//! The idea: look for the limit as TCP looks for its window. While all is well and the limit is used, add one in each round
//! trip. When requests are rejected, time out, or take longer than `timeout`, cut the limit by a share, once in a round trip.
//!
//! It promises to come back from any overload by halves and to find new capacity step by step. Callers that share a server
//! end up with equal limits.
//!
//! It harms where nobody knows a good `timeout`: latency must pass it before anything happens, so the server runs with as
//! much of a queue as the timeout allows. And it saws: it has to overload the server a little to learn where the limit is.
//!
//! Source: D. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", Computer Networks
//! and ISDN Systems 17 (1989); for requests, Netflix concurrency-limits, `AIMDLimit`. That one cuts for each late answer, so
//! that one bad round trip of 20 requests costs seven eighths of the limit; one cut a round trip is TCP's.

use std::time::Duration;

use super::super::observe::{ConcurrencyLimit, LimitKind, Outcome, Sample};
use super::bounds::Bounds;
use crate::config::Share;

/// As the registry has it. Written as `aimd min=1 max=200 start=20 timeout=1s keep=90%`.
pub(super) const KIND: LimitKind = LimitKind {
    name: "aimd",
    summary: "one more each round trip, a tenth less after an overload",
    build: |words| {
        let bounds = Bounds::take(words)?;
        let timeout = words.time("timeout", Duration::from_secs(1))?;
        let is_cut = |keep: &Share| (Share::percent(1)..=Share::percent(99)).contains(keep);
        let keep = words.take_if("keep", Share::percent(90), is_cut, "it must be from 1% to 99%")?;
        let keep = f64::from(keep.millionths()) / 1e6;
        Ok(Box::new(Aimd {
            bounds,
            timeout,
            keep,
            limit: bounds.start,
            cut: Duration::ZERO,
        }))
    },
};

#[derive(Debug)]
struct Aimd {
    bounds: Bounds,
    timeout: Duration,
    /// What a cut leaves.
    keep: f64,
    limit: f64,
    /// When it was cut. Requests that began before tell of the limit before.
    cut: Duration,
}

impl ConcurrencyLimit for Aimd {
    fn limit(&self) -> u32 {
        self.limit as u32
    }

    fn observe(&mut self, sample: &Sample) {
        if sample.outcome == Outcome::Overloaded || sample.latency() > self.timeout {
            if sample.began >= self.cut {
                self.limit = self.bounds.hold(self.limit * self.keep);
                self.cut = sample.ended;
            }
        } else if f64::from(sample.in_flight) * 2.0 >= self.limit {
            // A limit that is not used proves nothing. A round trip has as many answers as the limit.
            self.limit = self.bounds.hold(self.limit + 1.0 / self.limit);
        }
    }
}
