//! What shows only when a scenario is planned: numbers out of their ranges, requests that cannot be sent, systems that
//! cannot start, and checks, answers and lessons that speak of what nobody measures.

mod answers;

use std::collections::BTreeMap;

use crate::expression::Expression;
use crate::format::{FormatError, LESSON_FILE, Problem, SCENARIO_FILE};
use crate::plan::{Options, Plan, PlanError};
use crate::scenario::Scenario;
use crate::summary;

/// The cores of the machine that a scenario is tried on: the smallest that it must make sense for.
const CORES: usize = 2;

/// Why a run is not begun.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The scenario itself is at fault.
    #[error(transparent)]
    Unsound(#[from] FormatError),
    /// What was asked of this run is.
    #[error(transparent)]
    Options(PlanError),
}

/// The plan of a run, made once. What a scenario that somebody brings says of its measurements is tried on the plan first;
/// those of the catalogue are known to be sound.
///
/// # Errors
/// When the scenario cannot be run so, or one of its checks or its lesson speaks of what is not measured.
pub fn planned(scenario: &Scenario, options: &Options) -> Result<Plan, Refused> {
    let plan = Plan::make(scenario, options);
    if scenario.source.is_built_in {
        return plan.map_err(Refused::Options);
    }
    if !options.set.is_empty() {
        // A setting may take away what a check speaks of; what must be sound is the scenario without it.
        default_run(scenario, options.quick, false)?;
        return plan.map_err(Refused::Options);
    }
    match plan {
        Ok(plan) => {
            measurable(scenario, &plan)?;
            Ok(plan)
        }
        Err(PlanError::Scenario(problem)) => Err(scenario.source.invalid(SCENARIO_FILE, vec![problem]).into()),
        Err(error) => Err(Refused::Options(error)),
    }
}

/// Tries a scenario in a default and in a quick run, and with every parameter at its ends and every choice at each of its
/// words, as `--set` may do.
///
/// # Errors
/// What is wrong with it; the first setting with which it cannot be run.
pub fn check(scenario: &Scenario) -> Result<(), FormatError> {
    for (quick, every_arm) in [(false, false), (true, false), (true, true)] {
        default_run(scenario, quick, every_arm)?;
    }
    match settings(scenario) {
        None => Ok(()),
        Some(problem) => Err(scenario.source.invalid(SCENARIO_FILE, vec![problem])),
    }
}

/// Tries a run without any setting, or one that is held to the swap law.
fn default_run(scenario: &Scenario, quick: bool, every_arm: bool) -> Result<(), FormatError> {
    let options = Options {
        quick,
        every_arm,
        cores: CORES,
        ..Options::default()
    };
    let plan =
        Plan::make(scenario, &options).map_err(|error| scenario.source.invalid(SCENARIO_FILE, vec![problem(error)]))?;
    measurable(scenario, &plan)
}

/// Evaluates every check, the question and the lesson on a run in which everything was measured.
fn measurable(scenario: &Scenario, plan: &Plan) -> Result<(), FormatError> {
    let scope = summary::filled(plan);
    let mut problems = Vec::new();
    for check in &scenario.document.checks {
        let value = Expression::compile(check.value.as_str()).and_then(|expression| expression.number(&scope));
        if let Err(why) = value {
            problems.push(Problem::at(check.value.span(), format!("`{}`: {why}", check.value)));
        }
    }
    for source in plan.predict.iter().flat_map(|predict| predict.asked.expressions()) {
        if let Err(why) = Expression::compile(source).and_then(|expression| expression.number(&scope)) {
            problems.push(Problem::whole(format!("[predict] `{source}`: {why}")));
        }
    }
    if plan.predict.is_some() {
        // An answer speaks of the run that was made, so it must do without the arms that this one leaves out.
        problems.extend(answers::problems(&scenario.document, &summary::filled_as_run(plan)));
    }
    if !problems.is_empty() {
        return Err(scenario.source.invalid(SCENARIO_FILE, problems));
    }
    let problems = scenario.lesson.problems(&scope);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(scenario.source.invalid(LESSON_FILE, problems))
    }
}

/// The first setting, among the ends of the parameters and the words of the choices, with which there is no plan.
fn settings(scenario: &Scenario) -> Option<Problem> {
    let document = &scenario.document;
    let ends = document
        .params
        .iter()
        .flat_map(|(name, param)| [param.min, param.max].map(|end| (name, end.to_string())));
    let words = document
        .choices
        .iter()
        .flat_map(|(name, choice)| choice.of.iter().map(move |word| (name, word.clone())));
    ends.chain(words).find_map(|(name, value)| {
        let options = Options {
            cores: CORES,
            set: BTreeMap::from([(name.clone(), value.clone())]),
            ..Options::default()
        };
        let error = Plan::make(scenario, &options).err()?;
        let problem = problem(error);
        Some(Problem {
            message: format!("with --set {name}={value}: {}", problem.message),
            ..problem
        })
    })
}

fn problem(error: PlanError) -> Problem {
    match error {
        PlanError::Scenario(problem) => problem,
        other => Problem::whole(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
