//! Numbers that an invariant has of its own, which a scenario says.

use std::collections::BTreeMap;

/// The numbers that are known, by the names of their parameters.
pub type Numbers = BTreeMap<String, f64>;

/// A number that a scenario says for an invariant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its key in a scenario and in recordings, with the unit last: `window_s`.
    pub name: &'static str,
    /// What it says, as the end of a sentence.
    pub meaning: &'static str,
    /// The least that it may be.
    pub min: f64,
    /// The most that it may be.
    pub max: f64,
    /// What it is where a scenario does not say it; none where a scenario has to.
    pub default: Option<f64>,
}

impl Parameter {
    /// Its value among these; where it is not there, its default, else the least that it may be.
    #[must_use]
    pub fn value_in(&self, numbers: &Numbers) -> f64 {
        let known = numbers.get(self.name).copied();
        known.or(self.default).unwrap_or(self.min)
    }

    /// The same as a whole number.
    #[must_use]
    pub fn whole_in(&self, numbers: &Numbers) -> i64 {
        self.value_in(numbers) as i64
    }
}

/// The most of anything that is counted in pieces or cents.
const AMOUNT_MAX: f64 = 1e12;

/// How much there was, for invariants of something that is taken or counted.
pub(super) const INITIAL: Parameter = Parameter {
    name: "initial",
    meaning: "how much of each key there was at first",
    min: 0.0,
    max: AMOUNT_MAX,
    default: None,
};

/// How much is taken.
pub(super) const QUANTITY: Parameter = Parameter {
    name: "quantity",
    meaning: "how much each operation takes",
    min: 0.0,
    max: AMOUNT_MAX,
    default: Some(1.0),
};
