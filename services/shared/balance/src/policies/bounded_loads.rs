//! Consistent hashing with bounded loads.
//!
//! The idea: consistent hashing, except that an endpoint takes no more than [`FACTOR`] times its fair share of what is in flight.
//! A key whose endpoint is full goes to the next along the ring that is not.
//! So a hot key spreads over as many endpoints as it needs, and cold keys stay where they are.
//! No endpoint is ever above the bound, whatever the keys are.
//! The bound rises and falls with the total, so nothing has to be configured for a load.
//!
//! Cost per pick: as consistent hashing, and one look at the load for each full endpoint passed; by theory a constant number of
//! them, about 1 / (FACTOR - 1)², at any number of endpoints.
//!
//! It fails at stickiness: under load some requests of a key go elsewhere, and miss a cache or a session there. With hardly anything
//! in flight the bound is one request each, so even two requests of one key at once are parted. And the loads are those that
//! this balancer sees.
//!
//! Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018; A. Rodland, "Improving load
//! balancing with a new consistent-hashing algorithm", Vimeo Engineering (2016), with the factor 1.25.

use super::consistent_hash::{Ring, UNEVENNESS};
use crate::{Keys, Policy, PolicyKind, PolicyRng, Pool, Request};

/// How much of its fair share an endpoint may have in flight.
const FACTOR: f64 = 1.25;

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "bounded_loads",
    "consistent hashing, with nobody above 1.25 times the mean load",
    || Box::new(BoundedLoads::default()),
)
.keyed(Keys::Kept)
.weighted()
.uneven(UNEVENNESS);

/// The healthy endpoint next along the ring that is within its bound. Ignores latency; a request without a key is spread evenly.
#[derive(Debug, Default)]
pub(super) struct BoundedLoads {
    ring: Ring,
    weights: u64,
    generation: Option<u64>,
}

impl Policy for BoundedLoads {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let endpoints = pool.endpoints();
        if self.generation != Some(pool.generation()) {
            self.ring.follow(pool);
            let healthy = pool.healthy().iter();
            self.weights = healthy.map(|index| u64::from(endpoints[*index as usize].weight)).sum();
            self.generation = Some(pool.generation());
        }
        // With this request counted in, so that the bounds of all together are above the total and somebody is always free.
        let per_weight = FACTOR * (pool.in_flight() + 1) as f64 / self.weights.max(1) as f64;
        // Loads are whole numbers, so below the bound is the same as below the bound rounded up.
        let has_room = |index: usize| {
            let endpoint = &endpoints[index];
            f64::from(endpoint.in_flight) < per_weight * f64::from(endpoint.weight)
        };
        let mut along = self.ring.along(request.key_or_draw(rng));
        let owner = along.next()?;
        if has_room(owner) {
            return Some(owner);
        }
        // What hangs on endpoints that became unhealthy counts in the total but not among the bounds, so the bounds are only wider.
        along.find(|index| has_room(*index)).or(Some(owner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::super::consistent_hash::ConsistentHash;
    use super::*;
    use crate::Endpoint;
    use hash::mix;

    fn request(key: u64) -> Request {
        Request {
            key: Some(key),
            ..Request::default()
        }
    }

    #[test]
    fn with_room_everywhere_it_is_consistent_hashing() {
        let pool: Pool = (0..10).map(Endpoint::numbered).collect();
        let (mut bounded, mut plain) = (BoundedLoads::default(), ConsistentHash::default());
        let mut rng = PolicyRng::seed_from_u64(0);
        for key in (0..500).map(mix) {
            assert_eq!(
                bounded.pick(&pool, &request(key), &mut rng),
                plain.pick(&pool, &request(key), &mut rng)
            );
        }
    }

    proptest! {
        #[test]
        fn nobody_is_ever_above_the_bound(
            weights in proptest::collection::vec(1..5_u32, 1..12),
            keys in proptest::collection::vec(0..3_u64, 1..300),
        ) {
            let weights_sum = weights.iter().sum::<u32>();
            let numbered = weights.iter().zip(0..);
            let mut pool: Pool = numbered.map(|(weight, number)| Endpoint { weight: *weight, ..Endpoint::numbered(number) }).collect();
            let mut policy = BoundedLoads::default();
            let mut rng = PolicyRng::seed_from_u64(0);
            // Three keys only: all of it is hot.
            for key in keys {
                let index = policy.pick(&pool, &request(mix(key)), &mut rng).unwrap();
                pool.enter(index);
                let fair = pool.in_flight() as f64 * f64::from(weights[index]) / f64::from(weights_sum);
                prop_assert!(f64::from(pool.endpoints()[index].in_flight) <= (FACTOR * fair).ceil());
            }
        }
    }
}
