//! Laws that a history is held to: what a scenario file says of them.
//!
//! Which keys a law has of its own is read from its description: a new law brings its keys along.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use history::invariants::{AnyInvariant, Parameter, REGISTRY};
use schemars::{JsonSchema, Schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::json;

use super::quantity::{Place, Quantity};

/// A law that a history is held to. `ARM.NAME.violations` counts how often it was broken.
#[derive(Debug, Clone, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = add_numbers)]
pub struct InvariantSection {
    /// Name used in expressions.
    pub name: Place,
    /// Which law.
    #[serde(rename = "law")]
    pub invariant: AnyInvariant,
    /// The class of operations that it is about.
    pub of: Place,
    /// What the shared thing is called in diagrams: `product`, `seat`, `lock`.
    pub resource: String,
    /// Arms in which it is judged; default: all in which the class acts.
    #[serde(default)]
    pub arms: Vec<Place>,
    /// Numbers of laws, by the names of their parameters.
    #[schemars(skip)]
    pub numbers: BTreeMap<String, Quantity>,
}

/// The keys that every law has.
const COMMON: [&str; 5] = ["name", "law", "of", "resource", "arms"];

/// All keys: those, and the numbers of all laws.
static KEYS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut keys = COMMON.to_vec();
    for parameter in REGISTRY.iter().flat_map(|invariant| invariant.parameters()) {
        if !keys.contains(&parameter.name) {
            keys.push(parameter.name);
        }
    }
    keys
});

/// One of the keys.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;

        impl Visitor<'_> for Known {
            type Value = Key;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the key of a law")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
                let known = KEYS.iter().find(|known| **known == text);
                known
                    .map(|known| Key(known))
                    .ok_or_else(|| E::unknown_field(text, &KEYS))
            }
        }

        deserializer.deserialize_identifier(Known)
    }
}

impl<'de> Deserialize<'de> for InvariantSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Section;

        impl<'de> Visitor<'de> for Section {
            type Value = InvariantSection;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a law")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InvariantSection, A::Error> {
                let (mut name, mut invariant, mut of, mut resource) = (None, None, None, None);
                let (mut arms, mut numbers) = (Vec::new(), BTreeMap::new());
                while let Some(Key(key)) = map.next_key()? {
                    match key {
                        "name" => name = Some(map.next_value()?),
                        "law" => invariant = Some(map.next_value()?),
                        "of" => of = Some(map.next_value()?),
                        "resource" => resource = Some(map.next_value()?),
                        "arms" => arms = map.next_value()?,
                        number => {
                            numbers.insert(number.to_owned(), map.next_value()?);
                        }
                    }
                }
                let missing = A::Error::missing_field;
                Ok(InvariantSection {
                    name: name.ok_or_else(|| missing("name"))?,
                    invariant: invariant.ok_or_else(|| missing("law"))?,
                    of: of.ok_or_else(|| missing("of"))?,
                    resource: resource.ok_or_else(|| missing("resource"))?,
                    arms,
                    numbers,
                })
            }
        }

        deserializer.deserialize_struct("InvariantSection", &KEYS, Section)
    }
}

/// Adds the numbers of all laws to the schema of the section.
fn add_numbers(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) else {
        return;
    };
    for name in KEYS.iter().filter(|key| !COMMON.contains(key)) {
        let number = json!({
            "description": description(name),
            "anyOf": [{ "$ref": "#/$defs/Quantity" }, { "type": "null" }],
        });
        properties.insert((*name).to_owned(), number);
    }
}

/// What a number means, for each law that takes it.
fn description(name: &str) -> String {
    let mut kinds: Vec<(Parameter, Vec<String>)> = Vec::new();
    for invariant in REGISTRY {
        let law = format!("`{}`", invariant.name());
        for parameter in invariant.parameters().iter().filter(|parameter| parameter.name == name) {
            match kinds.iter_mut().find(|(known, _)| known == parameter) {
                Some((_, laws)) => laws.push(law.clone()),
                None => kinds.push((*parameter, vec![law.clone()])),
            }
        }
    }
    let sentence = |(parameter, laws): &(Parameter, Vec<String>)| {
        let default = parameter
            .default
            .map_or_else(String::new, |default| format!("; default {default}"));
        format!("For {}: {}{default}.", laws.join(" and "), parameter.meaning)
    };
    kinds.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str) -> Result<InvariantSection, toml::de::Error> {
        toml::from_str(&format!("law = \"rate\"\nof = \"c\"\nresource = \"client\"\n{keys}"))
    }

    #[test]
    fn a_law_has_the_numbers_that_its_description_names() {
        let law = read("name = \"l\"\nlimit = 5\nwindow_s = \"2.0 * 5.0\"").unwrap();
        assert_eq!(law.invariant.name(), "rate");
        let said: Vec<&str> = law.numbers.keys().map(String::as_str).collect();
        assert_eq!(
            said,
            law.invariant
                .parameters()
                .iter()
                .map(|parameter| parameter.name)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_key_that_no_law_has_and_one_that_is_missing_are_said_with_their_place() {
        let wrong = read("name = \"l\"\nlimits = 5").unwrap_err();
        assert!(
            wrong
                .message()
                .starts_with("unknown field `limits`, expected one of `name`"),
            "{wrong}"
        );
        assert!(wrong.message().contains("`limit`"), "{wrong}");
        assert!(wrong.span().is_some());
        let wrong = read("").unwrap_err();
        assert!(wrong.message().contains("missing field `name`"), "{wrong}");
    }

    #[test]
    fn no_number_of_a_law_has_the_name_of_a_key_that_all_have() {
        let all = REGISTRY.iter().flat_map(|invariant| invariant.parameters());
        for parameter in all {
            assert!(!COMMON.contains(&parameter.name), "{}", parameter.name);
        }
    }
}
