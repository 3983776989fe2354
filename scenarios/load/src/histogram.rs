//! A latency histogram with the bucket layout of HdrHistogram, stored sparsely.
//!
//! The layout is Gil Tene's (HdrHistogram, 3 significant digits, unit 1 µs): below 2,048 µs every microsecond has a
//! bucket of its own, above that every power of two is cut into 1,024 buckets, so a value is known to 0.1 %.
//! A dense array of that layout takes up to 190 kB; a run keeps thousands of histograms (one for each 100 ms slice), so
//! only the buckets that hold something are kept. All figures derive from the buckets alone, therefore a histogram that
//! was written and read again answers exactly as the one that was recorded.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Buckets of one power of two (half of the sub-buckets that three significant digits need).
const HALF: u64 = 1_024;
const HALF_BITS: u32 = 10;
/// Number of significant decimal digits kept.
const SIGNIFICANT_DIGITS: u8 = 3;
/// Longest duration told apart, one hour in µs; longer ones count as one hour.
const LONGEST_US: u64 = 3_600_000_000;

/// Counts of durations, 1 µs to 1 h, 3 significant digits.
///
/// Serialised as `[[value_us, count], …]` in ascending order, where `value_us` is the highest value of the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// `(bucket, count)`, sorted by bucket, no count is zero.
    buckets: Vec<(u32, u64)>,
    count: u64,
}

impl Histogram {
    /// An empty histogram; it allocates nothing until the first value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one duration, rounded to the nearest microsecond.
    pub fn record(&mut self, latency: Duration) {
        self.record_ns(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds one duration given in nanoseconds, rounded to the nearest microsecond.
    pub fn record_ns(&mut self, latency_ns: u64) {
        self.add(bucket_of(latency_ns.saturating_add(500) / 1_000), 1);
    }

    /// Adds the same duration many times.
    pub fn record_many(&mut self, latency: Duration, count: u64) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.add(bucket_of(ns.saturating_add(500) / 1_000), count);
    }

    /// A histogram of these buckets, ascending and none without a count.
    pub(crate) fn from_buckets(buckets: Vec<(u32, u64)>) -> Self {
        let count = buckets.iter().map(|(_, count)| count).sum();
        Self { buckets, count }
    }

    /// The buckets that hold something, ascending, with their counts.
    pub(crate) fn buckets(&self) -> &[(u32, u64)] {
        &self.buckets
    }

    fn add(&mut self, bucket: u32, count: u64) {
        if count == 0 {
            return;
        }
        match self.buckets.binary_search_by_key(&bucket, |entry| entry.0) {
            Ok(at) => self.buckets[at].1 += count,
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
        self.count += count;
    }

    /// Adds all counts of `other`; nothing is lost, both have the same buckets.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        let mut merged = Vec::with_capacity(self.buckets.len().max(other.buckets.len()));
        let (mut left, mut right) = (
            self.buckets.iter().copied().peekable(),
            other.buckets.iter().copied().peekable(),
        );
        loop {
            match (left.peek().copied(), right.peek().copied()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    merged.push((a.0, a.1 + b.1));
                    left.next();
                    right.next();
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    merged.push(a);
                    left.next();
                }
                (_, Some(b)) => {
                    merged.push(b);
                    right.next();
                }
                (Some(a), None) => {
                    merged.push(a);
                    left.next();
                }
                (None, None) => break,
            }
        }
        self.buckets = merged;
        self.count += other.count;
    }

