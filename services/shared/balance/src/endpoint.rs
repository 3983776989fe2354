//! What is known about one endpoint.

use std::time::Duration;

use hash::mix;

/// What a policy may know about one endpoint at the moment of a pick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endpoint {
    /// Who it is, the same wherever it stands in the list and whoever else is on it: [`hash::text`] of its name, say. Policies
    /// that hash are as stable as this is.
    pub id: u64,
    /// Declared share relative to the others; 1 is the usual value. Policies that ignore weights say so.
    pub weight: u32,
    /// Requests picked for this endpoint whose answer has not ended yet.
    pub in_flight: u32,
    /// Exponentially weighted mean of recent latencies (see [`crate::Ewma`]); zero until the first answer.
    pub latency_ewma: Duration,
    /// The same, except that it jumps at once to every latency above it (see [`crate::Signals`]); zero until the first answer.
    pub latency_peak: Duration,
    /// Share of recent answers that were failures, from 0 to 1.
    pub failure_share: f32,
    /// When the three above were last brought up to date, since the same origin as [`crate::Request::now`].
    pub observed: Duration,
    /// Whether the endpoint may be picked at all.
    pub healthy: bool,
}

impl Endpoint {
    /// A healthy endpoint of weight 1 that has served nothing yet.
    pub const IDLE: Self = Self {
        id: 0,
        weight: 1,
        in_flight: 0,
        latency_ewma: Duration::ZERO,
        latency_peak: Duration::ZERO,
        failure_share: 0.0,
        observed: Duration::ZERO,
        healthy: true,
    };

    /// An idle endpoint with the identity that belongs to a number.
    #[must_use]
    pub const fn numbered(number: u64) -> Self {
        Self {
            id: mix(number),
            ..Self::IDLE
        }
    }
}
