//! Balls into bins: what a policy does when nobody ever answers.

use balance::{Endpoint, PolicyKind, PolicyRng, Pool, Request};
use hash::mix;
use rand::SeedableRng;

/// Throws as many balls as there are bins, each into the bin that the policy picks, and gives the fullest bin's number of balls.
///
/// Blindly thrown, it is about log n / log log n; with two choices about log log n / log 2 + 1.
#[must_use]
pub fn fullest_bin(policy: PolicyKind, bins: u32, seed: u64) -> u32 {
    let mut pool: Pool = (0..u64::from(bins)).map(Endpoint::numbered).collect();
    let mut policy = policy.build();
    let mut rng = PolicyRng::seed_from_u64(seed);
    for ball in 0..u64::from(bins) {
        let request = Request {
            key: Some(mix(mix(seed) ^ ball)),
            ..Request::default()
        };
        if let Some(bin) = policy.pick(&pool, &request, &mut rng) {
            pool.enter(bin);
        }
    }
    pool.endpoints().iter().map(|bin| bin.in_flight).max().unwrap_or(0)
}
