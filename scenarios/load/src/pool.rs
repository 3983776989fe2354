//! Several histograms over common buckets, so that weighted sums of them are cheap: what a bootstrap asks for thousands of
//! times.

use crate::Histogram;

/// Histograms that are added up again and again, each as often as a weight says.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// The buckets that any of the histograms has, ascending.
    buckets: Vec<u32>,
    /// For each histogram, (index into `buckets`, count).
    parts: Vec<Vec<(usize, u64)>>,
}

impl Pool {
    /// A pool of these histograms, in their order.
    pub fn of<'a>(histograms: impl IntoIterator<Item = &'a Histogram>) -> Self {
        let histograms: Vec<&Histogram> = histograms.into_iter().collect();
        let all = histograms.iter().flat_map(|histogram| histogram.buckets());
        let mut buckets: Vec<u32> = all.map(|(bucket, _)| *bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        let place = |bucket: u32| buckets.partition_point(|known| *known < bucket);
        let parts = histograms.iter().map(|histogram| {
            let counts = histogram.buckets().iter();
            counts.map(|(bucket, count)| (place(*bucket), *count)).collect()
        });
        Self {
            parts: parts.collect(),
            buckets,
        }
    }

    /// The sum of all histograms, each as often as its weight says; those without a weight are left out.
    #[must_use]
    pub fn sum(&self, weights: &[u64]) -> Histogram {
        let mut counts = vec![0_u64; self.buckets.len()];
        for (part, weight) in self.parts.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
            for (place, count) in part {
                counts[*place] += count * weight;
            }
        }
        let filled = self.buckets.iter().copied().zip(counts);
        Histogram::from_buckets(filled.filter(|(_, count)| *count > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_weighted_sum_is_what_merging_gives(
            parts in prop::collection::vec((prop::collection::vec(0_u64..5_000_000, 0..20), 0_u64..4), 0..8),
        ) {
            let histograms: Vec<Histogram> = parts.iter().map(|(values, _)| {
                let mut histogram = Histogram::new();
                values.iter().for_each(|us| histogram.record(Duration::from_micros(*us)));
                histogram
            }).collect();
            let weights: Vec<u64> = parts.iter().map(|(_, weight)| *weight).collect();
            let mut merged = Histogram::new();
            for (histogram, weight) in histograms.iter().zip(&weights) {
                (0..*weight).for_each(|_| merged.merge(histogram));
            }
            prop_assert_eq!(Pool::of(&histograms).sum(&weights), merged);
        }
    }
}
