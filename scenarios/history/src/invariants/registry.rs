//! The invariants that there are, by name.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::at_most_once::AtMostOnce;
use super::conservation::Conservation;
use super::invariant::Invariant;
use super::linearizable::{LinearizableCounter, LinearizableStock};
use super::monotone_tokens::MonotoneTokens;
use super::mutual_exclusion::MutualExclusion;
use super::rate::Rate;
use super::read_your_writes::ReadYourWrites;
use super::uniqueness::Uniqueness;

/// Every invariant, in the order in which they are explained.
pub static REGISTRY: [&dyn Invariant; 9] = [
    &Conservation,
    &Uniqueness,
    &AtMostOnce,
    &MutualExclusion,
    &MonotoneTokens,
    &LinearizableStock,
    &LinearizableCounter,
    &ReadYourWrites,
    &Rate,
];

static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| REGISTRY.iter().map(|invariant| invariant.name()).collect());

/// One invariant of the registry. Written and read as its name.
#[derive(Clone, Copy)]
pub struct AnyInvariant(&'static dyn Invariant);

impl AnyInvariant {
    /// The invariant of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut known = REGISTRY.iter();
        known
            .find(|invariant| invariant.name() == name)
            .map(|found| Self(*found))
    }
}

impl Deref for AnyInvariant {
    type Target = dyn Invariant;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl fmt::Debug for AnyInvariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl PartialEq for AnyInvariant {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for AnyInvariant {}

impl Serialize for AnyInvariant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for AnyInvariant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| Error::unknown_variant(&name, &NAMES))
    }
}

impl JsonSchema for AnyInvariant {
    fn schema_name() -> Cow<'static, str> {
        "LawKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |invariant: &&dyn Invariant| {
            json_schema!({
                "description": invariant.demand(),
                "type": "string",
                "const": invariant.name()
            })
        };
        json_schema!({
            "description": "The laws there are.",
            "oneOf": REGISTRY.iter().map(one).collect::<Vec<_>>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameter::Parameter;
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_a_wrong_one_is_answered_with_those_there_are() {
        for invariant in REGISTRY {
            let written = serde_json::to_string(&AnyInvariant(invariant)).unwrap();
            assert_eq!(written, format!("\"{}\"", invariant.name()));
            assert_eq!(
                serde_json::from_str::<AnyInvariant>(&written).unwrap().name(),
                invariant.name()
            );
        }
        let wrong = serde_json::from_str::<AnyInvariant>("\"conservatoin\"")
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains("unknown variant `conservatoin`, expected one of `conservation`"),
            "{wrong}"
        );
    }

    #[test]
    fn parameters_are_sound_and_none_stands_twice_in_an_invariant() {
        for invariant in REGISTRY {
            let parameters = invariant.parameters();
            for (index, parameter) in parameters.iter().enumerate() {
                let Parameter { name, meaning, .. } = parameter;
                assert!(parameters[..index].iter().all(|other| other.name != *name), "{name}");
                assert!(!meaning.is_empty() && !meaning.ends_with('.'), "{meaning}");
                assert!(parameter.min < parameter.max, "{name}");
                let allowed = parameter.min..=parameter.max;
                assert!(
                    parameter.default.is_none_or(|default| allowed.contains(&default)),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn names_are_words_of_expressions_and_none_stands_twice() {
        let is_word = |name: &str| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        let mut names: Vec<&str> = NAMES.clone();
        assert!(names.iter().all(|name| is_word(name)), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
        assert!(REGISTRY.iter().all(|invariant| invariant.demand().ends_with('.')));
    }
}
