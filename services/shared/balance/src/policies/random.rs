//! Random.
//!
//! The idea: draw an endpoint, each with the same chance.
//! There is nothing to remember and nothing to share, so any number of balancers may do it side by side
//! without ever falling into step with one another.
//! Shares are even in the long run.
//! It is the yardstick for every policy that claims to do better.
//!
//! Cost per pick: one draw.
//!
//! It fails in the short run: of n requests on n endpoints the fullest one gets about log n / log log n, not 1, and that one sets
//! the tail of the latency.
//!
//! Source: M. Raab and A. Steger, "Balls into Bins: A Simple and Tight Analysis", RANDOM 1998.

use rand::RngExt;

use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind =
    PolicyKind::new("random", "a healthy instance drawn at random", || Box::new(Random));

/// A healthy endpoint drawn uniformly. Ignores weight, load, latency and key.
#[derive(Debug, Default)]
pub(super) struct Random;

impl Policy for Random {
    fn pick(&mut self, pool: &Pool, _: &Request, rng: &mut PolicyRng) -> Option<usize> {
        match pool.healthy() {
            [] => None,
            healthy => Some(healthy[rng.random_range(0..healthy.len())] as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    #[test]
    fn a_dead_neighbour_gives_nobody_a_double_share() {
        let mut rng = PolicyRng::seed_from_u64(7);
        let mut pool: Pool = (0..3).map(Endpoint::numbered).collect();
        pool.update(0, |endpoint| endpoint.healthy = false);
        let picks = 10_000;
        let second = (0..picks)
            .filter(|_| Random.pick(&pool, &Request::default(), &mut rng) == Some(1))
            .count();
        // Binomial(10,000, 1/2) has a standard deviation of 50; five of them.
        assert!(second.abs_diff(picks / 2) < 250, "{second}");
    }
}
