//! When an open loop sends: a seeded sequence of intended starts.
//!
//! Arrivals come by inversion of the integrated rate Λ(t) (Çinlar, *Introduction to Stochastic Processes*, 1975; Lewis and
//! Shedler, 1979): if x₁ < x₂ < … are the arrivals of a process of rate 1, then Λ⁻¹(x₁) < Λ⁻¹(x₂) < … are those of a
//! process with the wanted rate. With unit exponential gaps that is Poisson, with xₙ = n it is even spacing. Within a
//! stage the rate is linear, Λ is a parabola and its inverse is a formula: nothing is thinned or approximated.

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::plan::{Arrivals, Stage};

const NS_PER_S: f64 = 1e9;
/// Keeps `0.1 × 30 = 3.0000000000000004` from asking for a fourth request.
const ROUNDING: f64 = 1e-9;

/// Iterator over the intended starts in nanoseconds since the stream's start, ascending and finite.
#[derive(Debug, Clone)]
pub struct Schedule {
    arrivals: Arrivals,
    stages: Vec<Stage>,
    random: Pcg64,
    /// Stage in which the next arrival is looked for, its start in seconds, and Λ there.
    stage: usize,
    stage_start_s: f64,
    stage_start_sum: f64,
    /// Λ at the next arrival.
    next_sum: f64,
}

impl Schedule {
    /// The schedule of `stages`; the same seed gives the same schedule, bit for bit.
    #[must_use]
    pub fn new(arrivals: Arrivals, stages: Vec<Stage>, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let next_sum = match arrivals {
            Arrivals::Constant => 0.0,
            Arrivals::Poisson => unit_exponential(&mut random),
        };
        Self {
            arrivals,
            stages,
            random,
            stage: 0,
            stage_start_s: 0.0,
            stage_start_sum: 0.0,
            next_sum,
        }
    }

    fn advance(&mut self) {
        self.next_sum += match self.arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => unit_exponential(&mut self.random),
        };
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let stage = self.stages.get(self.stage)?;
            let area = expected(stage);
            let within = self.next_sum - self.stage_start_sum;
            if within + ROUNDING < area {
                let at_s = self.stage_start_s + time_of(stage, within.max(0.0));
                self.advance();
                return Some((at_s * NS_PER_S) as u64);
            }
            self.stage += 1;
            self.stage_start_s += stage.for_s;
            self.stage_start_sum += area;
        }
    }
}

/// Number of requests that a stage asks for on average: the area under its rate.
#[must_use]
pub fn expected(stage: &Stage) -> f64 {
    stage.for_s * (stage.from_rate_per_s + stage.to_rate_per_s) / 2.0
}

/// Time in a stage at which `sum` requests are reached: solves `from·t + slope·t²/2 = sum`, in the form that stays exact
/// when the slope is near zero.
fn time_of(stage: &Stage, sum: f64) -> f64 {
    if sum == 0.0 {
        return 0.0;
    }
    let from = stage.from_rate_per_s;
    let slope = (stage.to_rate_per_s - from) / stage.for_s;
    let root = (from * from + 2.0 * slope * sum).max(0.0).sqrt();
    (2.0 * sum / (from + root)).min(stage.for_s)
}

fn unit_exponential(random: &mut impl Rng) -> f64 {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    -(1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrivals_s(arrivals: Arrivals, stages: &[Stage], seed: u64) -> Vec<f64> {
        Schedule::new(arrivals, stages.to_vec(), seed)
            .map(|at_ns| at_ns as f64 / NS_PER_S)
            .collect()
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced_from_the_beginning() {
        assert_eq!(
            arrivals_s(Arrivals::Constant, &[Stage::constant(4.0, 1.0)], 0),
            [0.0, 0.25, 0.5, 0.75]
        );
        assert_eq!(
            arrivals_s(Arrivals::Constant, &[Stage::constant(0.1, 30.0)], 0).len(),
            3
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        let stages = vec![
            Stage {
                for_s: 5.0,
                from_rate_per_s: 10.0,
                to_rate_per_s: 500.0,
            },
            Stage::constant(200.0, 5.0),
        ];
        let schedule = |seed| Schedule::new(Arrivals::Poisson, stages.clone(), seed).collect::<Vec<u64>>();
        assert_eq!(schedule(7), schedule(7));
        assert_ne!(schedule(7), schedule(8));
        // The values themselves, so that another release or machine gives no other schedule unnoticed.
        assert_eq!(schedule(7)[..3], FIRST_OF_SEED_7);
    }

    const FIRST_OF_SEED_7: [u64; 3] = [50_696, 23_625_103, 149_177_735];

    #[test]
    fn poisson_counts_have_a_variance_equal_to_their_mean() {
        // Counts in 4,000 intervals of 50 ms at 200/s: mean 10, variance 10. The standard errors are 0.05 and 0.23.
        let mut counts = vec![0_f64; 4_000];
        for at_s in arrivals_s(Arrivals::Poisson, &[Stage::constant(200.0, 200.0)], 1) {
            counts[(at_s / 0.05) as usize] += 1.0;
        }
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / (n - 1.0);
        assert!((mean - 10.0).abs() < 0.25, "{mean}");
        assert!((variance - 10.0).abs() < 1.2, "{variance}");
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        // A Kolmogorov-Smirnov distance of 1.95/√n is exceeded with probability 0.001; the seed is fixed.
        let arrivals = arrivals_s(Arrivals::Poisson, &[Stage::constant(1_000.0, 20.0)], 3);
        let mut gaps: Vec<f64> = arrivals.windows(2).map(|pair| (pair[1] - pair[0]) * 1_000.0).collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = gaps
            .iter()
            .enumerate()
            .map(|(at, gap)| ((1.0 - (-gap).exp()) - at as f64 / n).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "{distance} for {n} gaps");
    }

    #[test]
    fn a_ramp_puts_a_quarter_of_its_requests_into_its_first_half() {
        let ramp = [Stage {
            for_s: 10.0,
            from_rate_per_s: 0.0,
            to_rate_per_s: 1_000.0,
        }];
        let arrivals = arrivals_s(Arrivals::Constant, &ramp, 0);
        assert_eq!(arrivals.len(), 5_000);
        assert_eq!(arrivals.iter().filter(|&&at_s| at_s < 5.0).count(), 1_250);
    }

    proptest! {
        #[test]
        fn stages_integrate_to_the_expected_count(
            stages in prop::collection::vec((0.0_f64..5.0, 0.0_f64..300.0, 0.0_f64..300.0), 0..6), seed in any::<u64>(),
        ) {
            let stages: Vec<Stage> = stages.into_iter()
                .map(|(for_s, from_rate_per_s, to_rate_per_s)| Stage { for_s, from_rate_per_s, to_rate_per_s })
                .collect();
            let area: f64 = stages.iter().map(expected).sum();
            let end_s: f64 = stages.iter().map(|stage| stage.for_s).sum();
            let even = arrivals_s(Arrivals::Constant, &stages, seed);
            prop_assert!((even.len() as f64 - area).abs() <= 1.0, "{} of {area}", even.len());
            let random = arrivals_s(Arrivals::Poisson, &stages, seed);
            prop_assert!((random.len() as f64 - area).abs() <= 6.0 * area.sqrt() + 6.0, "{} of {area}", random.len());
            for arrivals in [even, random] {
                prop_assert!(arrivals.is_sorted());
                prop_assert!(arrivals.iter().all(|&at_s| (0.0..=end_s + 1e-9).contains(&at_s)));
            }
        }
    }
}
