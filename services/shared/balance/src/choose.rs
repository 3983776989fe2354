//! What several policies have in common.

use rand::RngExt;

use crate::{Endpoint, PolicyRng, Pool};

/// Two different healthy endpoints, each pair with the same chance; the same one twice when there is only one.
///
/// One draw of 64 bits serves for both. Multiplying by the range and keeping the upper half instead of dividing favours some
/// endpoints over others by less than n / 2^32 (D. Lemire, "Fast Random Integer Generation in an Interval", 2019).
pub(crate) fn two_healthy(pool: &Pool, rng: &mut PolicyRng) -> Option<(usize, usize)> {
    let healthy = pool.healthy();
    let count = healthy.len() as u64;
    let draw: u64 = rng.random();
    let first = ((draw & 0xffff_ffff) * count) >> 32;
    let mut second = ((draw >> 32) * count.saturating_sub(1)) >> 32;
    // The second is drawn from the others: those from the first one on move up by one.
    second += u64::from(second >= first);
    let first_index = *healthy.get(first as usize)? as usize;
    let second_index = healthy
        .get(second as usize)
        .map_or(first_index, |index| *index as usize);
    Some((first_index, second_index))
}

/// Healthy endpoints of the lowest cost, one after the other.
///
/// "The first of the equals" would send all light traffic to one endpoint, and "the next of the equals after the last pick" would
/// give the one behind a gap a double share; so equals are counted, and taken by rank.
#[derive(Debug, Default)]
pub(crate) struct LeastByTurn {
    turn: usize,
}

impl LeastByTurn {
    /// The healthy endpoint of the lowest cost, equals in turn. Two passes.
    pub(crate) fn pick<C: PartialOrd + Copy>(&mut self, pool: &Pool, cost: impl Fn(&Endpoint) -> C) -> Option<usize> {
        let endpoints = pool.endpoints();
        let mut costs = pool.healthy().iter().map(|index| cost(&endpoints[*index as usize]));
        let mut least = costs.next()?;
        let mut tied = 1;
        for cost in costs {
            if cost < least {
                (least, tied) = (cost, 1);
            } else if cost == least {
                tied += 1;
            }
        }
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        pool.healthy()
            .iter()
            .map(|index| *index as usize)
            .filter(|index| cost(&endpoints[*index]) == least)
            .nth(turn % tied)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_ordered_pair_is_drawn_equally_often() {
        let mut pool: Pool = (0..5).map(Endpoint::numbered).collect();
        pool.update(2, |endpoint| endpoint.healthy = false);
        let mut rng = PolicyRng::seed_from_u64(3);
        let mut seen = [[0_u32; 5]; 5];
        for _ in 0..12_000 {
            let (first, second) = two_healthy(&pool, &mut rng).unwrap();
            seen[first][second] += 1;
        }
        for (first, row) in seen.iter().enumerate() {
            for (second, count) in row.iter().enumerate() {
                let possible = first != second && first != 2 && second != 2;
                // Twelve pairs, a thousand each; five standard deviations.
                assert!(
                    if possible {
                        count.abs_diff(1_000) < 160
                    } else {
                        *count == 0
                    },
                    "{seen:?}"
                );
            }
        }
    }

    #[test]
    fn one_is_drawn_twice_and_nobody_never() {
        let mut rng = PolicyRng::seed_from_u64(3);
        let mut pool = Pool::new(vec![Endpoint::IDLE]);
        for _ in 0..100 {
            assert_eq!(two_healthy(&pool, &mut rng), Some((0, 0)));
        }
        pool.update(0, |endpoint| endpoint.healthy = false);
        assert_eq!(two_healthy(&pool, &mut rng), None);
    }
}
