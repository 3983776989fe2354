//! Numbers as Redis reads and writes them.

/// The most characters that an integer of 64 bits has.
const INTEGER_CHARACTERS_MAX: usize = 20;
/// Digits by which a float is known exactly.
const DIGITS: i32 = 17;

/// A whole number in its one spelling: no sign `+`, no leading zeros, no spaces.
pub(crate) fn integer_of(text: &[u8]) -> Option<i64> {
    if text.len() > INTEGER_CHARACTERS_MAX {
        return None;
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_canonical = match digits {
        b"0" => digits.len() == text.len(),
        [first, ..] => *first != b'0' && digits.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    is_canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// A float, infinite ones included; what is not a number is none.
pub(crate) fn float_of(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// The shortest text from which the same float is read again, as Redis 7.2 and later write scores.
pub(crate) fn text_of_float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-5..1e17).contains(&size) {
        return format!("{number}");
    }
    with_signed_exponent(&format!("{number:e}"))
}

/// What `%.17g` of C writes, as Redis writes the numbers that a script passes to a command.
pub(crate) fn significant(number: f64) -> String {
    if !number.is_finite() {
        let text = if number.is_nan() { "nan" } else { "inf" };
        return if number.is_sign_negative() {
            format!("-{text}")
        } else {
            text.to_owned()
        };
    }
    let scientific = format!("{number:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let places = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return without_zeros(&format!("{number:.places$}")).to_owned();
    }
    with_signed_exponent(&format!("{}e{exponent}", without_zeros(mantissa)))
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// C writes a sign and at least two digits.
fn with_signed_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_one_spelling() {
        for (text, number) in [
            ("0", 0),
            ("-1", -1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer_of(text.as_bytes()), Some(number));
        }
        for text in ["", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "1.0", "a"] {
            assert_eq!(integer_of(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn floats_are_written_as_c_writes_them() {
        for (number, text) in [
            (3.0, "3"),
            (3.000_000_1, "3.0000000999999998"),
            (1.234_567_890_123_456_7e19, "1.2345678901234567e+19"),
            (0.000_01, "1.0000000000000001e-05"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(significant(number), text);
        }
        for (number, text) in [
            (3.1, "3.1"),
            (1e20, "1e+20"),
            (f64::NEG_INFINITY, "-inf"),
            (0.0, "0"),
            (1e-7, "1e-07"),
        ] {
            assert_eq!(text_of_float(number), text);
        }
    }
}