    /// Number of values recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.count = 0;
    }

    /// The smallest recorded latency in ms that at least the share `q` (0 to 1) of all values does not exceed; `None`
    /// when empty. As in HdrHistogram this is the highest value of the bucket that the quantile falls into.
    #[must_use]
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        self.quantile_us(q).map(us_to_ms)
    }

    fn quantile_us(&self, q: f64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let wanted = rank(q, self.count);
        let mut seen = 0;
        for &(bucket, count) in &self.buckets {
            seen += count;
            if seen >= wanted {
                return Some(highest_of(bucket));
            }
        }
        self.buckets.last().map(|&(bucket, _)| highest_of(bucket))
    }

    /// Mean in ms, each value taken as the middle of its bucket; `None` when empty.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        let sum: f64 = self
            .buckets
            .iter()
            .map(|&(bucket, count)| middle_of(bucket) as f64 * count as f64)
            .sum();
        Some(sum / self.count as f64 / 1_000.0)
    }

    /// Largest value in ms (to the bucket); `None` when empty.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        self.buckets.last().map(|&(bucket, _)| us_to_ms(highest_of(bucket)))
    }

    /// Smallest value in ms (to the bucket); `None` when empty.
    #[must_use]
    pub fn min_ms(&self) -> Option<f64> {
        self.buckets.first().map(|&(bucket, _)| us_to_ms(lowest_of(bucket)))
    }

    /// Number of values in buckets that lie above the bucket of `ms`.
    #[must_use]
    pub fn count_over_ms(&self, ms: f64) -> u64 {
        let limit = bucket_of((ms * 1_000.0).max(0.0).round() as u64);
        let first = self.buckets.partition_point(|&(bucket, _)| bucket <= limit);
        self.buckets[first..].iter().map(|&(_, count)| count).sum()
    }

    /// The buckets that hold something, ascending: highest value of the bucket in µs, and its count.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter().map(|&(bucket, count)| (highest_of(bucket), count))
    }

    /// The same counts as a dense [`hdrhistogram::Histogram`] in µs, for its log formats and percentile iterators.
    #[must_use]
    pub fn to_hdr(&self) -> hdrhistogram::Histogram<u64> {
        let mut hdr = hdrhistogram::Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS)
            .expect("constant bounds that the library accepts");
        for (value_us, count) in self.iter() {
            hdr.saturating_record_n(value_us, count);
        }
        hdr
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(u64, u64)>::deserialize(deserializer)?;
        let mut histogram = Self::new();
        for (value_us, count) in pairs {
            if histogram.count.checked_add(count).is_none() {
                return Err(D::Error::custom(
                    "the counts of a histogram are too large to be added up",
                ));
            }
            histogram.add(bucket_of(value_us), count);
        }
        Ok(histogram)
    }
}

/// The 1-based rank of quantile `q` among `count` values. The tiny subtraction keeps `0.99 × 100` (which is a hair
/// above 99 in binary) from asking for the 100th value.
fn rank(q: f64, count: u64) -> u64 {
    let exact = q.clamp(0.0, 1.0) * count as f64;
    let rounded = exact.round();
    let rank = if (exact - rounded).abs() < 1e-9 * count as f64 {
        rounded
    } else {
        exact.ceil()
    };
    (rank as u64).clamp(1, count)
}

fn bucket_of(value_us: u64) -> u32 {
    let value = value_us.min(LONGEST_US);
    let power = (u64::BITS - (value | (2 * HALF - 1)).leading_zeros()) - (HALF_BITS + 1);
    (power << HALF_BITS) + (value >> power) as u32
}

/// Power of two by which the bucket is wide, and its lowest value.
fn shape_of(bucket: u32) -> (u32, u64) {
    if u64::from(bucket) < 2 * HALF {
        return (0, u64::from(bucket));
    }
    let power = (bucket >> HALF_BITS) - 1;
    let sub = (u64::from(bucket) & (HALF - 1)) + HALF;
    (power, sub << power)
}

fn lowest_of(bucket: u32) -> u64 {
    shape_of(bucket).1
}

fn middle_of(bucket: u32) -> u64 {
    let (power, lowest) = shape_of(bucket);
    lowest + ((1 << power) >> 1)
}

fn highest_of(bucket: u32) -> u64 {
    let (power, lowest) = shape_of(bucket);
    lowest + (1 << power) - 1
}

fn us_to_ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
