//! Weighted least connections.
//!
//! The idea: send the request where, after it, the fewest would be under way for each unit of weight.
//! An endpoint of weight 3 may hold three requests where one of weight 1 holds one.
//! Counting the request that is to be placed decides between idle endpoints: the heavier one is faster, so it goes first.
//! What round robin by weights plans, this one corrects by what really happens.
//! With equal weights it is least connections.
//!
//! Cost per pick: two passes over the healthy endpoints, one division for each.
//!
//! It fails as least connections does (sinkhole, many balancers), and by wrong weights: an endpoint that claims three times the
//! weight and has the same speed gets queues three times as long.
//!
//! Source: W. Zhang, "Linux Virtual Server for Scalable Network Services" (2000), `wlc`; with the request counted in, as its
//! "shortest expected delay" (`sed`) does.

use crate::choose::LeastByTurn;
use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "weighted_least_connections",
    "the fewest requests in flight for its weight, ties in turn",
    || Box::new(WeightedLeastConnections::default()),
)
.weighted();

/// The healthy endpoint with the fewest requests in flight for its weight, ties in turn. Ignores latency and key.
#[derive(Debug, Default)]
pub(super) struct WeightedLeastConnections {
    ties: LeastByTurn,
}

impl Policy for WeightedLeastConnections {
    fn pick(&mut self, pool: &Pool, _: &Request, _: &mut PolicyRng) -> Option<usize> {
        self.ties.pick(pool, |endpoint| {
            (f64::from(endpoint.in_flight) + 1.0) / f64::from(endpoint.weight.max(1))
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    #[test]
    fn what_is_held_follows_the_weights() {
        let mut policy = WeightedLeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut pool: Pool = [1, 3, 6]
            .into_iter()
            .map(|weight| Endpoint {
                weight,
                ..Endpoint::IDLE
            })
            .collect();
        for _ in 0..100 {
            let index = policy.pick(&pool, &Request::default(), &mut rng).unwrap();
            pool.enter(index);
        }
        let held: Vec<_> = pool.endpoints().iter().map(|endpoint| endpoint.in_flight).collect();
        assert_eq!(held, [10, 30, 60]);
    }

    #[test]
    fn the_heaviest_of_the_idle_goes_first() {
        let mut policy = WeightedLeastConnections::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut pool: Pool = (0..2).map(Endpoint::numbered).collect();
        pool.update(1, |endpoint| endpoint.weight = 2);
        assert_eq!(policy.pick(&pool, &Request::default(), &mut rng), Some(1));
    }
}
