//! What a policy is, and what it is given.

use std::time::Duration;

use crate::Pool;

/// The generator that policies draw from. Small, fast, and the same sequence on every machine for the same seed.
pub type PolicyRng = rand_pcg::Pcg64Mcg;

/// What a policy may know about the request to place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// Hash of whatever should stay together (client address, session, cache key), spread over all 64 bits (see [`hash::mix`]);
    /// `None` when the caller has none.
    pub key: Option<u64>,
    /// The time of the pick, since the same origin as [`Endpoint::observed`](crate::Endpoint::observed).
    pub now: Duration,
}

impl Request {
    /// The key, or where there is none one that is drawn: whoever has nothing to keep together is spread evenly.
    pub(crate) fn key_or_draw(&self, rng: &mut PolicyRng) -> u64 {
        self.key.unwrap_or_else(|| rand::RngExt::random(rng))
    }
}

/// Chooses an endpoint for each request.
///
/// State that lives from pick to pick (a turn counter, say) belongs to the implementation; who shares a policy between event loops
/// puts a lock around it, for the counting that follows a pick needs one anyway. Everything that describes the endpoints is
/// passed in. An index may be kept from one pick to the next only together with the [`Pool::generation`] that it is of.
pub trait Policy: Send {
    /// Index into [`Pool::endpoints`] of the one that takes `request`, or `None` exactly when none of them is healthy.
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize>;
}
