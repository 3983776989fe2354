//! Round robin.
//!
//! The idea: deal requests like cards, one to each endpoint in turn.
//! The policy remembers only whose turn it is.
//! It looks at nothing that endpoints do, so it needs no measurement and cannot be misled by one.
//! After every full circle all endpoints have got the same number of requests.
//! Unhealthy endpoints lose their place in the circle; the others keep equal shares.
//!
//! Cost per pick: one addition, one comparison, one look into the list of the healthy.
//!
//! It fails when requests or endpoints are unequal: a slow endpoint gets as many requests as a fast one and its queue grows,
//! and every n-th request runs into the one that is stuck.
//!
//! Source: L. Kleinrock, "Analysis of a time-shared processor", Naval Research Logistics Quarterly 11 (1964), for the discipline;
//! nginx's default upstream method, for this use.

use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new("round_robin", "each healthy instance in turn", || {
    Box::new(RoundRobin::default())
});

/// Each healthy endpoint in turn. Ignores weight, load, latency and key.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    next: usize,
}

impl Policy for RoundRobin {
    fn pick(&mut self, pool: &Pool, _: &Request, _: &mut PolicyRng) -> Option<usize> {
        let healthy = pool.healthy();
        // A comparison instead of a division, which alone would cost more than the rest.
        let turn = if self.next < healthy.len() { self.next } else { 0 };
        self.next = turn + 1;
        healthy.get(turn).map(|index| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    fn picks(pool: &Pool, count: usize) -> Vec<usize> {
        let mut policy = RoundRobin::default();
        let mut rng = PolicyRng::seed_from_u64(0);
        (0..count)
            .map(|_| policy.pick(pool, &Request::default(), &mut rng).unwrap())
            .collect()
    }

    #[test]
    fn goes_round_in_order_and_skips_the_unhealthy() {
        let mut pool: Pool = (0..4).map(Endpoint::numbered).collect();
        pool.update(1, |endpoint| endpoint.healthy = false);
        assert_eq!(picks(&pool, 6), [0, 2, 3, 0, 2, 3]);
    }

    #[test]
    fn load_does_not_change_the_order() {
        let mut pool: Pool = (0..2).map(Endpoint::numbered).collect();
        pool.update(0, |endpoint| endpoint.in_flight = 1000);
        assert_eq!(picks(&pool, 4), [0, 1, 0, 1]);
    }
}
