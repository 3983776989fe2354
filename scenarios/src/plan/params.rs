//! The parameters of a run: what the scenario declares, and what was set by hand.

use std::collections::BTreeMap;

use super::options::{Options, PlanError};
use super::value::ParamValue;
use crate::format::{ChoiceParam, Document, Param, suggestion};

/// Every parameter with the value that it has in this run.
pub(super) fn params(document: &Document, options: &Options) -> Result<BTreeMap<String, ParamValue>, PlanError> {
    let names = || {
        document
            .params
            .keys()
            .chain(document.choices.keys())
            .map(String::as_str)
    };
    if let Some(unknown) = options.set.keys().find(|name| !names().any(|known| known == *name)) {
        return Err(PlanError::UnknownParam {
            name: unknown.clone(),
            hint: suggestion(unknown, names()),
        });
    }
    let set = |name: &str| options.set.get(name).map(String::as_str);
    let numbers = document
        .params
        .iter()
        .map(|(name, param)| Ok((name.clone(), number(name, param, set(name), options.quick)?.into())));
    let words = document
        .choices
        .iter()
        .map(|(name, choice)| Ok((name.clone(), word(name, choice, set(name))?.into())));
    numbers.chain(words).collect()
}

fn number(name: &str, param: &Param, set: Option<&str>, quick: bool) -> Result<f64, PlanError> {
    let Some(text) = set else {
        return Ok(param.quick.filter(|_| quick).unwrap_or(param.default));
    };
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let value = number.ok_or_else(|| PlanError::NotANumber {
        name: name.to_owned(),
        value: text.to_owned(),
    })?;
    if (param.min..=param.max).contains(&value) {
        Ok(value)
    } else {
        Err(PlanError::ParamOutOfRange {
            name: name.to_owned(),
            value,
            min: param.min,
            max: param.max,
        })
    }
}

fn word<'a>(name: &str, choice: &'a ChoiceParam, set: Option<&str>) -> Result<&'a str, PlanError> {
    let chosen = match set {
        None => choice.of.first(),
        Some(text) => choice.of.iter().find(|word| *word == text),
    };
    chosen.map(String::as_str).ok_or_else(|| PlanError::NoSuchChoice {
        name: name.to_owned(),
        value: set.unwrap_or_default().to_owned(),
        choices: choice.of.clone(),
    })
}

/// What was set by hand, as it is used.
pub(super) fn overridden(params: &BTreeMap<String, ParamValue>, options: &Options) -> BTreeMap<String, ParamValue> {
    let set = params.iter().filter(|(name, _)| options.set.contains_key(*name));
    set.map(|(name, value)| (name.clone(), value.clone())).collect()
}
