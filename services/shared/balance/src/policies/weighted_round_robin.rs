//! Smooth weighted round robin.
//!
//! The idea: an endpoint of weight 5 gets five requests where one of weight 1 gets one, and not five in a row.
//! Every endpoint saves up its weight at each pick; the richest is picked and pays what all saved together.
//! So credit is only moved around, and nobody runs far ahead or behind.
//! With weights 5, 1, 1 the order is a a b a c a a, where dealing in blocks would give a a a a a b c.
//! Over each full circle (the sum of the weights) every endpoint gets exactly its weight.
//!
//! Cost per pick: one pass over the healthy endpoints.
//!
//! It fails where round robin does: it looks at nothing that endpoints do, and a weight that was right yesterday is wrong as soon as
//! an endpoint slows down. Many balancers that start together also send their first requests to the same endpoint.
//!
//! Source: I. Sysoev, nginx, `ngx_http_upstream_round_robin.c`, commit 52327e0627f4 (2012).

use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "weighted_round_robin",
    "each instance in turn, in proportion to its weight",
    || Box::new(WeightedRoundRobin::default()),
)
.weighted();

/// Healthy endpoints in turn, in proportion to their weights. Ignores load, latency and key.
#[derive(Debug, Default)]
pub(super) struct WeightedRoundRobin {
    /// Of the pool's generation: the credit of each healthy endpoint, in the order of [`Pool::healthy`].
    credit: Vec<i64>,
    generation: Option<u64>,
}

impl Policy for WeightedRoundRobin {
    fn pick(&mut self, pool: &Pool, _: &Request, _: &mut PolicyRng) -> Option<usize> {
        let healthy = pool.healthy();
        if self.generation != Some(pool.generation()) {
            self.credit.clear();
            self.credit.resize(healthy.len(), 0);
            self.generation = Some(pool.generation());
        }
        let mut saved = 0;
        let mut richest: Option<(usize, i64)> = None;
        for (rank, (index, credit)) in healthy.iter().zip(&mut self.credit).enumerate() {
            let weight = i64::from(pool.endpoints()[*index as usize].weight);
            *credit += weight;
            saved += weight;
            if richest.is_none_or(|(_, most)| *credit > most) {
                richest = Some((rank, *credit));
            }
        }
        let (rank, _) = richest?;
        self.credit[rank] -= saved;
        Some(healthy[rank] as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    fn picks(weights: &[u32], count: usize) -> Vec<usize> {
        let pool: Pool = weights
            .iter()
            .map(|weight| Endpoint {
                weight: *weight,
                ..Endpoint::IDLE
            })
            .collect();
        let mut policy = WeightedRoundRobin::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        (0..count)
            .map(|_| policy.pick(&pool, &Request::default(), &mut rng).unwrap())
            .collect()
    }

    #[test]
    fn the_order_is_that_of_the_source() {
        assert_eq!(picks(&[5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
    }

    proptest! {
        #[test]
        fn a_full_circle_gives_each_exactly_its_weight(weights in proptest::collection::vec(1..20_u32, 1..8)) {
            let circle = weights.iter().sum::<u32>() as usize;
            let picks = picks(&weights, 2 * circle);
            prop_assert_eq!(&picks[..circle], &picks[circle..], "the second circle is the first");
            for (index, weight) in weights.iter().enumerate() {
                prop_assert_eq!(picks[..circle].iter().filter(|picked| **picked == index).count(), *weight as usize);
            }
        }
    }
}
