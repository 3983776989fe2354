//! Units of measured values, and numbers as people read them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Unit of a measured value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A bare number.
    #[default]
    Count,
    /// Milliseconds.
    Ms,
    /// A share of a whole, shown in percent.
    Share,
    /// Per second.
    PerS,
    /// How many times something else.
    Ratio,
}

/// A value with its unit: `2.9 s`, `31 %`, `1,402 /s`, `3.1×`.
pub fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => number(value),
        Unit::Ms => milliseconds(value),
        Unit::Share => format!("{} %", significant(value * 100.0)),
        Unit::PerS => format!("{}/s", number(value)),
        Unit::Ratio => format!("{}×", number(value)),
    }
}

/// A latency in the unit that reads best.
fn milliseconds(value: f64) -> String {
    if value.abs() >= 1000.0 {
        format!("{} s", significant(value / 1000.0))
    } else if value.abs() >= 1.0 || value == 0.0 {
        format!("{} ms", significant(value))
    } else {
        format!("{} µs", significant(value * 1000.0))
    }
}

/// Whole numbers as they are, others to three digits, thousands grouped.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        grouped(value.round())
    } else {
        significant(value)
    }
}

fn significant(value: f64) -> String {
    let magnitude = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    let decimals = (2 - magnitude).clamp(0, 3) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(in_unit(2917.0, Unit::Ms), "2.92 s");
        assert_eq!(in_unit(0.213, Unit::Ms), "213 µs");
        assert_eq!(in_unit(5.0, Unit::Ms), "5 ms");
        assert_eq!(in_unit(0.3149, Unit::Share), "31.5 %");
        assert_eq!(in_unit(1_402_345.0, Unit::PerS), "1,402,345/s");
        assert_eq!(in_unit(2.998, Unit::Ratio), "3×");
        assert_eq!(in_unit(600.4, Unit::Ratio), "600×");
        assert_eq!(in_unit(0.0, Unit::Count), "0");
        assert_eq!(in_unit(-1500.0, Unit::Count), "-1,500");
    }
}
