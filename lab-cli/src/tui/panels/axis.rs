//! The logarithmic latency axis that all panels share.

use load::Histogram;
use scenarios::unit::{Unit, in_unit};

/// Latencies from a power of ten to another, on so many cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LogAxis {
    low: i32,
    high: i32,
    cells: usize,
}

impl LogAxis {
    /// An axis that holds all of these latencies: whole decades, two at least, so that it stays still while they grow.
    pub(super) fn holding<'a>(latencies: impl IntoIterator<Item = &'a Histogram>, cells: usize) -> Self {
        let mut range: Option<(f64, f64)> = None;
        for one in latencies {
            if let (Some(low), Some(high)) = (one.min_ms(), one.max_ms()) {
                let (least, most) = range.unwrap_or((low, high));
                range = Some((least.min(low), most.max(high)));
            }
        }
        let (low, high) = range.unwrap_or((0.1, 100.0));
        let low = low.max(0.001).log10().floor() as i32;
        let high = (high.max(0.001).log10().ceil() as i32).max(low + 2);
        Self {
            low,
            high,
            cells: cells.max(1),
        }
    }

    /// The cell of a latency.
    pub(super) fn cell(&self, ms: f64) -> usize {
        let decades = f64::from(self.high - self.low);
        let at = (ms.max(f64::MIN_POSITIVE).log10() - f64::from(self.low)) / decades;
        ((at * self.cells as f64).max(0.0) as usize).min(self.cells - 1)
    }

    /// How many of these latencies lie in each cell.
    pub(super) fn counts(&self, latencies: &Histogram) -> Vec<u64> {
        let mut counts = vec![0; self.cells];
        for (us, count) in latencies.iter() {
            counts[self.cell(us as f64 / 1000.0)] += count;
        }
        counts
    }

    /// The powers of ten with their cells; those too near to the one before are left out.
    pub(super) fn ticks(&self, apart: usize) -> Vec<(usize, String)> {
        let decades = (self.high - self.low) as usize;
        let every = (apart * decades).div_ceil(self.cells).max(1);
        (self.low..=self.high)
            .step_by(every)
            .map(|power| {
                let cell = (power - self.low) as usize * self.cells / decades;
                (cell.min(self.cells - 1), in_unit(10_f64.powi(power), Unit::Ms))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_latency_has_a_cell_and_powers_of_ten_have_ticks() {
        let mut latencies = Histogram::new();
        for us in [250, 900, 4_000, 80_000] {
            latencies.record(Duration::from_micros(us));
        }
        let axis = LogAxis::holding([&latencies], 30);
        assert_eq!((axis.low, axis.high), (-1, 2));
        assert_eq!(axis.counts(&latencies).iter().sum::<u64>(), 4);
        assert_eq!(
            (axis.cell(0.0), axis.cell(0.1), axis.cell(1.01), axis.cell(1e9)),
            (0, 0, 10, 29)
        );
        let ticks: Vec<String> = axis.ticks(8).into_iter().map(|(_, label)| label).collect();
        assert_eq!(ticks, ["100 µs", "1 ms", "10 ms", "100 ms"]);
        assert_eq!(axis.ticks(20).len(), 2, "no room for all");
    }

    #[test]
    fn nothing_measured_is_an_axis_too() {
        let axis = LogAxis::holding([&Histogram::new()], 0);
        assert_eq!(axis.cell(1.0), 0);
    }
}
