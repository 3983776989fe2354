//! Numbers and names as a scenario file writes them, each with its place in the file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use toml::Spanned;

/// A number, or a CEL expression over `params` that gives one: `200` or `"0.5 * params.capacity"`.
#[derive(Debug, Clone)]
pub struct Quantity(Spanned<QuantityValue>);

/// What stands in a [`Quantity`].
#[derive(Debug, Clone, PartialEq)]
pub enum QuantityValue {
    /// A plain number.
    Number(f64),
    /// An expression, not yet evaluated.
    Expression(String),
}

impl Quantity {
    /// What was written.
    pub fn value(&self) -> &QuantityValue {
        self.0.get_ref()
    }

    /// Where it was written, in bytes from the start of the file.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for QuantityValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrExpression;

        impl Visitor<'_> for NumberOrExpression {
            type Value = QuantityValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, or an expression in quotes such as \"2.0 * params.rate\"")
            }

            // A whole number above 2^53 loses its last digits here; no quantity of a scenario is that large.
            fn visit_i64<E>(self, number: i64) -> Result<QuantityValue, E> {
                Ok(QuantityValue::Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<QuantityValue, E> {
                Ok(QuantityValue::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<QuantityValue, E> {
                Ok(QuantityValue::Number(number))
            }

            fn visit_str<E>(self, expression: &str) -> Result<QuantityValue, E> {
                Ok(QuantityValue::Expression(expression.to_owned()))
            }
        }

        deserializer.deserialize_any(NumberOrExpression)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or a CEL expression over `params` that gives one.",
            "type": ["number", "string"]
        })
    }
}

/// A text that refers to something (a name, an expression), with its place in the file.
#[derive(Debug, Clone)]
pub struct Place(Spanned<String>);

impl Place {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get_ref()
    }

    /// Where it was written, in bytes from the start of the file.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

/// By the text alone, wherever it was written.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
