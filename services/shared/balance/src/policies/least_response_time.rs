//! Least response time.
//!
//! The idea: send the request where the mean of recent latencies, times the requests in flight and this one, is lowest.
//! It looks at all endpoints, and takes the measured speed for what it is.
//! An endpoint twice as fast gets about twice the requests, with no weights declared.
//! An endpoint that nothing is known of goes first, and then has to answer before it gets more.
//! Equals go in turn.
//!
//! Cost per pick: two passes over the healthy endpoints, one multiplication for each.
//!
//! It fails on what it believes: a broken endpoint that answers errors in a moment has the best latency of all and draws all the
//! traffic (a sinkhole). And what was slow once is not tried again as long as another is free, however well it is by now:
//! nothing refreshes its average, and unlike that of peak EWMA it does not fade.
//!
//! Source: nginx Plus `least_time header`; Citrix NetScaler's "least response time method" (mean time times active connections).

use crate::choose::LeastByTurn;
use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// What is taken for the latency of an endpoint that has not answered yet. With zero a slow one would get everything until its
/// first answer came.
const UNKNOWN_LATENCY_S: f64 = 1.0;

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "least_response_time",
    "the lowest mean latency times requests in flight",
    || Box::new(LeastResponseTime::default()),
)
.reading_answers();

/// The healthy endpoint with the lowest mean latency times load, ties in turn. Ignores weight, failures and key.
#[derive(Debug, Default)]
pub(super) struct LeastResponseTime {
    ties: LeastByTurn,
}

impl Policy for LeastResponseTime {
    fn pick(&mut self, pool: &Pool, _: &Request, _: &mut PolicyRng) -> Option<usize> {
        self.ties.pick(pool, |endpoint| {
            let latency_s = endpoint.latency_ewma.as_secs_f64();
            if latency_s > 0.0 {
                latency_s * (f64::from(endpoint.in_flight) + 1.0)
            } else {
                UNKNOWN_LATENCY_S * f64::from(endpoint.in_flight)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    fn pool(latencies_ms: &[u64]) -> Pool {
        latencies_ms
            .iter()
            .map(|ms| Endpoint {
                latency_ewma: Duration::from_millis(*ms),
                ..Endpoint::IDLE
            })
            .collect()
    }

    fn picks(pool: &mut Pool, count: usize) -> Vec<usize> {
        let mut policy = LeastResponseTime::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        (0..count)
            .map(|_| {
                let index = policy.pick(pool, &Request::default(), &mut rng).unwrap();
                pool.enter(index);
                index
            })
            .collect()
    }

    #[test]
    fn held_requests_follow_the_measured_speeds() {
        let mut pool = pool(&[10, 20, 40]);
        picks(&mut pool, 70);
        let held: Vec<_> = pool.endpoints().iter().map(|endpoint| endpoint.in_flight).collect();
        for (held, expected) in held.iter().zip([40_u32, 20, 10]) {
            assert!(held.abs_diff(expected) <= 1, "{pool:?}");
        }
    }

    #[test]
    fn the_unmeasured_go_first_and_once() {
        assert_eq!(picks(&mut pool(&[10, 0, 0]), 5), [1, 2, 0, 0, 0]);
    }
}
