//! How long a measurement takes: known from a scenario without planning it.

use contract::Program;

use super::resolve::{Resolver, SECONDS_MAX};
use super::search;
use crate::format::{Arm, Document, Load, Need, Problem};

/// How long an arm's clients take where the scenario says nothing, seconds.
const CLIENTS_DEFAULT_S: f64 = 2.0;
/// What is counted for the rest of a measurement where the scenario says nothing, seconds: in a system with a Kafka, whose
/// consumers join their groups first and whose events have to arrive, and in any other.
const BESIDE_KAFKA_S: f64 = 1.5;
const BESIDE_S: f64 = 0.5;

/// What was counted for the rest of a measurement when plans did not tell, seconds.
pub(super) const fn beside_before() -> f64 {
    BESIDE_S
}

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
    /// About how long everything else takes.
    pub(super) beside_s: f64,
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
        let beside_s = if has_kafka(document) { BESIDE_KAFKA_S } else { BESIDE_S };
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
            beside_s: resolver.or(run.beside_s.as_ref(), beside_s, SECONDS_MAX, "the time beside")?,
        })
    }

    /// What the plan itself asks for; searches count at their longest.
    pub(super) fn planned_s(&self) -> f64 {
        self.clients_s + self.warmup_s + self.duration_s + self.searching_s
    }
}

fn has_kafka(document: &Document) -> bool {
    let is_kafka = |need: &Need| need.server() == Some(Program::Kafka);
    document.needs.iter().any(is_kafka)
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
