//! How long a measurement takes: known from a scenario without planning it.

use super::options::{Options, PlanError};
use super::resolve::{Resolver, SECONDS_MAX};
use super::search;
use super::settings::Settings;
use crate::format::{Arm, Document, Load, Problem};

/// How long an arm's clients take where the scenario says nothing, seconds.
const CLIENTS_DEFAULT_S: f64 = 2.0;
/// What is counted for the rest of a measurement, such as starting and stopping the system, seconds.
const BESIDE_S: f64 = 0.5;

/// The times of one measurement of an arm, in seconds.
pub(super) struct Timing {
    /// About how long the clients take.
    pub(super) clients_s: f64,
    /// Load before recording.
    pub(super) warmup_s: f64,
    /// Recorded load; 0 for an arm that only searches.
    pub(super) duration_s: f64,
    /// Searches, at their longest.
    pub(super) searching_s: f64,
}

impl Timing {
    pub(super) fn of(document: &Document, arm: &Arm, resolver: &Resolver) -> Result<Self, Problem> {
        let run = &document.run;
        let loads: Vec<&Load> = document.loads.iter().filter(|load| arm.is_among(&load.arms)).collect();
        let duration_s = match &run.duration_s {
            Some(duration) => resolver.number_in(duration, 0.1, SECONDS_MAX, "the duration")?,
            None => longest_steps(&loads, resolver)?,
        };
        let mut searches = document.searches.iter().filter(|search| arm.is_among(&search.arms));
        let mut clients = document.clients.iter().filter(|clients| arm.is_among(&clients.arms));
        Ok(Self {
            clients_s: match clients.next() {
                None => 0.0,
                Some(_) => resolver.or(
                    run.clients_s.as_ref(),
                    CLIENTS_DEFAULT_S,
                    SECONDS_MAX,
                    "the clients' time",
                )?,
            },
            warmup_s: resolver.or(run.warmup_s.as_ref(), 0.0, SECONDS_MAX, "the warm-up")?,
            duration_s: if loads.is_empty() { 0.0 } else { duration_s },
            searching_s: searches.try_fold(0.0, |sum, search| {
                let (step_s, steps_max) = search::steps(search, resolver)?;
                Ok::<f64, Problem>(sum + step_s * f64::from(steps_max))
            })?,
        })
    }

    /// About how long the measurement takes.
    pub(super) fn expected_s(&self) -> f64 {
        self.clients_s + self.warmup_s + self.duration_s + self.searching_s + BESIDE_S
    }
}

/// About how long a run of a scenario takes, in seconds; searches are counted at their longest, and so are arms that the
/// chosen balancer cannot do.
///
/// # Errors
/// When a parameter is unknown or out of range, or a time has no value.
pub fn expected_s(document: &Document, options: &Options) -> Result<f64, PlanError> {
    let settings = Settings::of(document, options)?;
    let resolver = settings.resolver();
    let measured = document.arms.iter().filter(|arm| arm.quick || !options.quick);
    let round_s = measured.map(|arm| Timing::of(document, arm, &resolver).map(|timing| timing.expected_s()));
    Ok(f64::from(settings.rounds) * round_s.sum::<Result<f64, Problem>>()?)
}

fn longest_steps(loads: &[&Load], resolver: &Resolver) -> Result<f64, Problem> {
    loads.iter().try_fold(0.0_f64, |longest, load| {
        let total = load
            .steps
            .iter()
            .try_fold(0.0, |sum, step| Ok(sum + resolver.length_s(&step.for_s)?))?;
        Ok(longest.max(total))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::plan::Plan;

    #[test]
    fn what_is_expected_without_a_plan_is_what_the_plan_expects() {
        for name in catalog::names() {
            let scenario = catalog::scenario(name).unwrap();
            for quick in [false, true] {
                let options = Options {
                    quick,
                    cores: 2,
                    ..Options::default()
                };
                let planned = Plan::make(&scenario, &options).unwrap().expected_s();
                let told = expected_s(&scenario.document, &options).unwrap();
                assert!(
                    (planned - told).abs() < 1e-6,
                    "{name}: {planned} s planned, {told} s told"
                );
            }
        }
    }
}
