//! What a bootstrap draws: the parts of an arm's measurement, each as often as chance says.
//!
//! With three rounds or more, whole rounds are drawn, since what differs between rounds (placement, the machine's
//! other work) is what repeats least. With fewer, time is drawn within each round and window, in one of two ways.
//! Under a steady load, blocks of half a second: latencies of neighbouring requests depend on one another, so single
//! requests must not be drawn (block bootstrap: Künsch, The jackknife and the bootstrap for general stationary
//! observations, 1989). Where something happens at a set time (an action, a single request) that assumption is wrong,
//! since a draw could leave the event out or have it twice: there the slices of a tenth of a second are drawn within
//! each half second, so that what belongs to the event stays.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::ops::Range;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::event::SLICES_PER_S;
use crate::plan::{ArmPlan, PaceSpec};
use crate::state::RoundState;

/// Slices in a block: half a second.
const BLOCK: u32 = SLICES_PER_S / 2;
/// From so many rounds on, rounds are drawn and not blocks.
const ROUNDS_ENOUGH: usize = 3;

/// The parts of one arm's measurement, numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Parts that are drawn from one another: as many of them as there are, with replacement.
    strata: Vec<Range<usize>>,
    /// Round → window → slice → part; empty where whole rounds are drawn.
    of_slices: Vec<BTreeMap<String, BTreeMap<u32, usize>>>,
    count: usize,
}

impl Parts {
    /// The parts of these rounds.
    pub(super) fn of(plan: &ArmPlan, rounds: &[RoundState]) -> Self {
        if rounds.len() >= ROUNDS_ENOUGH {
            return Self {
                strata: iter::once(0..rounds.len()).collect(),
                of_slices: Vec::new(),
                count: rounds.len(),
            };
        }
        let mut parts = Self::default();
        for round in rounds {
            let windows = slices_by_window(round).into_iter();
            let numbered = windows.map(|(window, slices)| (window, parts.number(&slices, has_events(plan))));
            let numbered = numbered.collect();
            parts.of_slices.push(numbered);
        }
        parts
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The part that a slice belongs to; none where nothing was meant to start in it.
    pub(super) fn of_slice(&self, round: usize, window: &str, slice: u32) -> Option<usize> {
        match self.of_slices.get(round) {
            Some(windows) => windows.get(window)?.get(&slice).copied(),
            None => Some(round),
        }
    }

    /// How often each part counts in one draw.
    pub(super) fn draw(&self, rng: &mut Pcg64Mcg) -> Vec<u64> {
        let mut weights = vec![0; self.count];
        for stratum in &self.strata {
            for _ in stratum.clone() {
                weights[rng.random_range(stratum.clone())] += 1;
            }
        }
        weights
    }

    /// Numbers the slices of one window: blocks that are drawn from one another, or slices that are drawn within their block.
    fn number(&mut self, slices: &BTreeSet<u32>, within_blocks: bool) -> BTreeMap<u32, usize> {
        let first = self.count;
        let mut numbered = BTreeMap::new();
        for block in blocks(slices) {
            let start = self.count;
            for slice in block {
                numbered.insert(slice, self.count);
                self.count += usize::from(within_blocks);
            }
            match within_blocks {
                true => self.strata.push(start..self.count),
                false => self.count += 1,
            }
        }
        if !within_blocks {
            self.strata.push(first..self.count);
        }
        numbered
    }
}

/// Whether something happens at a set time in an arm.
fn has_events(arm: &ArmPlan) -> bool {
    !arm.actions.is_empty() || arm.loads.iter().any(|load| matches!(load.pace, PaceSpec::At(_)))
}

/// The slices of a round that hold anything, by window, in order.
fn slices_by_window(round: &RoundState) -> BTreeMap<String, BTreeSet<u32>> {
    let mut windows: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (index, window) in round.classes.values().flat_map(|class| class.slices.keys()) {
        windows.entry(window.clone()).or_default().insert(*index);
    }
    windows
}

/// The slices, half second by half second.
fn blocks(slices: &BTreeSet<u32>) -> Vec<Vec<u32>> {
    let mut blocks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for slice in slices {
        blocks.entry(slice / BLOCK).or_default().push(*slice);
    }
    blocks.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn drawn(slices: &BTreeSet<u32>, within_blocks: bool, seed: u64) -> BTreeMap<u32, u64> {
        let mut parts = Parts::default();
        let numbered = parts.number(slices, within_blocks);
        let weights = parts.draw(&mut Pcg64Mcg::seed_from_u64(seed));
        numbered
            .into_iter()
            .map(|(slice, part)| (slice, weights[part]))
            .collect()
    }

    proptest! {
        #[test]
        fn a_draw_of_blocks_has_as_many_blocks_and_each_whole(slices in prop::collection::btree_set(0_u32..100, 1..60), seed in any::<u64>()) {
            let drawn = drawn(&slices, false, seed);
            prop_assert!(drawn.keys().eq(&slices));
            let mut of_blocks = BTreeMap::new();
            for (slice, weight) in drawn {
                prop_assert_eq!(*of_blocks.entry(slice / BLOCK).or_insert(weight), weight, "a block stays whole");
            }
            prop_assert_eq!(of_blocks.values().sum::<u64>(), of_blocks.len() as u64);
        }

        #[test]
        fn where_something_happens_every_half_second_keeps_its_weight(slices in prop::collection::btree_set(0_u32..100, 1..60), seed in any::<u64>()) {
            let drawn = drawn(&slices, true, seed);
            for block in 0..20 {
                let of_block = drawn.iter().filter(|(slice, _)| **slice / BLOCK == block);
                let (count, weight) = of_block.fold((0, 0), |(count, sum), (_, weight)| (count + 1, sum + weight));
                prop_assert_eq!(count, weight);
            }
        }
    }
}
