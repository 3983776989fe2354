//! What the formats say alike: numbers as people read them, and dashes where nothing was measured.

use scenarios::plan::{LeftOut, ParamValue, Plan};
use scenarios::summary::Found;
use scenarios::unit::{Unit, in_unit};
use scenarios::verdict::Verdict;

/// Shown where nothing was measured.
pub const NOTHING: &str = "–";

/// The value of a parameter.
pub fn param(value: &ParamValue) -> String {
    match value {
        ParamValue::Number(number) => self::number(*number),
        ParamValue::Word(word) => word.clone(),
    }
}

/// The arms that were not measured, in one line; empty where all were.
pub fn left_out(plan: &Plan) -> String {
    plan.left_out.iter().map(LeftOut::words).collect::<Vec<_>>().join("; ")
}

/// The mark before a check: readable without colour.
pub fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✗",
    }
}

/// A value with its unit, or a dash.
pub fn shown(value: Option<f64>, unit: Unit) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| NOTHING.to_owned(), |value| in_unit(value, unit))
}

/// A latency.
pub fn ms(value: Option<f64>) -> String {
    shown(value, Unit::Ms)
}

/// A count that may not have been measured.
pub fn counted(value: Option<u64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), count)
}

/// A count with its thousands grouped.
pub fn count(value: u64) -> String {
    in_unit(value as f64, Unit::Count)
}

/// Failed requests by kind: `3 timeout, 1 http_503`, or `0`; a dash where none was sent.
pub fn errors(errors: Option<&std::collections::BTreeMap<String, u64>>) -> String {
    let Some(errors) = errors else {
        return NOTHING.to_owned();
    };
    let kinds: Vec<String> = errors
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(kind, number)| format!("{} {kind}", count(*number)))
        .collect();
    if kinds.is_empty() {
        "0".to_owned()
    } else {
        kinds.join(", ")
    }
}

/// A quantile as people name it: `p50`, `p99.9`.
pub fn quantile(quantile: f64) -> String {
    let percent = format!("{:.3}", quantile * 100.0);
    format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// A value of a parameter: as short as it is exact.
pub fn number(value: f64) -> String {
    format!("{value}")
}

/// A rate.
pub fn per_s(value: Option<f64>) -> String {
    shown(
        value.map(|rate| if rate >= 100.0 { rate.round() } else { rate }),
        Unit::PerS,
    )
}

/// The highest rate of a search, with the rates that were seen to hold and not to hold around it; only the end that is known
/// where the other is not.
pub fn highest_rate(found: &Found) -> String {
    let low = |rate: f64| in_unit(if rate >= 100.0 { rate.round() } else { rate }, Unit::Count);
    match (found.max_rate_per_s, found.within_per_s, found.beyond_per_s) {
        (Some(rate), Some(within), beyond @ Some(_)) => {
            format!("{} ({} to {})", per_s(Some(rate)), low(within), per_s(beyond))
        }
        (_, within @ Some(_), None) => format!("over {}", per_s(within)),
        (_, None, beyond @ Some(_)) => format!("under {}", per_s(beyond)),
        _ => NOTHING.to_owned(),
    }
}

/// A share of a whole.
pub fn share(value: f64) -> String {
    shown(Some(value), Unit::Share)
}

/// An amount of memory.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_highest_rate_is_told_with_its_bracket_and_an_open_one_by_the_end_that_is_known() {
        let found = |max_rate_per_s, within_per_s, beyond_per_s| Found {
            max_rate_per_s,
            within_per_s,
            beyond_per_s,
            bracketed: None,
        };
        for (found, said) in [
            (found(Some(174.9), Some(170.0), Some(180.0)), "175/s (170 to 180/s)"),
            (found(None, Some(510.0), None), "over 510/s"),
            (found(None, None, Some(50.0)), "under 50/s"),
            (found(None, None, None), NOTHING),
        ] {
            assert_eq!(highest_rate(&found), said);
        }
    }
}
