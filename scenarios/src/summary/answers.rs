//! Numbers that were collected from answers, or that probes gave.

use serde::Serialize;

/// Some numbers in the order in which they came; all none where there are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Answers {
    /// How many.
    pub n: Option<f64>,
    /// How many different ones.
    pub distinct: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Their sum.
    pub sum: Option<f64>,
    /// The last one.
    pub last: Option<f64>,
}

impl Answers {
    pub(super) fn of(numbers: &[f64]) -> Self {
        let any = !numbers.is_empty();
        Self {
            n: counted(any, numbers.len()),
            distinct: counted(any, distinct(numbers)),
            min: numbers.iter().copied().reduce(f64::min),
            max: numbers.iter().copied().reduce(f64::max),
            sum: any.then(|| numbers.iter().sum::<f64>()),
            last: numbers.last().copied(),
        }
    }
}

/// A count, where there was something to count; what was never looked at is not zero.
pub(super) fn counted(measured: bool, count: usize) -> Option<f64> {
    measured.then_some(count as f64)
}

fn distinct(numbers: &[f64]) -> usize {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}
