//! Consistent hashing on a ring.
//!
//! The idea: endpoints and keys are hashed onto one circle, and a key belongs to the next endpoint along it.
//! When an endpoint leaves, only its own keys move, to whoever comes next; all others stay.
//! Each endpoint has many points on the circle, so that arcs are even and the keys of one that leaves are spread over all.
//! Where a point lies depends on the endpoint's identity alone, so all balancers agree without talking.
//! Weight multiplies the points.
//!
//! Cost per pick: one look into a table of first points, then on average less than two points along. A change of membership builds
//! the ring anew: n × [`POINTS`] hashes and a sort.
//!
//! It fails at evenness: with 160 points each, the fullest of many endpoints has about a quarter more than the mean. And it
//! spreads keys, not load: one hot key makes one hot endpoint, which is what bounded loads are for.
//!
//! Source: D. Karger, E. Lehman, T. Leighton, R. Panigrahy, M. Levine, D. Lewin, "Consistent Hashing and Random Trees", STOC 1997;
//! 160 points: libketama (R. Jones, 2007).

use hash::mix;

use crate::{Keys, Policy, PolicyKind, PolicyRng, Pool, Request};

/// How far from its due an endpoint's share may be: arcs of this many points have a standard deviation of 8 %.
pub(super) const UNEVENNESS: f64 = 0.30;
/// Points of an endpoint of weight 1.
const POINTS: u32 = 160;

/// As the registry has it.
pub(super) const KIND: PolicyKind =
    PolicyKind::new("consistent_hash", "by the key's place on a ring of instances", || {
        Box::new(ConsistentHash::default())
    })
    .keyed(Keys::Kept)
    .weighted()
    .uneven(UNEVENNESS);

/// The healthy endpoint next along the ring. Ignores load and latency; a request without a key is spread evenly.
#[derive(Debug, Default)]
pub(super) struct ConsistentHash {
    ring: Ring,
}

impl Policy for ConsistentHash {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        self.ring.follow(pool);
        self.ring.along(request.key_or_draw(rng)).next()
    }
}

/// The circle, as of one generation of a pool.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Places on the circle, rising, and the endpoint at each.
    points: Vec<(u64, u32)>,
    /// For each equal arc of the circle, the first point in it or after it.
    arcs: Vec<u32>,
    /// How far a place is shifted right to give the number of its arc.
    shift: u32,
    generation: Option<u64>,
}

impl Ring {
    /// Builds the ring anew if the pool is not the one it was built for.
    pub(super) fn follow(&mut self, pool: &Pool) {
        if self.generation != Some(pool.generation()) {
            self.build(pool);
            self.generation = Some(pool.generation());
        }
    }

    fn build(&mut self, pool: &Pool) {
        self.points.clear();
        for index in pool.healthy() {
            let endpoint = &pool.endpoints()[*index as usize];
            // The number of a point is hashed before it meets the identity: else two endpoints whose identities differ in
            // their low bits only would share places.
            let points = u64::from(POINTS) * u64::from(endpoint.weight);
            self.points
                .extend((0..points).map(|number| (mix(endpoint.id ^ mix(number)), *index)));
        }
        // Points on the same place are ordered by identity, as the order in the list means nothing to another balancer.
        let id = |index: u32| pool.endpoints()[index as usize].id;
        self.points.sort_unstable_by_key(|(place, index)| (*place, id(*index)));
        // At least two arcs, so that the shift stays below the width of a place.
        let bits = (self.points.len().max(2)).next_power_of_two().trailing_zeros();
        self.shift = u64::BITS - bits;
        self.arcs.clear();
        let mut first = 0;
        for arc in 0..1_u64 << bits {
            while self
                .points
                .get(first)
                .is_some_and(|(place, _)| *place >> self.shift < arc)
            {
                first += 1;
            }
            self.arcs.push(first as u32);
        }
    }

    /// Rank of the first point at or after `key`, which may be one past the last.
    fn place(&self, key: u64) -> usize {
        let mut rank = self.arcs[(key >> self.shift) as usize] as usize;
        while self.points.get(rank).is_some_and(|(place, _)| *place < key) {
            rank += 1;
        }
        rank
    }

    /// The endpoints met along the ring from `key` on, once round.
    pub(super) fn along(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let (before, after) = self.points.split_at(self.place(key));
        after.iter().chain(before).map(|(_, index)| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;

    #[test]
    fn the_table_of_arcs_finds_what_a_search_through_all_points_finds() {
        for endpoints in [1, 2, 3, 17] {
            let pool: Pool = (0..endpoints).map(Endpoint::numbered).collect();
            let mut ring = Ring::default();
            ring.follow(&pool);
            let at_points = ring
                .points
                .iter()
                .flat_map(|(place, _)| [*place, place.wrapping_add(1)]);
            for key in at_points.chain((0..1_000).map(mix)).chain([0, u64::MAX]) {
                let expected = ring.points.partition_point(|(place, _)| *place < key);
                assert_eq!(ring.place(key), expected);
            }
        }
    }

    #[test]
    fn the_order_of_the_list_means_nothing() {
        let forward: Pool = (0..9).map(Endpoint::numbered).collect();
        let backward: Pool = (0..9).rev().map(Endpoint::numbered).collect();
        let (mut a, mut b) = (Ring::default(), Ring::default());
        a.follow(&forward);
        b.follow(&backward);
        for key in (0..1_000).map(mix) {
            assert_eq!(a.along(key).next().unwrap(), 8 - b.along(key).next().unwrap());
        }
    }

    #[test]
    fn an_empty_ring_has_no_owner() {
        let mut ring = Ring::default();
        ring.follow(&Pool::new(Vec::new()));
        assert_eq!(ring.along(7).next(), None);
    }
}
