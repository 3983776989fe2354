//! The one way to read JSON that somebody else wrote.
//!
//! serde takes more than what is documented: a list in the place of an object (`[1,100]` for `{"order_id":1,
//! "amount_cents":100}`), an object in the place of a name (`{"captured":null}` for `"captured"`), and the last of two
//! members of the same name. Here an object is an object, a name is a text, and a member is there once, at any depth.

use serde::Deserialize;
use serde::de::IgnoredAny;

mod strict;

use strict::Strict;

/// Reads a value from the text of a whole document.
///
/// # Errors
/// When it is not JSON (see [`serde_json::Error::is_data`] to tell), or not a `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(document: &'de [u8]) -> Result<T, serde_json::Error> {
    read(document).map_err(|error| {
        // What is wrong in the middle of something that is not even JSON is that it is not JSON.
        let syntax = serde_json::from_slice::<IgnoredAny>(document).err();
        syntax.unwrap_or(error)
    })
}

fn read<'de, T: Deserialize<'de>>(document: &'de [u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(document);
    let value = T::deserialize(Strict(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// The same for a text.
///
/// # Errors
/// As [`from_slice`].
pub fn from_str<'de, T: Deserialize<'de>>(document: &'de str) -> Result<T, serde_json::Error> {
    from_slice(document.as_bytes())
}

/// The same for a document that was read already.
///
/// # Errors
/// When it is not a `T`.
pub fn from_value<T: for<'de> Deserialize<'de>>(document: serde_json::Value) -> Result<T, serde_json::Error> {
    T::deserialize(Strict(document))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{LinkConditions, NewPayment, Order, Passage, PaymentReport, Stepped};

    fn refusal<T: for<'de> Deserialize<'de> + std::fmt::Debug>(document: &str) -> String {
        let error = from_str::<T>(document).expect_err(document);
        assert!(error.is_data(), "{document}: {error}");
        error.to_string()
    }

    #[test]
    fn what_is_documented_is_read() {
        let payment: NewPayment = from_str(r#" {"amount_cents":100,"order_id":1,"idempotency_key":"a"} "#).unwrap();
        assert_eq!((payment.order_id, payment.amount_cents), (1, 100));
        assert_eq!(payment.idempotency_key.as_deref(), Some("a"));
        let payment: NewPayment = from_str(r#"{"amount_cents":100,"order_id":1,"idempotency_key":null}"#).unwrap();
        assert_eq!(payment.idempotency_key, None);
        assert_eq!(
            from_str::<Vec<Option<Passage>>>(r#"["open",null]"#).unwrap(),
            [Some(Passage::Open), None]
        );
        let text = r#"{"attempts":2,"payment":{"id":1,"order_id":1,"amount_cents":5,"status":"captured"}}"#;
        assert_eq!(from_str::<PaymentReport>(text).unwrap().attempts, 2);
        let text = r#"{"id":1,"order_id":1,"amount_cents":5,"status":"captured","steps":[{"at_ns":1,"what":"read"}]}"#;
        assert!(from_str::<Stepped<crate::Payment>>(text).unwrap().steps.is_some());
        let value: Value = from_str(r#"{"a":[1,2.5,"x",null,true,{"b":-1}]}"#).unwrap();
        assert_eq!(from_value::<Value>(value.clone()).unwrap(), value);
    }

    #[test]
    fn a_list_is_not_an_object_at_any_depth() {
        assert!(refusal::<NewPayment>("[1,100]").contains("invalid type: sequence, expected struct NewPayment"));
        refusal::<LinkConditions>("[0,0,0]");
        refusal::<PaymentReport>(r#"{"attempts":1,"payment":[1,1,5,"captured"]}"#);
        refusal::<Vec<NewPayment>>("[[1,100]]");
        refusal::<Option<NewPayment>>("[1,100]");
        refusal::<Stepped<crate::Payment>>(r#"[{"id":1}]"#);
        assert!(from_value::<NewPayment>(serde_json::json!([1, 100])).is_err());
    }

    #[test]
    fn a_name_is_a_text() {
        for name in [
            r#"{"black-hole":null}"#,
            "1",
            r#"["black-hole"]"#,
            r#"{"black-hole":null,"open":null}"#,
            "null",
        ] {
            refusal::<Passage>(name);
            refusal::<LinkConditions>(&format!(r#"{{"passage":{name}}}"#));
        }
        assert!(from_value::<Passage>(serde_json::json!({"open": null})).is_err());
    }

    #[test]
    fn a_member_is_there_once_whether_it_is_known_or_not() {
        refusal::<NewPayment>(r#"{"order_id":1,"amount_cents":1,"amount_cents":2}"#);
        refusal::<Value>(r#"{"a":[{"b":1,"b":2}]}"#);
        refusal::<Order>(
            r#"{"id":1,"user_id":1,"product_id":1,"quantity":1,"amount_cents":1,"reservation_id":1,
                "status":"paid","more":1,"more":2}"#,
        );
    }

    #[test]
    fn enums_with_data_are_read_as_serde_writes_them() {
        #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
        enum Shape {
            Point,
            Circle(u32),
            Line(u32, u32),
            Box { width: u32, payment: Option<Passage> },
        }
        let width = 1;
        let payment = Some(Passage::Open);
        for shape in [
            Shape::Point,
            Shape::Circle(1),
            Shape::Line(1, 2),
            Shape::Box { width, payment },
        ] {
            let text = serde_json::to_string(&shape).unwrap();
            assert_eq!(from_str::<Shape>(&text).unwrap(), shape);
            assert_eq!(
                from_value::<Shape>(serde_json::to_value(&shape).unwrap()).unwrap(),
                shape
            );
        }
        for text in [
            r#"{"Point":null}"#,
            r#"{"Circle":1,"Point":null}"#,
            r#""Circle""#,
            r#"{"Box":[1,null]}"#,
            r#"{"Box":{"width":1,"width":1}}"#,
            "{}",
        ] {
            refusal::<Shape>(text);
        }
    }

    #[test]
    fn what_is_not_json_is_told_apart() {
        for text in ["", "{", "[1,100", r#"{"order_id":1}x"#, "\u{feff}{}", "nul"] {
            assert!(!from_str::<NewPayment>(text).unwrap_err().is_data(), "{text}");
        }
        let deep = "[".repeat(10_000);
        assert!(from_str::<Value>(&deep).is_err());
    }
}
