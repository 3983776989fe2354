//! Power of two choices.
//!
//! The idea: draw two endpoints and take the one with fewer requests in flight.
//! One look more than a blind draw, and the fullest of n endpoints holds about log log n / log 2 more than the mean instead of
//! log n / log log n: nearly as even as looking at all of them.
//! A third look adds little; the second one does it.
//! Since the two are drawn, many balancers do not all run to the same endpoint, as they do with least connections.
//!
//! Cost per pick: one draw, two looks, whatever the number of endpoints.
//!
//! It fails with few endpoints and one slow: of three, a pair holds the slow one two times out of three, and it is taken whenever its
//! count happens to be lower. It fails, too, when the counts are old, or do not tell the load (a fast failure has a low count).
//!
//! Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE Transactions on Parallel and Distributed
//! Systems 12 (2001); Y. Azar, A. Broder, A. Karlin, E. Upfal, "Balanced Allocations", STOC 1994.

use crate::choose::two_healthy;
use crate::{Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "two_choices",
    "of two drawn instances the one with fewer requests in flight",
    || Box::new(TwoChoices),
);

/// Of two healthy endpoints drawn at random, the one with fewer requests in flight. Ignores weight, latency and key.
#[derive(Debug, Default)]
pub(super) struct TwoChoices;

impl Policy for TwoChoices {
    fn pick(&mut self, pool: &Pool, _: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let (first, second) = two_healthy(pool, rng)?;
        let endpoints = pool.endpoints();
        Some(if endpoints[second].in_flight < endpoints[first].in_flight {
            second
        } else {
            first
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    #[test]
    fn the_fullest_is_never_taken_and_the_emptiest_whenever_drawn() {
        let mut rng = PolicyRng::seed_from_u64(5);
        let mut pool: Pool = (0..4).map(Endpoint::numbered).collect();
        for (index, in_flight) in [3, 1, 2, 9].into_iter().enumerate() {
            pool.update(index, |endpoint| endpoint.in_flight = in_flight);
        }
        let mut got = [0_u32; 4];
        for _ in 0..6_000 {
            got[TwoChoices.pick(&pool, &Request::default(), &mut rng).unwrap()] += 1;
        }
        // Six pairs: the emptiest is in three of them, the next wins two, the third one.
        for (got, expected) in got.into_iter().zip([1_000_u32, 3_000, 2_000, 0]) {
            assert!(got.abs_diff(expected) < 200, "{got} of {expected}");
        }
    }

    /// Balls into bins: with two choices the fullest of n bins that n balls were thrown into holds very few.
    #[test]
    fn the_fullest_bin_is_far_below_that_of_blind_throws() {
        let bins = 10_000;
        let fullest = |policy: &mut dyn Policy| {
            let mut rng = PolicyRng::seed_from_u64(11);
            let mut pool: Pool = (0..bins).map(Endpoint::numbered).collect();
            for _ in 0..bins {
                let index = policy.pick(&pool, &Request::default(), &mut rng).unwrap();
                pool.enter(index);
            }
            pool.endpoints()
                .iter()
                .map(|endpoint| endpoint.in_flight)
                .max()
                .unwrap()
        };
        let (two, one) = (fullest(&mut TwoChoices), fullest(&mut super::super::random::Random));
        assert!((3..=4).contains(&two), "log log n / log 2 + O(1): {two}");
        assert!((6..=10).contains(&one), "the maximum of 10,000 Poisson(1) draws: {one}");
    }
}
