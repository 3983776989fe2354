//! The highest rate that a system serves within a latency objective.
//!
//! First the rate doubles until a step misses the objective (or is halved until one keeps it), then the bracket between the last rate within and the
//! first beyond is halved on a logarithmic scale. The result is that bracket, never a single number: between its ends
//! nothing was measured.

use serde::{Deserialize, Serialize};

/// Factor between steps until one misses the objective.
const GROWTH: f64 = 2.0;

/// The search goes no lower than its first rate divided by this.
const FALL_MAX: f64 = 16.0;

/// What a step has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Quantile of the response time, 0 to 1.
    pub quantile: f64,
    /// Most that this quantile may be, ms.
    pub ms: f64,
    /// Largest share of failed requests, 0 to 1.
    pub error_share_max: f64,
}

/// What was measured at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The rate of the step, requests per second.
    pub rate_per_s: f64,
    /// The objective's quantile of the response time, ms; absent when no request succeeded.
    pub quantile_ms: Option<f64>,
    /// Share of failed requests, 0 to 1.
    pub error_share: f64,
    /// Whether the generator kept its schedule: it sent all that was scheduled, and its own lateness was within bounds.
    pub is_evidence: bool,
}

/// What a search has come to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Bracket {
    /// Highest rate that was seen to keep the objective; absent when not even the lowest did.
    pub within_per_s: Option<f64>,
    /// Lowest rate that was seen to miss it; absent when none did.
    pub beyond_per_s: Option<f64>,
    /// Lowest rate that the generator itself could not produce: nothing is known about the system from there on.
    pub generator_limit_per_s: Option<f64>,
}

/// A search in progress: ask for the [`next`](Self::next) rate, measure it, [`observe`](Self::observe), repeat.
#[derive(Debug, Clone)]
pub struct Search {
    from_per_s: f64,
    to_per_s: f64,
    objective: Objective,
    steps_left: u32,
    resolution: f64,
    bracket: Bracket,
    /// Rate at which the generator has failed once; it gets a second try there.
    retry_per_s: Option<f64>,
}

impl Search {
    /// A search from `from_per_s` up to `to_per_s` in at most `steps_max` steps. It ends when the ends of the bracket
    /// are no further apart than the share `resolution` of the lower one (0.05 = 5 %).
    #[must_use]
    pub fn new(from_per_s: f64, to_per_s: f64, objective: Objective, steps_max: u32, resolution: f64) -> Self {
        Self {
            from_per_s,
            to_per_s: to_per_s.max(from_per_s),
            objective,
            steps_left: steps_max,
            resolution: resolution.max(0.001),
            bracket: Bracket::default(),
            retry_per_s: None,
        }
    }

