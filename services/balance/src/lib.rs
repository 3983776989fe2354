//! Load-balancing policies: which of several endpoints answers the next request.
//!
//! A [`Policy`] sees a slice of [`Endpoint`]s (weight, requests in flight, recent latency, health) and the [`Request`] to place,
//! and returns an index. It knows nothing of sockets, tasks or the clock, so the real balancer and a simulator under virtual time
//! run the very same code. A pick allocates nothing, and its only source of chance is the generator that the caller passes in.
//!
//! The policies are listed in [`REGISTRY`]; to add one, write a file in `policies/` and give it a line there. The suite in
//! `tests/distribution.rs` runs over the registry, so a new policy is under test from its first day.

mod ewma;
mod policies;
mod registry;

use std::time::Duration;

pub use ewma::Ewma;
pub use policies::{LeastConnections, Random, RoundRobin};
pub use registry::{PolicyKind, REGISTRY, UnknownPolicy};

/// The generator that policies draw from. Small, fast, and the same sequence on every machine for the same seed.
pub type PolicyRng = rand_pcg::Pcg64Mcg;

/// What a policy may know about one endpoint at the moment of a pick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endpoint {
    /// Declared share relative to the others; 1 is the usual value. Policies that ignore weights say so.
    pub weight: u32,
    /// Requests picked for this endpoint whose answer has not ended yet.
    pub in_flight: u32,
    /// Exponentially weighted mean of recent latencies (see [`Ewma`]); zero until the first answer.
    pub latency_ewma: Duration,
    /// Whether the endpoint may be picked at all.
    pub healthy: bool,
}

impl Endpoint {
    /// A healthy endpoint of weight 1 that has served nothing yet.
    pub const IDLE: Self = Self {
        weight: 1,
        in_flight: 0,
        latency_ewma: Duration::ZERO,
        healthy: true,
    };
}

/// What a policy may know about the request to place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// Hash of whatever should stay together (client address, session, cache key); `None` when the caller has none.
    pub key: Option<u64>,
}

/// Chooses an endpoint for each request.
///
/// State that lives from pick to pick (a turn counter, say) belongs to the implementation and is kept in atomics, for one policy
/// may be shared by several event loops. Everything that describes the endpoints is passed in, and a policy keeps no index across
/// calls: the slice may be longer, shorter or reordered at the next pick.
pub trait Policy: Send + Sync {
    /// Index into `endpoints` of the one that takes `request`, or `None` exactly when none of them is healthy.
    fn pick(&self, endpoints: &[Endpoint], request: &Request, rng: &mut PolicyRng) -> Option<usize>;
}

/// Index of the `nth` healthy endpoint, counted from zero.
///
/// Policies that choose evenly count the healthy ones first and then take one by rank. The shorter way, "start anywhere and walk
/// to the next healthy one", gives the neighbour of a dead endpoint a double share.
fn nth_healthy(endpoints: &[Endpoint], nth: usize) -> Option<usize> {
    endpoints
        .iter()
        .enumerate()
        .filter(|(_, endpoint)| endpoint.healthy)
        .nth(nth)
        .map(|(index, _)| index)
}

/// How many endpoints are healthy.
fn count_healthy(endpoints: &[Endpoint]) -> usize {
    endpoints.iter().filter(|endpoint| endpoint.healthy).count()
}
