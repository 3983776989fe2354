//! What the formats say alike: the verdict in a sentence, and numbers as people read them.

use scenarios::plan::{ParamValue, Plan};
use scenarios::state::RunState;
use scenarios::unit::{Unit, in_unit};
use scenarios::verdict::{CheckOutcome, Verdict};

/// Shown where nothing was measured.
pub(super) const NOTHING: &str = "–";

/// The value of a parameter.
pub(super) fn param(value: &ParamValue) -> String {
    match value {
        ParamValue::Number(number) => self::number(*number),
        ParamValue::Word(word) => word.clone(),
    }
}

/// The arms that were not measured, in one line; empty where all were.
pub(super) fn left_out(plan: &Plan) -> String {
    let out = plan
        .left_out
        .iter()
        .map(|out| format!("{} ({})", out.arm.label, out.reason));
    out.collect::<Vec<_>>().join("; ")
}

/// A run's outcome for people.
pub struct Headline {
    /// One word in capitals.
    pub word: &'static str,
    /// `pass`, `fail` or `inconclusive`: what colours it.
    pub kind: &'static str,
    /// One sentence in plain words.
    pub sentence: String,
}

/// The outcome of a run.
pub fn headline(state: &RunState) -> Headline {
    let Some(ended) = &state.ended else {
        let sentence = if state.info.is_some() {
            "The run has no end: only what was measured before it broke off can be shown."
        } else {
            "Nothing was measured: the recording holds no begin of a run."
        };
        return Headline {
            word: "UNFINISHED",
            kind: "inconclusive",
            sentence: sentence.to_owned(),
        };
    };
    let decided = sentence(ended.verdict, &state.checks);
    let sentence = match (&ended.failure, ended.interrupted) {
        (Some(failure), _) => format!("The run could not go on: {}", sentence_end(failure)),
        (None, true) => format!("The run was interrupted by hand. {decided}"),
        (None, false) => decided,
    };
    let word = match ended.verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "INCONCLUSIVE",
    };
    Headline {
        word,
        kind: ended.verdict.as_str(),
        sentence,
    }
}

fn sentence(verdict: Verdict, checks: &[CheckOutcome]) -> String {
    let total = checks.len();
    let worst: Vec<&CheckOutcome> = checks.iter().filter(|check| check.verdict == verdict).collect();
    match (verdict, worst.first()) {
        (_, None) => "Nothing was decided.".to_owned(),
        (Verdict::Pass, Some(_)) if total == 1 => "The one check holds.".to_owned(),
        (Verdict::Pass, Some(_)) => format!("All {total} checks hold."),
        (Verdict::Fail, Some(first)) => format!(
            "{} of {total} checks {} not hold: \"{}\": expected {}, measured {}.",
            worst.len(),
            if worst.len() == 1 { "does" } else { "do" },
            first.name,
            first.expected,
            first.measured
        ),
        (Verdict::Inconclusive, Some(first)) => format!(
            "{} of {total} checks could not be decided: \"{}\": {}",
            worst.len(),
            first.name,
            sentence_end(&first.why)
        ),
    }
}

/// With a full stop, unless there already is an end.
fn sentence_end(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The mark before a check: readable without colour.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✗",
    }
}

/// A value with its unit, or a dash.
pub(super) fn shown(value: Option<f64>, unit: Unit) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| NOTHING.to_owned(), |value| in_unit(value, unit))
}

/// A latency.
pub(super) fn ms(value: Option<f64>) -> String {
    shown(value, Unit::Ms)
}

/// A count that may not have been measured.
pub(super) fn counted(value: Option<u64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), count)
}

/// A count with its thousands grouped.
pub(super) fn count(value: u64) -> String {
    in_unit(value as f64, Unit::Count)
}

/// Failed requests by kind: `3 timeout, 1 http_503`, or `0`; a dash where none was sent.
pub(super) fn errors(errors: Option<&std::collections::BTreeMap<String, u64>>) -> String {
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
pub(super) fn quantile(quantile: f64) -> String {
    let percent = format!("{:.3}", quantile * 100.0);
    format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// A value of a parameter: as short as it is exact.
pub(super) fn number(value: f64) -> String {
    format!("{value}")
}

/// A rate.
pub(super) fn per_s(value: Option<f64>) -> String {
    shown(
        value.map(|rate| if rate >= 100.0 { rate.round() } else { rate }),
        Unit::PerS,
    )
}

/// A share of a whole.
pub(super) fn share(value: f64) -> String {
    shown(Some(value), Unit::Share)
}

/// An amount of memory.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// The checks that the scenario itself states, without the lab's own (was the generator on time, …); all of them
/// where the plan names none.
pub(super) fn own_checks(state: &RunState) -> Vec<&CheckOutcome> {
    let planned = state
        .info
        .as_ref()
        .map(|info| info.plan.checks.as_slice())
        .unwrap_or_default();
    let own = |check: &&CheckOutcome| planned.iter().any(|planned| planned.name == check.name);
    if planned.is_empty() {
        state.checks.iter().collect()
    } else {
        state.checks.iter().filter(own).collect()
    }
}
