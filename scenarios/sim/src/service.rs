//! How long a server takes for a request.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// A distribution of service times, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceTime {
    /// Always the same.
    Constant {
        /// That time.
        mean_s: f64,
    },
    /// Memoryless, as in M/M/c.
    Exponential {
        /// Its mean.
        mean_s: f64,
    },
    /// Many short ones and a long tail.
    Lognormal {
        /// Its mean.
        mean_s: f64,
        /// Standard deviation over mean.
        variation: f64,
    },
    /// Two kinds of requests, each of constant length.
    Bimodal {
        /// The usual ones.
        short_s: f64,
        /// The rare ones.
        long_s: f64,
        /// Share of the rare ones, from 0 to 1.
        long_share: f64,
    },
    /// As it was measured.
    Empirical(Empirical),
}

impl ServiceTime {
    /// Its mean, in seconds.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        match self {
            Self::Constant { mean_s } | Self::Exponential { mean_s } | Self::Lognormal { mean_s, .. } => *mean_s,
            Self::Bimodal {
                short_s,
                long_s,
                long_share,
            } => short_s + long_share * (long_s - short_s),
            Self::Empirical(empirical) => empirical.mean_s,
        }
    }

    /// One drawn time, in seconds.
    pub(crate) fn draw_s(&self, random: &mut Pcg64Mcg) -> f64 {
        match self {
            Self::Constant { mean_s } => *mean_s,
            Self::Exponential { mean_s } => {
                let drawn: f64 = Exp1.sample(random);
                mean_s * drawn
            }
            Self::Lognormal { mean_s, variation } => {
                // Mean m and variation v of the whole give the two parameters of the logarithm.
                let variance = (1.0 + variation * variation).ln();
                let normal: f64 = StandardNormal.sample(random);
                mean_s * (variance.sqrt() * normal - variance / 2.0).exp()
            }
            Self::Bimodal {
                short_s,
                long_s,
                long_share,
            } => {
                if random.random::<f64>() < *long_share {
                    *long_s
                } else {
                    *short_s
                }
            }
            Self::Empirical(empirical) => empirical.draw_s(random),
        }
    }
}

/// A measured distribution: values and the shares of requests that did not exceed them. Between two values it is even.
#[derive(Debug, Clone, PartialEq)]
pub struct Empirical {
    /// (share, value in seconds), both rising, from share 0 to share 1.
    levels: Vec<(f64, f64)>,
    mean_s: f64,
}

impl Empirical {
    /// From (share of requests, value in seconds), with shares rising strictly and values not falling. The lowest value also stands
    /// for the start; `None` when there is nothing, or the order is another, or a number is none, or the mean is zero.
    #[must_use]
    pub fn new(levels: &[(f64, f64)]) -> Option<Self> {
        let (_, lowest) = *levels.first()?;
        let mut all = vec![(0.0, lowest)];
        all.extend(levels.iter().copied().filter(|(share, _)| *share > 0.0));
        let rises = all
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let (last_share, last_s) = *all.last()?;
        if !rises || !(0.0..=1.0).contains(&last_share) || lowest < 0.0 || !last_s.is_finite() {
            return None;
        }
        if last_share < 1.0 {
            all.push((1.0, last_s));
        }
        let mean_s: f64 = all
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0)
            .sum();
        (mean_s > 0.0).then_some(Self { levels: all, mean_s })
    }

    fn draw_s(&self, random: &mut Pcg64Mcg) -> f64 {
        let share: f64 = random.random();
        let above = self.levels.partition_point(|(level, _)| *level <= share);
        let upper = above.clamp(1, self.levels.len() - 1);
        let ((from, low_s), (to, high_s)) = (self.levels[upper - 1], self.levels[upper]);
        low_s + (high_s - low_s) * (share - from) / (to - from)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn drawn_times_have_the_mean_that_is_stated() {
        for service in [
            ServiceTime::Constant { mean_s: 0.01 },
            ServiceTime::Exponential { mean_s: 0.01 },
            ServiceTime::Lognormal {
                mean_s: 0.01,
                variation: 2.0,
            },
            ServiceTime::Bimodal {
                short_s: 0.005,
                long_s: 0.1,
                long_share: 0.05,
            },
            ServiceTime::Empirical(Empirical::new(&[(0.5, 0.001), (0.9, 0.01), (1.0, 0.2)]).unwrap()),
        ] {
            let mut random = Pcg64Mcg::seed_from_u64(1);
            let draws = 1_000_000;
            let sum: f64 = (0..draws).map(|_| service.draw_s(&mut random)).sum();
            let mean_s = sum / f64::from(draws);
            // The widest has a variation of about 3: five standard errors are 1.5 %.
            assert!((mean_s / service.mean_s() - 1.0).abs() < 0.015, "{service:?}: {mean_s}");
        }
    }

    #[test]
    fn a_lognormal_has_the_variation_that_is_stated() {
        let service = ServiceTime::Lognormal {
            mean_s: 1.0,
            variation: 1.0,
        };
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let draws = 1_000_000;
        let squares: f64 = (0..draws).map(|_| (service.draw_s(&mut random) - 1.0).powi(2)).sum();
        let variation = (squares / f64::from(draws)).sqrt();
        assert!((variation - 1.0).abs() < 0.05, "{variation}");
    }

    #[test]
    fn levels_that_do_not_rise_are_no_distribution() {
        for levels in [
            &[][..],
            &[(0.5, 2.0), (0.5, 3.0)],
            &[(0.5, 2.0), (1.0, 1.0)],
            &[(1.0, 0.0)],
            &[(1.0, f64::NAN)],
            &[(2.0, 1.0)],
        ] {
            assert_eq!(Empirical::new(levels), None, "{levels:?}");
        }
    }
}
