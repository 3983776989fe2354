//! What shows only when a scenario is planned: numbers out of their ranges, requests that cannot be sent, systems that
//! cannot start, and checks of what nobody measures.

use std::collections::BTreeMap;

use super::{Problem, Scenario};
use crate::expression::Expression;
use crate::plan::{Options, Plan, PlanError};
use crate::summary;

/// Problems that show when a plan is made: expressions without a value, checks of things that nobody measures.
pub(super) fn dry_run(scenario: &Scenario) -> Vec<Problem> {
    let mut problems = Vec::new();
    for quick in [false, true] {
        match Plan::make(
            scenario,
            &Options {
                quick,
                cores: 2,
                ..Options::default()
            },
        ) {
            Err(error) => problems.push(problem(error)),
            Ok(plan) if problems.is_empty() => problems.extend(checks(scenario, &plan)),
            Ok(_) => {}
        }
        if !problems.is_empty() {
            break;
        }
    }
    problems
}

/// Evaluates every check on a run in which everything was measured.
fn checks(scenario: &Scenario, plan: &Plan) -> Vec<Problem> {
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
    problems
}

/// Problems of the lesson's templates.
pub(super) fn lesson(scenario: &Scenario) -> Vec<Problem> {
    match Plan::make(
        scenario,
        &Options {
            cores: 2,
            ..Options::default()
        },
    ) {
        Ok(plan) => scenario.lesson.problems(&summary::filled(&plan)),
        Err(error) => vec![problem(error)],
    }
}

/// The first setting, among the ends of the parameters and the words of the choices, with which there is no plan.
pub(super) fn settings(scenario: &Scenario) -> Option<Problem> {
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
            cores: 2,
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
