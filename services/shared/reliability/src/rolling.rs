//! Sums over the recent past.

use std::ops::{AddAssign, SubAssign};
use std::time::Duration;

/// The sum of what was added in the present slice of time and the slices before it, as many as there are.
///
/// It holds slices and not single values: it costs the same whatever the traffic. It spans the slices' whole length less
/// the part of the present one that is still to come.
#[derive(Debug, Clone)]
pub(crate) struct Rolling<T> {
    slice: Duration,
    slices: Vec<T>,
    /// Number of the present slice, counted from the origin of time.
    present: u64,
    sum: T,
}

impl<T: Copy + Default + AddAssign + SubAssign> Rolling<T> {
    /// A sum over `window`, in so many slices.
    pub(crate) fn new(window: Duration, slices: u32) -> Self {
        Self {
            slice: (window / slices).max(Duration::from_nanos(1)),
            slices: vec![T::default(); slices as usize],
            present: 0,
            sum: T::default(),
        }
    }

    /// Adds to the slice of `now`. A time before the present slice counts as the present.
    pub(crate) fn add(&mut self, now: Duration, value: T) {
        self.move_on(now);
        let index = self.index(self.present);
        self.slices[index] += value;
        self.sum += value;
    }

    /// The sum at `now`.
    pub(crate) fn sum(&mut self, now: Duration) -> T {
        self.move_on(now);
        self.sum
    }

    fn move_on(&mut self, now: Duration) {
        let number = u64::try_from(now.as_nanos() / self.slice.as_nanos()).unwrap_or(u64::MAX);
        let passed = number.saturating_sub(self.present).min(self.slices.len() as u64);
        for step in 1..=passed {
            let index = self.index(self.present.wrapping_add(step));
            self.sum -= std::mem::take(&mut self.slices[index]);
        }
        // After a longer silence every slice is empty, so it does not matter which of them is the present one.
        self.present = self.present.max(number);
    }

    fn index(&self, number: u64) -> usize {
        (number % self.slices.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_sum_of_the_last_slices(
            adds in prop::collection::vec((0..4_000_u64, 0..10_u64), 1..100), slices in 1..12_u32
        ) {
            let slice_ms = 1_000_u64;
            let mut rolling = Rolling::new(Duration::from_millis(slice_ms) * slices, slices);
            let (mut now_ms, mut all) = (0, Vec::new());
            for (gap_ms, value) in adds {
                now_ms += gap_ms;
                all.push((now_ms / slice_ms, value));
                rolling.add(Duration::from_millis(now_ms), value);
                let from = (now_ms / slice_ms + 1).saturating_sub(u64::from(slices));
                let expected: u64 = all.iter().filter(|(at, _)| *at >= from).map(|(_, value)| value).sum();
                prop_assert_eq!(rolling.sum(Duration::from_millis(now_ms)), expected);
            }
        }
    }

    #[test]
    fn a_clock_that_runs_backwards_loses_nothing() {
        let mut rolling = Rolling::new(Duration::from_secs(10), 10);
        rolling.add(Duration::from_secs(20), 1_u32);
        rolling.add(Duration::from_secs(5), 1);
        assert_eq!(rolling.sum(Duration::ZERO), 2);
        assert_eq!(rolling.sum(Duration::from_secs(30)), 0);
    }
}
