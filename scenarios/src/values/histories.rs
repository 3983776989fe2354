//! The figures of clients' operations, and of the laws that their histories were held to.

use history::{Operation, Outcome, StepKind, Verdict};
use serde_json::{Value, json};

use super::counted;
use super::figures::latency_figures;
use crate::plan::LawSpec;
use crate::state::ArmState;

/// Operations of one class over all rounds: how many ended how, how long those took that succeeded, what services told
/// of their steps, and the numbers in these fields of their answers.
pub(super) fn class_value(class: &str, fields: &[String], arm: &ArmState) -> Value {
    let operations = arm.operations_of(class);
    let mut map = latency_figures(&operations.latency);
    let counts = [
        ("operations", operations.all.len()),
        ("ok", operations.ok),
        ("failed", operations.failed),
        ("unknown", operations.unknown),
    ];
    let any = !operations.all.is_empty();
    map.extend(counts.map(|(name, count)| (name.to_owned(), counted(any, count))));
    map.insert("at_rest".to_owned(), at_rest(class, arm));
    map.insert("steps".to_owned(), steps(&operations.all));
    map.insert("output".to_owned(), outputs(fields, &operations.all));
    Value::Object(map)
}

/// What was read at rest, over all keys and rounds.
fn at_rest(class: &str, arm: &ArmState) -> Value {
    let values: Vec<f64> = arm
        .rounds
        .iter()
        .filter_map(|round| round.at_rest.get(class))
        .flat_map(|keys| keys.values().copied())
        .collect();
    json!({
        "keys": counted(!values.is_empty(), values.len()),
        "sum": (!values.is_empty()).then(|| values.iter().sum::<f64>()),
        "min": values.iter().copied().reduce(f64::min),
        "max": values.iter().copied().reduce(f64::max),
    })
}

/// What services told of their steps: how many of each kind.
fn steps(operations: &[&Operation]) -> Value {
    let count = |what: StepKind| {
        let steps = operations.iter().flat_map(|operation| &operation.steps);
        counted(!operations.is_empty(), steps.filter(|step| step.what == what).count())
    };
    Value::Object(
        StepKind::ALL
            .into_iter()
            .map(|(what, name)| (name.to_owned(), count(what)))
            .collect(),
    )
}

/// The numbers in answers: of each field that is a number or a list of them, its distribution over all operations.
fn outputs(fields: &[String], operations: &[&Operation]) -> Value {
    let numbers = |field: &String| {
        let answers = operations.iter().filter(|operation| operation.outcome == Outcome::Ok);
        let values = answers.filter_map(|operation| operation.output.get(field));
        values.flat_map(numbers_of).collect::<Vec<f64>>()
    };
    Value::Object(
        fields
            .iter()
            .map(|field| (field.clone(), distribution(numbers(field))))
            .collect(),
    )
}

fn numbers_of(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

fn distribution(mut numbers: Vec<f64>) -> Value {
    numbers.sort_by(f64::total_cmp);
    // The smallest number that at least this share of all numbers does not exceed.
    let quantile = |q: f64| {
        let rank = (q * numbers.len() as f64).ceil() as usize;
        numbers.get(rank.saturating_sub(1)).copied()
    };
    let mean = (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64);
    json!({
        "n": counted(!numbers.is_empty(), numbers.len()),
        "mean": mean,
        "p50": quantile(0.5),
        "p90": quantile(0.9),
        "p99": quantile(0.99),
        "min": numbers.first(),
        "max": numbers.last(),
    })
}

/// How often a law was broken. Nothing is known of it unless every round was judged, on at least one operation, and no
/// judgement was left open.
pub(super) fn law_value(law: &LawSpec, arm: &ArmState) -> Value {
    let judged: Vec<_> = arm
        .rounds
        .iter()
        .filter_map(|round| round.judged.iter().find(|judged| judged.name == law.name))
        .map(|judged| &judged.judgement)
        .collect();
    let open = judged
        .iter()
        .any(|judgement| matches!(judgement.verdict, Verdict::Undecided(_)));
    // A law holds for nothing: where no operation was, nothing was shown.
    let empty = judged.iter().any(|judgement| judgement.checked == 0);
    if judged.is_empty() || judged.len() < arm.rounds.len() || open || empty {
        return json!({ "violations": null, "rounds_broken": null, "checked": null, "unknown": null });
    }
    let sum = |of: fn(&history::Judgement) -> u64| judged.iter().map(|judgement| of(judgement)).sum::<u64>() as f64;
    let broken = judged.iter().filter(|judgement| judgement.found > 0).count();
    json!({
        "violations": sum(|judgement| judgement.found),
        "rounds_broken": broken as f64,
        "checked": sum(|judgement| judgement.checked),
        "unknown": sum(|judgement| judgement.unknown),
    })
}

#[cfg(test)]
mod tests {
    use history::invariants::AnyInvariant;

    use super::*;
    use crate::event::Judged;
    use crate::state::RoundState;

    #[test]
    fn a_distribution_counts_by_rank_and_nothing_has_none() {
        let of = distribution(vec![3.0, 1.0, 2.0, 4.0]);
        assert_eq!(
            (&of["p50"], &of["p99"], &of["mean"]),
            (&json!(2.0), &json!(4.0), &json!(2.5))
        );
        let none = distribution(Vec::new());
        assert!(none["p50"].is_null() && none["mean"].is_null() && none["n"].is_null());
    }

    #[test]
    fn numbers_come_alone_or_in_lists_and_other_things_are_passed_over() {
        assert_eq!(numbers_of(&json!(2)), [2.0]);
        assert_eq!(numbers_of(&json!([1, "x", 2.5])), [1.0, 2.5]);
        assert!(numbers_of(&json!("x")).is_empty() && numbers_of(&json!({ "a": 1 })).is_empty());
    }

    fn round(verdict: Option<(Verdict, u64)>) -> RoundState {
        let judged = verdict.map(|(verdict, found)| Judged {
            name: "l".to_owned(),
            law: AnyInvariant::named("uniqueness").unwrap(),
            judgement: history::Judgement {
                checked: 4,
                unknown: 1,
                verdict,
                found,
                violations: Vec::new(),
            },
            diagram: None,
        });
        RoundState {
            judged: judged.into_iter().collect(),
            ..RoundState::default()
        }
    }

    #[test]
    fn a_law_is_unknown_until_every_round_was_judged() {
        let law = LawSpec {
            name: "l".to_owned(),
            law: AnyInvariant::named("uniqueness").unwrap(),
            of: "c".to_owned(),
            resource: "seat".to_owned(),
            initial: 0,
            quantity: 1,
        };
        let value = |rounds: Vec<RoundState>| law_value(&law, &ArmState { rounds });
        let broken = || round(Some((Verdict::Violated, 3)));
        let both = value(vec![broken(), round(Some((Verdict::Holds, 0)))]);
        assert_eq!(
            (&both["violations"], &both["rounds_broken"]),
            (&json!(3.0), &json!(1.0))
        );
        assert!(value(vec![broken(), round(None)])["violations"].is_null());
        let open = Verdict::Undecided("why".to_owned());
        assert!(value(vec![broken(), round(Some((open, 0)))])["violations"].is_null());
        assert!(value(Vec::new())["violations"].is_null());
        let mut empty = round(Some((Verdict::Holds, 0)));
        empty.judged[0].judgement.checked = 0;
        assert!(
            value(vec![broken(), empty])["violations"].is_null(),
            "a history without operations"
        );
    }
}