    /// The rate to measure next, requests per second; `None` when the search has ended. Asking twice without an
    /// observation gives the same rate.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        if self.steps_left == 0 {
            return None;
        }
        if self.retry_per_s.is_some() {
            return self.retry_per_s;
        }
        match (self.bracket.within_per_s, self.upper()) {
            (None, None) => Some(self.from_per_s),
            (None, Some(upper)) => (upper > self.from_per_s / FALL_MAX).then_some(upper / GROWTH),
            (Some(within), None) => (within < self.to_per_s).then(|| (within * GROWTH).min(self.to_per_s)),
            (Some(within), Some(upper)) => (upper > within * (1.0 + self.resolution)).then(|| (within * upper).sqrt()),
        }
    }

    /// Takes what was measured at the rate that [`next`](Self::next) gave. A step in which the generator did not keep up
    /// says nothing about the system: it is repeated once, and then its rate counts as the generator's limit.
    pub fn observe(&mut self, seen: &Observation) {
        self.steps_left = self.steps_left.saturating_sub(1);
        let rate = seen.rate_per_s;
        if !seen.is_evidence {
            if self.retry_per_s.take().is_none() {
                self.retry_per_s = Some(rate);
            } else {
                lower(&mut self.bracket.generator_limit_per_s, rate);
            }
            return;
        }
        self.retry_per_s = None;
        if self.keeps(seen) {
            let within = self.bracket.within_per_s.get_or_insert(rate);
            *within = within.max(rate);
        } else {
            lower(&mut self.bracket.beyond_per_s, rate);
        }
    }

    /// Whether an observation keeps the objective.
    #[must_use]
    pub fn keeps(&self, seen: &Observation) -> bool {
        seen.quantile_ms.is_some_and(|ms| ms <= self.objective.ms) && seen.error_share <= self.objective.error_share_max
    }

    /// What is known so far.
    #[must_use]
    pub fn bracket(&self) -> Bracket {
        self.bracket
    }

    /// Lowest rate that is of no further interest.
    fn upper(&self) -> Option<f64> {
        let Bracket {
            beyond_per_s,
            generator_limit_per_s,
            ..
        } = self.bracket;
        match (beyond_per_s, generator_limit_per_s) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

fn lower(limit: &mut Option<f64>, rate: f64) {
    let limit = limit.get_or_insert(rate);
    *limit = limit.min(rate);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    const OBJECTIVE: Objective = Objective {
        quantile: 0.99,
        ms: 50.0,
        error_share_max: 0.01,
    };

    /// An M/M/1 queue: the quantile q of its response time is ln(1/(1−q)) / (capacity − rate).
    fn quantile_ms(capacity: f64, rate: f64) -> Option<f64> {
        let gap = capacity - rate;
        Some(if gap <= 0.0 {
            1e6
        } else {
            1_000.0 * (1.0 / (1.0 - OBJECTIVE.quantile)).ln() / gap
        })
    }

    /// The rate at which that queue just keeps the objective.
    fn knee(capacity: f64) -> f64 {
        capacity - 1_000.0 * 100_f64.ln() / OBJECTIVE.ms
    }

    fn run(search: &mut Search, mut measure: impl FnMut(f64) -> Observation) -> u32 {
        let mut steps = 0;
        while let Some(rate) = search.next() {
            search.observe(&measure(rate));
            steps += 1;
        }
        steps
    }

    fn seen(rate_per_s: f64, quantile_ms: Option<f64>) -> Observation {
        Observation {
            rate_per_s,
            quantile_ms,
            error_share: 0.0,
            is_evidence: true,
        }
    }

    proptest! {
        #[test]
        fn the_bracket_closes_around_the_knee(capacity in 200_f64..50_000.0, resolution in 0.01_f64..0.3) {
            let mut search = Search::new(50.0, 100_000.0, OBJECTIVE, 100, resolution);
            run(&mut search, |rate| seen(rate, quantile_ms(capacity, rate)));
            let bracket = search.bracket();
            let (within, beyond) = (bracket.within_per_s.unwrap(), bracket.beyond_per_s.unwrap());
            prop_assert!(within <= knee(capacity) && knee(capacity) < beyond, "{bracket:?}");
            prop_assert!(beyond <= within * (1.0 + resolution) * (1.0 + 1e-9), "{bracket:?}");
        }

        #[test]
        fn noise_moves_the_bracket_no_further_than_the_noise_reaches(
            capacity in 500_f64..50_000.0, noise in 0.0_f64..0.4, seed in any::<u64>(),
        ) {
            let mut random = Pcg64::seed_from_u64(seed);
            let mut search = Search::new(50.0, 100_000.0, OBJECTIVE, 100, 0.05);
            run(&mut search, |rate| {
                let factor = 1.0 + noise * (2.0 * random.random::<f64>() - 1.0);
                seen(rate, quantile_ms(capacity, rate).map(|ms| ms * factor))
            });
            let bracket = search.bracket();
            let (within, beyond) = (bracket.within_per_s.unwrap(), bracket.beyond_per_s.unwrap());
            // Where even the kindest noise shows a miss, and where even the worst shows none.
            let reach = 1_000.0 * 100_f64.ln() / OBJECTIVE.ms;
            prop_assert!(within < beyond);
            prop_assert!(within <= capacity - reach * (1.0 - noise) + 1e-6);
            prop_assert!(beyond > capacity - reach * (1.0 + noise) - 1e-6);
        }

        #[test]
        fn it_never_takes_more_steps_than_allowed(
            capacity in 60_f64..50_000.0, steps_max in 0_u32..12, late in prop::collection::vec(any::<bool>(), 12),
        ) {
            let mut search = Search::new(50.0, 100_000.0, OBJECTIVE, steps_max, 0.01);
            let mut late = late.into_iter();
            let steps = run(&mut search, |rate| Observation {
                is_evidence: !late.next().unwrap_or(false),
                ..seen(rate, quantile_ms(capacity, rate))
            });
            prop_assert!(steps <= steps_max);
        }

        #[test]
        fn a_generator_that_is_late_above_a_rate_gives_no_evidence_from_there_on(
            capacity in 200_f64..50_000.0, limit in 100_f64..50_000.0,
        ) {
            let mut search = Search::new(50.0, 100_000.0, OBJECTIVE, 100, 0.05);
            run(&mut search, |rate| Observation {
                is_evidence: rate < limit, ..seen(rate, quantile_ms(capacity, rate))
            });
            let bracket = search.bracket();
            if let Some(beyond) = bracket.beyond_per_s {
                prop_assert!(beyond < limit && beyond > knee(capacity));
            }
            if let Some(within) = bracket.within_per_s {
                prop_assert!(within < limit && within <= knee(capacity));
            }
        }
    }

    #[test]
    fn a_system_that_holds_everywhere_has_no_upper_end() {
        let mut search = Search::new(100.0, 1_000.0, OBJECTIVE, 20, 0.05);
        run(&mut search, |rate| seen(rate, Some(1.0)));
        assert_eq!(
            search.bracket(),
            Bracket {
                within_per_s: Some(1_000.0),
                ..Bracket::default()
            }
        );
    }

    #[test]
    fn a_system_that_holds_nowhere_has_no_lower_end() {
        let mut search = Search::new(160.0, 1_000.0, OBJECTIVE, 20, 0.05);
        run(&mut search, |rate| seen(rate, None));
        let bracket = search.bracket();
        assert_eq!((bracket.within_per_s, bracket.beyond_per_s), (None, Some(10.0)));
    }

    #[test]
    fn a_first_rate_that_is_too_high_is_halved_until_one_keeps_the_objective() {
        let mut search = Search::new(1_000.0, 10_000.0, OBJECTIVE, 20, 0.05);
        run(&mut search, |rate| seen(rate, quantile_ms(400.0, rate)));
        let bracket = search.bracket();
        let (within, beyond) = (bracket.within_per_s.unwrap(), bracket.beyond_per_s.unwrap());
        assert!(within <= knee(400.0) && knee(400.0) < beyond, "{bracket:?}");
    }

    #[test]
    fn errors_alone_put_a_rate_beyond() {
        let search = Search::new(100.0, 1_000.0, OBJECTIVE, 20, 0.05);
        assert!(!search.keeps(&Observation {
            error_share: 0.02,
            ..seen(100.0, Some(1.0))
        }));
    }

    #[test]
    fn one_late_step_is_repeated_at_the_same_rate() {
        let mut search = Search::new(100.0, 1_000.0, OBJECTIVE, 20, 0.05);
        search.observe(&Observation {
            is_evidence: false,
            ..seen(100.0, Some(900.0))
        });
        assert_eq!((search.next(), search.bracket()), (Some(100.0), Bracket::default()));
        search.observe(&seen(100.0, Some(1.0)));
        assert_eq!(
            (search.next(), search.bracket().within_per_s),
            (Some(200.0), Some(100.0))
        );
    }
}
