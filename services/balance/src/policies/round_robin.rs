//! Round robin.
//!
//! The idea: deal requests like cards, one to each endpoint in turn.
//! The policy remembers only whose turn it is.
//! It looks at nothing that endpoints do, so it needs no measurement and cannot be misled by one.
//! After every full circle all endpoints have got the same number of requests.
//! Unhealthy endpoints lose their place in the circle; the others keep equal shares.
//!
//! Cost per pick: two passes over the endpoints, one atomic addition.
//!
//! It fails when requests or endpoints are unequal: a slow endpoint gets as many requests as a fast one and its queue grows,
//! and every n-th request runs into the one that is stuck.
//!
//! Source: L. Kleinrock, "Analysis of a time-shared processor", Naval Research Logistics Quarterly 11 (1964), for the discipline;
//! nginx's default upstream method, for this use.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Endpoint, Policy, PolicyRng, Request, count_healthy, nth_healthy};

/// Each healthy endpoint in turn. Ignores weight, load, latency and key.
#[derive(Debug, Default)]
pub struct RoundRobin {
    turn: AtomicUsize,
}

impl Policy for RoundRobin {
    fn pick(&self, endpoints: &[Endpoint], _: &Request, _: &mut PolicyRng) -> Option<usize> {
        let healthy = count_healthy(endpoints);
        if healthy == 0 {
            return None;
        }
        // Relaxed: the counter orders nothing else; every pick only needs a number of its own.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        nth_healthy(endpoints, turn % healthy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn goes_round_in_order_and_skips_the_unhealthy() {
        let policy = RoundRobin::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut endpoints = [Endpoint::IDLE; 4];
        endpoints[1].healthy = false;
        let picks: Vec<_> = (0..6)
            .map(|_| policy.pick(&endpoints, &Request::default(), &mut rng))
            .collect();
        assert_eq!(picks, [0, 2, 3, 0, 2, 3].map(Some));
    }

    #[test]
    fn load_does_not_change_the_order() {
        let policy = RoundRobin::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let endpoints = [
            Endpoint {
                in_flight: 1000,
                ..Endpoint::IDLE
            },
            Endpoint::IDLE,
        ];
        let picks: Vec<_> = (0..4)
            .map(|_| policy.pick(&endpoints, &Request::default(), &mut rng))
            .collect();
        assert_eq!(picks, [0, 1, 0, 1].map(Some));
    }
}
