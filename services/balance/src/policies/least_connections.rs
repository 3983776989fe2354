//! Least connections.
//!
//! The idea: send the request where the fewest are under way.
//! A slow endpoint holds its requests longer, so its count stays high and it is avoided without anyone measuring time.
//! The count is the balancer's own (picked and not yet ended), so nothing has to be reported.
//! Equal counts are the rule under light load; they are broken in turn, for "the first of the equals" would send all
//! light traffic to one endpoint.
//!
//! Cost per pick: two passes over the endpoints, one atomic addition.
//!
//! It fails when a broken endpoint answers errors fast: its count stays lowest and it draws the traffic (a sinkhole). It also fails
//! with many balancers at once, because each one counts only its own requests, and all run to the same endpoint that just came up.
//!
//! Source: Linux Virtual Server's least-connection scheduler (W. Zhang, "Linux Virtual Server for Scalable Network Services",
//! 2000); nginx `least_conn`. Optimal for identical exponential servers: W. Winston, "Optimality of the shortest line discipline",
//! Journal of Applied Probability 14 (1977).

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Endpoint, Policy, PolicyRng, Request};

/// The healthy endpoint with the fewest requests in flight, ties in turn. Ignores weight, latency and key.
#[derive(Debug, Default)]
pub struct LeastConnections {
    turn: AtomicUsize,
}

impl Policy for LeastConnections {
    fn pick(&self, endpoints: &[Endpoint], _: &Request, _: &mut PolicyRng) -> Option<usize> {
        let mut least = u32::MAX;
        let mut tied = 0;
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.healthy) {
            if endpoint.in_flight < least || tied == 0 {
                (least, tied) = (endpoint.in_flight, 1);
            } else if endpoint.in_flight == least {
                tied += 1;
            }
        }
        if tied == 0 {
            return None;
        }
        // Relaxed: the counter orders nothing else; every pick only needs a number of its own.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| endpoint.healthy && endpoint.in_flight == least)
            .nth(turn % tied)
            .map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn busy(in_flight: u32) -> Endpoint {
        Endpoint {
            in_flight,
            ..Endpoint::IDLE
        }
    }

    #[test]
    fn takes_the_least_loaded() {
        let policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        for _ in 0..5 {
            assert_eq!(
                policy.pick(&[busy(3), busy(1), busy(2)], &Request::default(), &mut rng),
                Some(1)
            );
        }
    }

    #[test]
    fn an_unhealthy_idle_endpoint_is_no_candidate() {
        let policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let idle_but_dead = Endpoint {
            healthy: false,
            ..Endpoint::IDLE
        };
        assert_eq!(
            policy.pick(&[idle_but_dead, busy(9)], &Request::default(), &mut rng),
            Some(1)
        );
    }

    #[test]
    fn ties_go_round_among_the_tied_only() {
        let policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let endpoints = [busy(0), busy(5), busy(0), busy(0)];
        let picks: Vec<_> = (0..6)
            .map(|_| policy.pick(&endpoints, &Request::default(), &mut rng))
            .collect();
        assert_eq!(picks, [0, 2, 3, 0, 2, 3].map(Some));
    }

    #[test]
    fn a_saturated_counter_still_counts_as_a_candidate() {
        let policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        assert_eq!(policy.pick(&[busy(u32::MAX)], &Request::default(), &mut rng), Some(0));
    }

    /// The property that the policy is known for: however long each request lasts, no endpoint is ever more than one ahead
    /// of another at the moment of a pick.
    #[test]
    fn counts_never_drift_apart_while_only_picks_happen() {
        let policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut endpoints = [Endpoint::IDLE; 5];
        for _ in 0..1003 {
            let index = policy.pick(&endpoints, &Request::default(), &mut rng).unwrap();
            endpoints[index].in_flight += 1;
            let counts = endpoints.map(|endpoint| endpoint.in_flight);
            assert!(
                counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1,
                "{counts:?}"
            );
        }
    }
}
