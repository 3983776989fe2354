//! Least connections.
//!
//! The idea: send the request where the fewest are under way.
//! A slow endpoint holds its requests longer, so its count stays high and it is avoided without anyone measuring time.
//! The count is the balancer's own (picked and not yet ended), so nothing has to be reported.
//! Equal counts are the rule under light load; they are broken in turn, for "the first of the equals" would send all
//! light traffic to one endpoint.
//!
//! Cost per pick: two passes over the healthy endpoints.
//!
//! It fails when a broken endpoint answers errors fast: its count stays lowest and it draws the traffic (a sinkhole). It also fails
//! with many balancers at once, because each one counts only its own requests, and all run to the same endpoint that just came up.
//!
//! Source: Linux Virtual Server's least-connection scheduler (W. Zhang, "Linux Virtual Server for Scalable Network Services",
//! 2000); nginx `least_conn`. Optimal for identical exponential servers: W. Winston, "Optimality of the shortest line discipline",
//! Journal of Applied Probability 14 (1977).

use crate::choose::LeastByTurn;
use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "least_connections",
    "the instance with the fewest requests in flight, ties in turn",
    || Box::new(LeastConnections::default()),
);

/// The healthy endpoint with the fewest requests in flight, ties in turn. Ignores weight, latency and key.
#[derive(Debug, Default)]
pub(super) struct LeastConnections {
    ties: LeastByTurn,
}

impl Policy for LeastConnections {
    fn pick(&mut self, pool: &Pool, _: &Request, _: &mut PolicyRng) -> Option<usize> {
        self.ties.pick(pool, |endpoint| endpoint.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    fn busy(in_flight: u32) -> Endpoint {
        Endpoint {
            in_flight,
            ..Endpoint::IDLE
        }
    }

    fn picks(endpoints: &[Endpoint], count: usize) -> Vec<usize> {
        let pool = Pool::new(endpoints.to_vec());
        let mut policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        (0..count)
            .map(|_| policy.pick(&pool, &Request::default(), &mut rng).unwrap())
            .collect()
    }

    #[test]
    fn takes_the_least_loaded() {
        assert_eq!(picks(&[busy(3), busy(1), busy(2)], 5), [1; 5]);
    }

    #[test]
    fn an_unhealthy_idle_endpoint_is_no_candidate() {
        let idle_but_dead = Endpoint {
            healthy: false,
            ..Endpoint::IDLE
        };
        assert_eq!(picks(&[idle_but_dead, busy(9)], 1), [1]);
    }

    #[test]
    fn ties_go_round_among_the_tied_only() {
        assert_eq!(picks(&[busy(0), busy(5), busy(0), busy(0)], 6), [0, 2, 3, 0, 2, 3]);
    }

    #[test]
    fn a_saturated_counter_still_counts_as_a_candidate() {
        assert_eq!(picks(&[busy(u32::MAX)], 1), [0]);
    }

    /// The property that the policy is known for: however long each request lasts, no endpoint is ever more than one ahead
    /// of another at the moment of a pick.
    #[test]
    fn counts_never_drift_apart_while_only_picks_happen() {
        let mut policy = LeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut pool: Pool = (0..5).map(Endpoint::numbered).collect();
        for _ in 0..1003 {
            let index = policy.pick(&pool, &Request::default(), &mut rng).unwrap();
            pool.enter(index);
            let counts = pool.endpoints().iter().map(|endpoint| endpoint.in_flight);
            assert!(counts.clone().max().unwrap() - counts.min().unwrap() <= 1, "{pool:?}");
        }
    }
}
