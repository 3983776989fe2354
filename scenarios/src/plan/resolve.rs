//! Decides the numbers and fills the texts of a scenario.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::value::ParamValue;
use crate::expression::{Expression, Scope};
use crate::format::{Place, Problem, Quantity, QuantityValue};

/// The longest time that a scenario may ask for in one place, seconds.
pub(super) const SECONDS_MAX: f64 = 3600.0;
/// Seconds until a request has failed where the scenario says nothing.
const TIMEOUT_DEFAULT_S: f64 = 10.0;
/// The shortest time-out, seconds: a request that may take no time at all is never answered.
const TIMEOUT_MIN_S: f64 = 0.001;
/// The least processor time that an engine accepts as a limit, and more than any machine has, in cores.
const CPUS: (f64, f64) = (0.01, 1024.0);

/// The most expressions of a scenario; the largest of the catalogue has thirty.
const EXPRESSIONS_MAX: usize = 500;

/// What expressions and texts of a scenario may refer to before the run.
pub(super) struct Resolver {
    params: BTreeMap<String, ParamValue>,
    scope: Scope,
    /// Values of the expressions seen so far.
    known: RefCell<HashMap<String, Result<f64, String>>>,
}

impl Resolver {
    pub(super) fn new(params: &BTreeMap<String, ParamValue>, cores: f64, rounds: u32) -> Self {
        let mut scope = Scope::new();
        scope.insert("params".to_owned(), serde_json::json!(params));
        scope.insert("cores".to_owned(), cores.into());
        scope.insert("rounds".to_owned(), f64::from(rounds).into());
        Self {
            params: params.clone(),
            scope,
            known: RefCell::default(),
        }
    }

    /// The number that a quantity stands for.
    pub(super) fn number(&self, quantity: &Quantity) -> Result<f64, Problem> {
        match quantity.value() {
            QuantityValue::Number(number) if number.is_finite() => Ok(*number),
            QuantityValue::Number(_) => Err(Problem::at(quantity.span(), "this is not a finite number")),
            QuantityValue::Expression(source) => self.evaluated(source).map_err(|reason| {
                Problem::at(quantity.span(), format!("`{source}` has no value: {reason}"))
                    .hint(format!("known are cores, rounds and {}", self.known_params()))
            }),
        }
    }

    /// The value of an expression. The same one gives the same value wherever it stands, so each is evaluated once, and
    /// no more of them than [`EXPRESSIONS_MAX`].
    fn evaluated(&self, source: &str) -> Result<f64, String> {
        if let Some(known) = self.known.borrow().get(source) {
            return known.clone();
        }
        if self.known.borrow().len() >= EXPRESSIONS_MAX {
            return Err(format!(
                "a scenario has at most {EXPRESSIONS_MAX} different expressions"
            ));
        }
        let value = Expression::compile(source).and_then(|expression| expression.number(&self.scope));
        self.known.borrow_mut().insert(source.to_owned(), value.clone());
        value
    }

    /// The number of a quantity that must lie in a range.
    pub(super) fn number_in(&self, quantity: &Quantity, min: f64, max: f64, what: &str) -> Result<f64, Problem> {
        let number = self.number(quantity)?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(Problem::at(
                quantity.span(),
                format!("{what} is {number}, and must be from {min} to {max}"),
            ))
        }
    }

    /// The number of a quantity that may be missing.
    pub(super) fn or(&self, quantity: Option<&Quantity>, default: f64, max: f64, what: &str) -> Result<f64, Problem> {
        quantity.map_or(Ok(default), |quantity| self.number_in(quantity, 0.0, max, what))
    }

    /// Seconds until a request has failed.
    pub(super) fn timeout_s(&self, timeout: Option<&Quantity>) -> Result<f64, Problem> {
        timeout.map_or(Ok(TIMEOUT_DEFAULT_S), |timeout| {
            self.number_in(timeout, TIMEOUT_MIN_S, SECONDS_MAX, "the timeout")
        })
    }

    /// The length of a part of the load, seconds.
    pub(super) fn length_s(&self, length: &Quantity) -> Result<f64, Problem> {
        self.number_in(length, 0.05, SECONDS_MAX, "the length")
    }

    /// Processor time, in cores.
    pub(super) fn cpus(&self, cpus: &Quantity) -> Result<f64, Problem> {
        self.number_in(cpus, CPUS.0, CPUS.1, "the number of cores")
    }

    /// A text with its `{parameter}` places filled; whole numbers are written without a point.
    pub(super) fn fill(&self, text: &Place) -> Result<String, Problem> {
        self.fill_keeping(text, &[])
    }

    /// The same for a text that does not end with this: places with these names are left for later.
    pub(super) fn fill_keeping(&self, place: &Place, later: &[&str]) -> Result<String, Problem> {
        let text = place.as_str();
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').map(|offset| open + offset).ok_or_else(|| {
                Problem::at(
                    place.span(),
                    format!("`{text}` opens a place with {{ that is never closed"),
                )
            })?;
            let name = &rest[open + 1..close];
            if later.contains(&name) {
                filled.push_str(&rest[..=close]);
                rest = &rest[close + 1..];
                continue;
            }
            let value = self.params.get(name).ok_or_else(|| {
                Problem::at(
                    place.span(),
                    format!("`{text}` names the parameter `{name}`, which is not declared"),
                )
                .suggest(name, self.params.keys().map(String::as_str))
            })?;
            filled.push_str(&rest[..open]);
            filled.push_str(&value.to_string());
            rest = &rest[close + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Texts by name, such as headers, with their `{parameter}` places filled, except for those that are left for later.
    pub(super) fn fill_all(
        &self,
        texts: &BTreeMap<String, Place>,
        later: &[&str],
    ) -> Result<BTreeMap<String, String>, Problem> {
        texts
            .iter()
            .map(|(name, text)| Ok((name.clone(), self.fill_keeping(text, later)?)))
            .collect()
    }

    /// A JSON text, whose braces mean something else, with the `{parameter}` places of known parameters filled.
    pub(super) fn fill_known(&self, json: &Place) -> String {
        self.params.iter().fold(json.to_string(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &value.to_string())
        })
    }

    fn known_params(&self) -> String {
        let names: Vec<String> = self.params.keys().map(|name| format!("params.{name}")).collect();
        if names.is_empty() {
            "no params".to_owned()
        } else {
            names.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        Resolver::new(
            &BTreeMap::from([("burn_ms".to_owned(), 2000.0.into()), ("share".to_owned(), 0.5.into())]),
            2.0,
            1,
        )
    }

    fn fill(text: &str) -> Result<String, Problem> {
        #[derive(serde::Deserialize)]
        struct Text {
            text: Place,
        }
        let read: Text = toml::from_str(&format!("text = '{text}'")).unwrap();
        resolver().fill(&read.text)
    }

    #[test]
    fn places_are_filled_and_whole_numbers_have_no_point() {
        assert_eq!(fill("/burn?ms={burn_ms}&x={share}").unwrap(), "/burn?ms=2000&x=0.5");
        assert_eq!(fill("/plain").unwrap(), "/plain");
    }

    #[test]
    fn an_unknown_or_open_place_is_an_error_with_its_place_and_a_hint() {
        let problem = fill("/burn?ms={burn}").unwrap_err();
        assert_eq!(problem.span, Some(7..24));
        assert!(problem.message.contains("`burn`") && problem.hint.unwrap().contains("burn_ms"));
        assert!(fill("/burn?ms={burn_ms").is_err());
    }
}
