//! Kinds of values.

use std::time::Duration;

/// What stands behind the `=` of a setting.
pub(crate) trait Value: Sized {
    /// What to write, for whoever wrote something else.
    const EXPECTED: &'static str;

    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

impl Value for u32 {
    const EXPECTED: &'static str = "write a whole number from 0 to 4294967295";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for f64 {
    const EXPECTED: &'static str = "write a number that is not negative, such as 1.5";

    fn read(text: &str) -> Option<Self> {
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "write a time with its unit, such as 200ms, 10s or 2m, of a day at most";

    fn read(text: &str) -> Option<Self> {
        let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "us" => Duration::from_micros(1),
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            _ => return None,
        };
        let time = unit.checked_mul(number.parse().ok()?)?;
        (time <= Duration::from_secs(86_400)).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, time) in [
            ("250us", Duration::from_micros(250)),
            ("20ms", Duration::from_millis(20)),
            ("0s", Duration::ZERO),
            ("5m", Duration::from_secs(300)),
        ] {
            assert_eq!(Duration::read(text), Some(time), "{text}");
        }
        for wrong in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "10 s",
            "2h",
            "100000s",
            "99999999999s",
            "4294967295m",
        ] {
            assert_eq!(Duration::read(wrong), None, "{wrong}");
        }
        assert_eq!(f64::read("NaN").or(f64::read("inf")).or(f64::read("-1")), None);
    }
}
