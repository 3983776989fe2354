//! Random.
//!
//! The idea: draw an endpoint, each with the same chance.
//! There is nothing to remember and nothing to share, so any number of balancers may do it side by side
//! without ever falling into step with one another.
//! Shares are even in the long run.
//! It is the yardstick for every policy that claims to do better.
//!
//! Cost per pick: two passes over the endpoints, one draw.
//!
//! It fails in the short run: of n requests on n endpoints the fullest one gets about log n / log log n, not 1, and that one sets
//! the tail of the latency.
//!
//! Source: M. Raab and A. Steger, "Balls into Bins: A Simple and Tight Analysis", RANDOM 1998.

use rand::RngExt;

use crate::{Endpoint, Policy, PolicyRng, Request, count_healthy, nth_healthy};

/// A healthy endpoint drawn uniformly. Ignores weight, load, latency and key.
#[derive(Debug, Default)]
pub struct Random;

impl Policy for Random {
    fn pick(&self, endpoints: &[Endpoint], _: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let healthy = count_healthy(endpoints);
        if healthy == 0 {
            return None;
        }
        nth_healthy(endpoints, rng.random_range(0..healthy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_dead_neighbour_gives_nobody_a_double_share() {
        let mut rng = PolicyRng::seed_from_u64(7);
        let mut endpoints = [Endpoint::IDLE; 3];
        endpoints[0].healthy = false;
        let picks = 10_000;
        let second = (0..picks)
            .filter(|_| Random.pick(&endpoints, &Request::default(), &mut rng) == Some(1))
            .count();
        // Binomial(10,000, 1/2) has a standard deviation of 50; five of them.
        assert!(second.abs_diff(picks / 2) < 250, "{second}");
    }
}
