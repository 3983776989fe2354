//! Peak EWMA.
//!
//! The idea: of two endpoints drawn at random, take the one where a request would cost less.
//! The cost is the recent latency times the requests in flight and this one, an estimate of the wait.
//! The latency is an average that jumps to every peak at once and comes down slowly, so one slow answer is enough to be avoided.
//! While nothing is heard the cost fades, so that an endpoint that was avoided is tried again.
//! Failures cost [`FAILURE_COST`] each, however fast they came: a fast failure must not look like a fast server.
//!
//! Cost per pick: one draw, two looks with one exponential each, whatever the number of endpoints.
//!
//! It fails when latency tells of the request and not of the endpoint: with mixed requests, an endpoint that happened to get a long
//! one is avoided for nothing. Each balancer learns from its own traffic only, so with many balancers and little traffic each
//! knows little. And an endpoint that nothing is known about looks free, so a new one is flooded with first requests.
//!
//! Source: Finagle `PeakEwma`; Linkerd, "Beyond Round Robin: Load Balancing for Latency" (2016). The cost of failures is this
//! laboratory's, after gRPC's outlier detection and Envoy's success-rate ejection, which it replaces by a price.

use std::time::Duration;

use crate::choose::two_healthy;
use crate::{Endpoint, Policy, PolicyKind, PolicyRng, Pool, Request, SIGNAL_DECAY};

/// What the recent failures of an endpoint that does nothing but fail add to its latency.
pub const FAILURE_COST: Duration = Duration::from_secs(1);
/// What is taken for the latency of an endpoint that nothing is known of, once it has a request in flight: until its first answer
/// comes, one request there is enough.
const UNKNOWN_LATENCY: Duration = Duration::from_secs(1);

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "peak_ewma",
    "of two drawn instances the one with the lower peak latency times load, failures priced",
    || Box::new(PeakEwma),
)
.reading_answers();

/// Of two healthy endpoints drawn at random, the one with the lower expected wait. Ignores weight and key.
#[derive(Debug, Default)]
pub(super) struct PeakEwma;

impl Policy for PeakEwma {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let (first, second) = two_healthy(pool, rng)?;
        let endpoints = pool.endpoints();
        Some(
            if cost_s(&endpoints[second], request.now) < cost_s(&endpoints[first], request.now) {
                second
            } else {
                first
            },
        )
    }
}

/// The expected wait, in seconds.
fn cost_s(endpoint: &Endpoint, now: Duration) -> f64 {
    let known_s = endpoint.latency_peak.as_secs_f64() + f64::from(endpoint.failure_share) * FAILURE_COST.as_secs_f64();
    if known_s == 0.0 {
        return f64::from(endpoint.in_flight) * UNKNOWN_LATENCY.as_secs_f64();
    }
    let silence_s = now.saturating_sub(endpoint.observed).as_secs_f64();
    let faded_s = known_s * (-silence_s / SIGNAL_DECAY.as_secs_f64()).exp();
    faded_s * (f64::from(endpoint.in_flight) + 1.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn share_of_first(first: Endpoint, second: Endpoint, now: Duration) -> f64 {
        let pool = Pool::new(vec![first, second]);
        let mut rng = PolicyRng::seed_from_u64(9);
        let request = Request { key: None, now };
        let picks = 1_000;
        let got = (0..picks).filter(|_| PeakEwma.pick(&pool, &request, &mut rng) == Some(0));
        got.count() as f64 / f64::from(picks)
    }

    fn fast() -> Endpoint {
        Endpoint {
            latency_peak: 5 * MS,
            ..Endpoint::IDLE
        }
    }

    #[test]
    fn a_slow_endpoint_is_worth_it_only_when_the_fast_one_has_a_queue() {
        let slow = Endpoint {
            latency_peak: 50 * MS,
            ..Endpoint::IDLE
        };
        assert_eq!(share_of_first(slow, fast(), Duration::ZERO), 0.0);
        let queued = Endpoint {
            in_flight: 11,
            ..fast()
        };
        assert_eq!(share_of_first(slow, queued, Duration::ZERO), 1.0);
    }

    #[test]
    fn a_fast_failure_is_no_fast_server() {
        let failing = Endpoint {
            latency_peak: MS / 10,
            failure_share: 0.5,
            ..Endpoint::IDLE
        };
        assert_eq!(share_of_first(failing, fast(), Duration::ZERO), 0.0);
    }

    #[test]
    fn silence_makes_an_avoided_endpoint_worth_a_try_again() {
        let avoided = Endpoint {
            latency_peak: Duration::from_secs(2),
            ..Endpoint::IDLE
        };
        let heard = |now| Endpoint {
            observed: now,
            ..fast()
        };
        assert_eq!(share_of_first(avoided, heard(SIGNAL_DECAY), SIGNAL_DECAY), 0.0);
        assert_eq!(share_of_first(avoided, heard(7 * SIGNAL_DECAY), 7 * SIGNAL_DECAY), 1.0);
    }

    #[test]
    fn an_unknown_endpoint_gets_one_request_and_then_has_to_answer() {
        assert_eq!(share_of_first(Endpoint::IDLE, fast(), Duration::ZERO), 1.0);
        let waiting = Endpoint {
            in_flight: 1,
            ..Endpoint::IDLE
        };
        assert_eq!(share_of_first(waiting, fast(), Duration::ZERO), 0.0);
    }
}
