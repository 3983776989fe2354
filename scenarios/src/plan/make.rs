//! Makes a plan from a scenario and the options of a run.

use super::left_out::{self, LeftOut};
use super::options::{Options, PlanError};
use super::resolve::SECONDS_MAX;
use super::settings::Settings;
use super::{Plan, Turn, arm, check, params, predict, simulation};
use crate::format::{Arm, Document};
use crate::scenario::Scenario;

/// How long events may take to arrive where the scenario says nothing, seconds.
const SETTLE_DEFAULT_S: f64 = 60.0;

impl Plan {
    /// Decides every number of a scenario.
    ///
    /// # Errors
    /// When a parameter is unknown or out of range, or an expression has no value.
    pub fn make(scenario: &Scenario, options: &Options) -> Result<Self, PlanError> {
        let document = &scenario.document;
        let settings = Settings::of(document, options)?;
        let resolver = settings.resolver();
        let Settings { params, rounds, cores } = settings;
        let planted: Vec<Arm> = match options.every_arm {
            true => document.planted.iter().map(|fault| fault.arm(&document.arms)).collect(),
            false => Vec::new(),
        };
        let arms = document
            .arms
            .iter()
            .chain(&planted)
            .map(|arm| arm::plan(document, arm, &resolver))
            .collect::<Result<Vec<_>, _>>()?;
        let simulations = document
            .simulations
            .iter()
            .map(|section| simulation::spec(section, &resolver))
            .collect::<Result<_, _>>()?;
        let (arms, left_out) = left_out::sort_out(arms, |arm| {
            options.quick && !options.every_arm && !in_quick_runs(document, arm)
        });
        if arms.is_empty() {
            let reasons = left_out.iter().map(LeftOut::words).collect();
            return Err(PlanError::NothingLeft { reasons });
        }
        let checks = document
            .checks
            .iter()
            .map(|check| check::plan(check, &resolver))
            .collect::<Result<_, _>>()?;
        let (checks, undecided) = left_out::decidable(checks, &left_out);
        let predict = document
            .predict
            .as_ref()
            .map(|predict| predict::spec(predict, &resolver))
            .transpose()?;
        Ok(Self {
            scenario: scenario.name().to_owned(),
            title: document.title.clone(),
            question: document.question.clone(),
            phase: document.phase,
            turns: turns(arms.len(), rounds),
            overridden: params::overridden(&params, options),
            quick: options.quick,
            seed: options.seed,
            lateness_p99_ms_max: document.run.lateness_p99_ms_max,
            error_share_max: document.run.error_share_max,
            settle_s: resolver.or(
                document.run.settle_s.as_ref(),
                SETTLE_DEFAULT_S,
                SECONDS_MAX,
                "the time to settle",
            )?,
            params,
            rounds,
            cores,
            arms,
            keep_s: None,
            predict: left_out::answerable(predict, &left_out),
            left_out,
            simulations,
            checks,
            undecided,
        })
    }
}

/// A B C, C B A, A B C, …: what drifts with time then touches all arms alike.
fn turns(arms: usize, rounds: u32) -> Vec<Turn> {
    let forward: Vec<usize> = (0..arms).collect();
    let backward: Vec<usize> = (0..arms).rev().collect();
    (1..=rounds)
        .flat_map(|round| {
            let order = if round % 2 == 1 { &forward } else { &backward };
            order
                .iter()
                .map(move |arm| Turn { round, arm: *arm })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn in_quick_runs(document: &Document, arm: &str) -> bool {
    document
        .arms
        .iter()
        .any(|other| other.name.as_str() == arm && other.quick)
}

#[cfg(test)]
#[path = "make_tests.rs"]
mod tests;
