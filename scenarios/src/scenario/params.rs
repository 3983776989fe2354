//! Parameters and choices: a default run is one that `--set` could ask for.

use crate::format::{Document, Problem};

/// Problems of the parameters of a scenario.
pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    numbers(document, problems);
    choices(document, problems);
}

fn numbers(document: &Document, problems: &mut Vec<Problem>) {
    for (name, param) in &document.params {
        let fits = |value: f64| (param.min..=param.max).contains(&value);
        if !fits(param.default) || !param.quick.is_none_or(fits) {
            problems.push(Problem::whole(format!(
                "params.{name}: default and quick must be within min and max ({} to {})",
                param.min, param.max
            )));
        }
    }
}

fn choices(document: &Document, problems: &mut Vec<Problem>) {
    for (name, choice) in &document.choices {
        if choice.of.len() < 2 {
            problems.push(Problem::whole(format!("choices.{name}: give two words or more")));
        }
        if document.params.contains_key(name) {
            problems.push(Problem::whole(format!(
                "`{name}` is a parameter and a choice; give one of them another name"
            )));
        }
    }
}
