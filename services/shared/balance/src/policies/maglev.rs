//! Maglev hashing.
//!
//! The idea: a large table says for each remainder of the key which endpoint takes it.
//! Every endpoint has its own permutation of the table's places, from its identity, as a list of preferences.
//! In turn each takes its most preferred place that is still free, until the table is full.
//! So shares differ by about one place, far more even than a ring's arcs, and most places are the same after one endpoint left.
//! Weight gives turns in proportion.
//!
//! Cost per pick: one division and one look into the table. A change of membership builds the table anew, some milliseconds.
//!
//! It fails at perfect stability: besides the keys of the one that left, some others move too (the price of evenness). And it spreads
//! keys, not load: one hot key makes one hot endpoint.
//!
//! Source: D. Eisenbud, C. Yi, C. Contavalli, C. Smith, R. Kononov, E. Mann-Hielscher, A. Cilingiroglu, B. Cheyney, W. Shang,
//! J. Hosein, "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016; turns by weight as in Envoy.

use hash::mix;

use crate::{Keys, Policy, PolicyKind, PolicyRng, Pool, Request};

/// The smallest table, as in the source.
const PLACES_MIN: u64 = 65_537;
/// Places for each endpoint, so that shares differ by a hundredth at most.
const PLACES_PER_ENDPOINT: u64 = 100;
const FREE: u32 = u32::MAX;

/// As the registry has it.
pub(super) const KIND: PolicyKind = PolicyKind::new(
    "maglev",
    "by the key's place in a table that instances filled in turn",
    || Box::new(Maglev::default()),
)
.keyed(Keys::NearlyKept)
.weighted();

/// The healthy endpoint in the table at the key's remainder. Ignores load and latency; a request without a key is spread evenly.
#[derive(Debug, Default)]
pub(super) struct Maglev {
    table: Vec<u32>,
    generation: Option<u64>,
}

impl Policy for Maglev {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        if self.generation != Some(pool.generation()) {
            self.build(pool);
            self.generation = Some(pool.generation());
        }
        let place = request.key_or_draw(rng).checked_rem(self.table.len() as u64)?;
        Some(self.table[place as usize] as usize)
    }
}

/// An endpoint's way through the table: a start and a step, which visit every place once because their number is a prime.
struct Walk {
    index: u32,
    weight: u64,
    at: u64,
    step: u64,
    /// Weight saved up for the next turn.
    saved: u64,
}

impl Maglev {
    fn build(&mut self, pool: &Pool) {
        self.table.clear();
        // By all endpoints, not the healthy ones: a table of another size would move nearly every key.
        let wanted = PLACES_MIN.max(PLACES_PER_ENDPOINT * pool.endpoints().len() as u64);
        let places = prime_from(wanted);
        let walk = |index: &u32| {
            let endpoint = &pool.endpoints()[*index as usize];
            Walk {
                index: *index,
                weight: u64::from(endpoint.weight.max(1)),
                at: mix(endpoint.id) % places,
                step: mix(!endpoint.id) % (places - 1) + 1,
                saved: 0,
            }
        };
        let mut walks: Vec<Walk> = pool.healthy().iter().map(walk).collect();
        // In the order of identities: the order of the list means nothing to another balancer.
        walks.sort_by_key(|walk| pool.endpoints()[walk.index as usize].id);
        let Some(heaviest) = walks.iter().map(|walk| walk.weight).max() else {
            return;
        };
        self.table.resize(places as usize, FREE);
        let mut left = places;
        while left > 0 {
            for walk in &mut walks {
                walk.saved += walk.weight;
                if walk.saved < heaviest {
                    continue;
                }
                walk.saved -= heaviest;
                while self.table[walk.at as usize] != FREE {
                    walk.at = (walk.at + walk.step) % places;
                }
                self.table[walk.at as usize] = walk.index;
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
    }
}

/// The smallest prime that is not below `least` (which must be above 2), by trial division.
fn prime_from(least: u64) -> u64 {
    let is_prime = |n: &u64| {
        (2..)
            .take_while(|divisor| divisor * divisor <= *n)
            .all(|divisor| !n.is_multiple_of(divisor))
    };
    (least..).find(is_prime).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;

    fn shares(pool: &Pool) -> Vec<usize> {
        let mut maglev = Maglev::default();
        maglev.build(pool);
        let mut shares = vec![0; pool.endpoints().len()];
        for index in &maglev.table {
            shares[*index as usize] += 1;
        }
        shares
    }

    #[test]
    fn the_size_is_the_prime_of_the_source() {
        assert_eq!(prime_from(PLACES_MIN), PLACES_MIN);
        assert_eq!(prime_from(24), 29);
    }

    #[test]
    fn the_table_is_full_and_shares_differ_by_one_place() {
        for endpoints in [1, 3, 7, 100] {
            let shares = shares(&(0..endpoints).map(Endpoint::numbered).collect());
            assert!(
                shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1,
                "{shares:?}"
            );
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        let mut pool: Pool = (0..3).map(Endpoint::numbered).collect();
        pool.update(1, |endpoint| endpoint.weight = 2);
        pool.update(2, |endpoint| endpoint.weight = 5);
        let shares = shares(&pool);
        for (share, expected) in shares.iter().zip([1.0, 2.0, 5.0]) {
            assert!(
                (*share as f64 / PLACES_MIN as f64 - expected / 8.0).abs() < 1e-3,
                "{shares:?}"
            );
        }
    }
}
