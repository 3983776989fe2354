//! One draw of the bootstrap: how often each part of the measurement counts.
//!
//! With three rounds or more, whole rounds are drawn, since what differs between rounds (placement, the machine's
//! other work) is what repeats least. With fewer, time is drawn within each round and window, in one of two ways.
//! Under a steady load, blocks of half a second: latencies of neighbouring requests depend on one another, so single
//! requests must not be drawn (block bootstrap: Künsch, The jackknife and the bootstrap for general stationary
//! observations, 1989). Where something happens at a set time (an action, a single request) that assumption is wrong,
//! since a draw could leave the event out or have it twice: there the slices of a tenth of a second are drawn within
//! each half second, so that what belongs to the event stays.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::event::SLICES_PER_S;
use crate::plan::{ArmPlan, PaceSpec, Plan};
use crate::state::{RoundState, RunState};

/// Slices in a block: half a second.
const BLOCK: u32 = SLICES_PER_S / 2;
/// From so many rounds on, rounds are drawn and not blocks.
const ROUNDS_ENOUGH: usize = 3;

type SliceKey = (usize, usize, String, u32);

/// How often each part counts in one draw.
pub struct Resample {
    drawn: Option<Drawn>,
}

struct Drawn {
    rounds: BTreeMap<(usize, usize), u64>,
    slices: BTreeMap<SliceKey, u64>,
    /// For each arm, which bracket of a search and where in it, each from 0 to 1.
    rates: Vec<(f64, f64)>,
}

impl Resample {
    /// The measurement as it was.
    pub fn identity() -> Self {
        Self { drawn: None }
    }

    /// A draw with replacement; the same seed gives the same draw.
    pub fn draw(plan: &Plan, state: &RunState, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut drawn = Drawn {
            rounds: BTreeMap::new(),
            slices: BTreeMap::new(),
            rates: Vec::new(),
        };
        for (arm, measured) in state.arms.iter().enumerate() {
            let rounds = measured.rounds.len();
            drawn.rates.push((rng.random(), rng.random()));
            if rounds >= ROUNDS_ENOUGH {
                for _ in 0..rounds {
                    *drawn.rounds.entry((arm, rng.random_range(0..rounds))).or_default() += 1;
                }
                continue;
            }
            let eventful = plan.arms.get(arm).is_some_and(has_events);
            for (round, measured) in measured.rounds.iter().enumerate() {
                drawn.rounds.insert((arm, round), 1);
                for (window, slices) in slices_by_window(measured) {
                    for slice in if eventful {
                        within_blocks(&slices, &mut rng)
                    } else {
                        whole_blocks(&slices, &mut rng)
                    } {
                        *drawn.slices.entry((arm, round, window.clone(), slice)).or_default() += 1;
                    }
                }
            }
        }
        Self { drawn: Some(drawn) }
    }

    /// How often a slice counts.
    pub(super) fn weight(&self, arm: usize, round: usize, window: &str, slice: u32) -> u64 {
        let Some(drawn) = &self.drawn else { return 1 };
        let of_round = drawn.rounds.get(&(arm, round)).copied().unwrap_or(0);
        if of_round == 0 || drawn.slices.is_empty() {
            return of_round;
        }
        drawn
            .slices
            .get(&(arm, round, window.to_owned(), slice))
            .copied()
            .unwrap_or(0)
    }

    /// The highest rate of a search, of which each round knows a bracket: in the middle of it, or drawn within.
    pub(super) fn rate(&self, arm: usize, brackets: &[(f64, f64)]) -> Option<f64> {
        if brackets.is_empty() {
            return None;
        }
        let at = |(within, beyond): (f64, f64), share: f64| within * (beyond / within).powf(share);
        match &self.drawn {
            None => {
                let log_sum: f64 = brackets.iter().map(|bracket| at(*bracket, 0.5).ln()).sum();
                Some((log_sum / brackets.len() as f64).exp())
            }
            Some(drawn) => {
                let (which, share) = drawn.rates[arm];
                let index = ((which * brackets.len() as f64) as usize).min(brackets.len() - 1);
                Some(at(brackets[index], share))
            }
        }
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

/// As many blocks as there are, drawn with replacement.
fn whole_blocks(slices: &BTreeSet<u32>, rng: &mut Pcg64Mcg) -> Vec<u32> {
    let blocks = blocks(slices);
    (0..blocks.len())
        .flat_map(|_| blocks[rng.random_range(0..blocks.len())].clone())
        .collect()
}

/// Of each block as many slices as it has, drawn with replacement.
fn within_blocks(slices: &BTreeSet<u32>, rng: &mut Pcg64Mcg) -> Vec<u32> {
    let mut drawn = Vec::new();
    for block in blocks(slices) {
        drawn.extend((0..block.len()).map(|_| block[rng.random_range(0..block.len())]));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_draw_has_no_slice_that_was_not_measured(slices in prop::collection::btree_set(0_u32..100, 1..60), seed in any::<u64>()) {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            for drawn in [whole_blocks(&slices, &mut rng), within_blocks(&slices, &mut rng)] {
                prop_assert!(drawn.iter().all(|slice| slices.contains(slice)));
            }
        }

        #[test]
        fn where_something_happens_every_half_second_keeps_its_weight(slices in prop::collection::btree_set(0_u32..100, 1..60), seed in any::<u64>()) {
            let drawn = within_blocks(&slices, &mut Pcg64Mcg::seed_from_u64(seed));
            for block in 0..20 {
                let of = |slice: &&u32| **slice / BLOCK == block;
                prop_assert_eq!(drawn.iter().filter(of).count(), slices.iter().filter(of).count());
            }
        }
    }
}
