//! When requests come.

use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64Mcg;

/// How requests are spaced; the rate is the model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Independent users: exponential gaps.
    Poisson,
    /// A metronome: equal gaps.
    Constant,
    /// So many at once, with exponential gaps between the bursts.
    Bursts(u32),
}

/// Draws the arrivals of a model one after the other.
pub(crate) struct Gaps {
    arrivals: Arrivals,
    gap_s: f64,
    left_of_burst: u32,
    random: Pcg64Mcg,
}

impl Gaps {
    pub(crate) fn new(arrivals: Arrivals, rate_per_s: f64, random: Pcg64Mcg) -> Self {
        Self {
            arrivals,
            gap_s: 1.0 / rate_per_s,
            left_of_burst: 0,
            random,
        }
    }

    /// Seconds from one arrival to the next.
    pub(crate) fn next_s(&mut self) -> f64 {
        match self.arrivals {
            Arrivals::Poisson => self.exponential(),
            Arrivals::Constant => self.gap_s,
            Arrivals::Bursts(size) => {
                if self.left_of_burst > 0 {
                    self.left_of_burst -= 1;
                    return 0.0;
                }
                self.left_of_burst = size.saturating_sub(1);
                self.exponential() * f64::from(size)
            }
        }
    }

    fn exponential(&mut self) -> f64 {
        let drawn: f64 = Exp1.sample(&mut self.random);
        drawn * self.gap_s
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_process_keeps_the_rate() {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant, Arrivals::Bursts(10)] {
            let mut gaps = Gaps::new(arrivals, 50.0, Pcg64Mcg::seed_from_u64(3));
            let count = 200_000;
            let total_s: f64 = (0..count).map(|_| gaps.next_s()).sum();
            let rate = f64::from(count) / total_s;
            // Of bursts there are 20,000: a standard error of 0.7 %.
            assert!((rate / 50.0 - 1.0).abs() < 0.03, "{arrivals:?}: {rate}");
        }
    }

    #[test]
    fn a_burst_comes_at_once() {
        let mut gaps = Gaps::new(Arrivals::Bursts(3), 1.0, Pcg64Mcg::seed_from_u64(3));
        let zeros: Vec<bool> = (0..6).map(|_| gaps.next_s() == 0.0).collect();
        assert_eq!(zeros, [false, true, true, false, true, true]);
    }
}
