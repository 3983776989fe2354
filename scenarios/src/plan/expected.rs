//! How long a run is expected to take, with what an earlier one taught.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::options::{Options, PlanError};
use super::settings::Settings;
use super::timing::Timing;
use super::{ArmPlan, Plan};
use crate::format::{Arm, Document, Problem};

/// The least that anything is expected to take, seconds.
const LEAST_S: f64 = 0.1;

/// What a run teaches of the length of the next one with the same parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// By arm: seconds that a measurement took beside what the plan asks for; less than nothing where a search ended early.
    pub beside_s: BTreeMap<String, f64>,
    /// Seconds after the last measurement, such as for simulations.
    pub after_s: f64,
}

/// How long a run is expected to take, seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// One measurement of each arm, in the order of the plan.
    pub turns_s: Vec<f64>,
    /// What comes after the last one.
    pub after_s: f64,
}

impl Learned {
    /// What a measurement of this arm took beside what the plan asks for; of one that was not measured, as much as the
    /// others on average.
    fn beside_s(&self, arm: &str) -> Option<f64> {
        let mean = || {
            let known = self.beside_s.len();
            (known > 0).then(|| self.beside_s.values().sum::<f64>() / known as f64)
        };
        self.beside_s.get(arm).copied().or_else(mean)
    }
}

impl Expected {
    /// What is expected of a run of this plan.
    #[must_use]
    pub fn of(plan: &Plan, learned: Option<&Learned>) -> Self {
        let turn_s = |arm: &ArmPlan| Self::turn_s(&arm.name, &arm.timing(), learned);
        Self {
            turns_s: plan.arms.iter().map(turn_s).collect(),
            after_s: learned.map_or(0.0, |learned| learned.after_s),
        }
    }

    /// One measurement of an arm.
    fn turn_s(arm: &str, timing: &Timing, learned: Option<&Learned>) -> f64 {
        let learned = learned.and_then(|learned| learned.beside_s(arm));
        (timing.planned_s() + learned.unwrap_or(timing.beside_s)).max(LEAST_S)
    }

    /// The whole run.
    #[must_use]
    pub fn whole_s(&self, plan: &Plan) -> f64 {
        self.from_turn_s(plan, 0)
    }

    /// This turn and all that comes after it.
    #[must_use]
    pub fn from_turn_s(&self, plan: &Plan, turn: usize) -> f64 {
        let rest = plan.turns.iter().skip(turn);
        rest.map(|turn| self.of_arm_s(turn.arm)).sum::<f64>() + self.after_s
    }

    /// One measurement of the arm at this place in the plan.
    #[must_use]
    pub fn of_arm_s(&self, arm: usize) -> f64 {
        self.turns_s.get(arm).copied().unwrap_or(LEAST_S)
    }
}

impl Plan {
    /// What the measurements of an arm took beside what the plan asks for, when one took so long, seconds.
    pub(crate) fn beside_s(&self, arm: usize, took_s: f64) -> f64 {
        took_s - self.arms[arm].timing().planned_s()
    }
}

/// About how long a run of a scenario takes, in seconds, with what an earlier run taught; without that, searches are counted
/// at their longest. Arms that the chosen balancer cannot do are counted, too.
///
/// # Errors
/// When a parameter is unknown or out of range, or a time has no value.
pub fn expected_s(document: &Document, options: &Options, learned: Option<&Learned>) -> Result<f64, PlanError> {
    let settings = Settings::of(document, options)?;
    let resolver = settings.resolver();
    let measured = document.arms.iter().filter(|arm| arm.quick || !options.quick);
    let turn_s = |arm: &Arm| {
        let timing = Timing::of(document, arm, &resolver)?;
        Ok::<f64, Problem>(Expected::turn_s(arm.name.as_str(), &timing, learned))
    };
    let round_s = measured.map(turn_s).sum::<Result<f64, Problem>>()?;
    Ok(f64::from(settings.rounds) * round_s + learned.map_or(0.0, |learned| learned.after_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn what_is_expected_without_a_plan_is_what_the_plan_expects() {
        let learned = |name: &str| {
            let first = catalog::scenario(name).unwrap().document.arms[0].name.to_string();
            Learned {
                beside_s: BTreeMap::from([(first, 1.25)]),
                after_s: 0.5,
            }
        };
        for name in catalog::names() {
            let scenario = catalog::scenario(name).unwrap();
            for quick in [false, true] {
                let options = Options {
                    quick,
                    cores: 2,
                    ..Options::default()
                };
                let plan = Plan::make(&scenario, &options).unwrap();
                for learned in [None, Some(learned(name))] {
                    let planned = Expected::of(&plan, learned.as_ref()).whole_s(&plan);
                    let told = expected_s(&scenario.document, &options, learned.as_ref()).unwrap();
                    assert!(
                        (planned - told).abs() < 1e-6,
                        "{name}: {planned} s planned, {told} s told"
                    );
                }
            }
        }
    }
}
