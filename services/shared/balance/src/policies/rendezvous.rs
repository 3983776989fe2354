//! Rendezvous hashing (highest random weight).
//!
//! The idea: for each endpoint, hash the key together with its identity; the highest score takes the key.
//! When an endpoint leaves, its keys go each to its own second best, so they spread evenly over all others.
//! All other keys stay, for their best one is still there.
//! There is no table and nothing to build, and shares are as even as a hash can make them.
//! Dividing the weight by the score's negative logarithm makes shares follow weights exactly.
//!
//! Cost per pick: one pass over the healthy endpoints, a hash and a logarithm each.
//!
//! It fails by its cost with very many endpoints, and as all hashing does: it spreads keys, not load.
//!
//! Source: D. Thaler, C. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Transactions on Networking 6
//! (1998); weights: C. Schindelhauer, G. Schomaker, "Weighted Distributed Hash Tables", SPAA 2005.

use hash::mix;

use crate::{Endpoint, Keys, Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new("rendezvous", "by the highest score of key and instance", || {
    Box::new(Rendezvous)
})
.keyed(Keys::Kept)
.weighted();

/// The healthy endpoint with the highest score for the key. Ignores load and latency; a request without a key is spread evenly.
#[derive(Debug, Default)]
pub(super) struct Rendezvous;

impl Policy for Rendezvous {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let key = request.key_or_draw(rng);
        let mut best: Option<(usize, f64)> = None;
        for index in pool.healthy() {
            let index = *index as usize;
            let score = score(&pool.endpoints()[index], key);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((index, score));
            }
        }
        best.map(|(index, _)| index)
    }
}

fn score(endpoint: &Endpoint, key: u64) -> f64 {
    // The upper 53 bits as a number above 0 and below 1.
    let drawn = ((mix(endpoint.id ^ key) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    f64::from(endpoint.weight) / -drawn.ln()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn shares_follow_the_weights() {
        let mut pool: Pool = (0..3).map(Endpoint::numbered).collect();
        pool.update(1, |endpoint| endpoint.weight = 2);
        pool.update(2, |endpoint| endpoint.weight = 7);
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut got = [0_u32; 3];
        for key in 0..20_000 {
            let request = Request {
                key: Some(mix(key)),
                ..Request::default()
            };
            got[Rendezvous.pick(&pool, &request, &mut rng).unwrap()] += 1;
        }
        for (got, expected) in got.into_iter().zip([2_000_u32, 4_000, 14_000]) {
            assert!(got.abs_diff(expected) < 330, "{got} of {expected}");
        }
    }
}
