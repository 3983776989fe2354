//! Operations of clients, and the laws that their histories were held to, over all rounds of an arm.

use std::collections::BTreeMap;

use history::{Completion, InvariantVerdict, Judgement, Operation, StepKind};
use serde::Serialize;
use serde_json::Value;

use super::answers::counted;
use super::latencies::Latencies;
use crate::plan::InvariantSpec;
use crate::state::{OperationTotals, RoundState};

/// Operations of one class: how many ended how, how long those took that succeeded, what services told of their steps, and
/// the numbers in fields of their answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationsSummary {
    /// Name of the class.
    #[serde(skip)]
    pub class: String,
    /// From the invocation to the answer, of those that had their effect.
    #[serde(flatten)]
    pub latency: Latencies,
    /// How many there were.
    pub operations: Option<f64>,
    /// How many had their effect.
    pub ok: Option<f64>,
    /// How many certainly had none.
    pub failed: Option<f64>,
    /// Of how many nobody knows.
    pub unknown: Option<f64>,
    /// What was read when all was over.
    #[serde(rename = "at_rest")]
    pub quiescent: Quiescent,
    /// Steps that services told of, by their kind.
    pub steps: BTreeMap<&'static str, Option<f64>>,
    /// Numbers in answers, by their field.
    pub output: BTreeMap<String, Distribution>,
}

/// What was read at rest, over all keys and rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Quiescent {
    /// How many keys were read.
    pub keys: Option<f64>,
    /// The sum of what they held.
    pub sum: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// The distribution of some numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// How many.
    pub n: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// What came of holding histories to a law. Nothing is known of it unless every round was judged, on at least one operation,
/// and no judgement was left open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InvariantSummary<'a> {
    /// What was planned.
    #[serde(skip)]
    pub plan: &'a InvariantSpec,
    /// How often it was broken; none where that is not known.
    pub violations: Option<f64>,
    /// In how many rounds it was broken.
    pub rounds_broken: Option<f64>,
    /// Operations that were held to it.
    pub checked: Option<f64>,
    /// Operations among them of which nobody knows how they ended.
    pub unknown: Option<f64>,
    /// Violations that were seen, whether or not there may be more.
    #[serde(skip)]
    pub seen: u64,
    /// The first violation of each round, in words.
    #[serde(skip)]
    pub messages: Vec<String>,
}

impl OperationsSummary {
    /// The operations of a class whose answers hold these fields.
    pub fn of(class: &str, fields: &[String], rounds: &[RoundState]) -> Self {
        let totals = OperationTotals::of(class, rounds);
        let any = !totals.all.is_empty();
        let OperationTotals {
            all,
            ok,
            failed,
            unknown,
            latency,
        } = &totals;
        Self {
            class: class.to_owned(),
            latency: Latencies::of(latency),
            operations: counted(any, all.len()),
            ok: counted(any, *ok),
            failed: counted(any, *failed),
            unknown: counted(any, *unknown),
            quiescent: Quiescent::of(class, rounds),
            steps: steps(all),
            output: fields.iter().map(|field| (field.clone(), output(field, all))).collect(),
        }
    }
}

impl Quiescent {
    fn of(class: &str, rounds: &[RoundState]) -> Self {
        let values: Vec<f64> = rounds
            .iter()
            .filter_map(|round| round.quiescent.get(class))
            .flat_map(|keys| keys.values().copied())
            .collect();
        Self {
            keys: counted(!values.is_empty(), values.len()),
            sum: (!values.is_empty()).then(|| values.iter().sum::<f64>()),
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
        }
    }
}

/// What services told of their steps: how many of each kind.
fn steps(operations: &[&Operation]) -> BTreeMap<&'static str, Option<f64>> {
    let count = |what: StepKind| {
        let steps = operations.iter().flat_map(|operation| &operation.steps);
        counted(!operations.is_empty(), steps.filter(|step| step.what == what).count())
    };
    StepKind::ALL
        .into_iter()
        .map(|(what, name)| (name, count(what)))
        .collect()
}

/// A field of answers that is a number or a list of them: its distribution over all operations.
fn output(field: &str, operations: &[&Operation]) -> Distribution {
    let answers = operations
        .iter()
        .filter(|operation| operation.outcome == Completion::Ok);
    let values = answers.filter_map(|operation| operation.output.get(field));
    Distribution::of(values.flat_map(numbers_of).collect())
}

fn numbers_of(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

impl Distribution {
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let any = !numbers.is_empty();
        // The smallest number that at least this share of all numbers does not exceed.
        let quantile = |q: f64| {
            let rank = (q * numbers.len() as f64).ceil() as usize;
            numbers.get(rank.saturating_sub(1)).copied()
        };
        Self {
            n: counted(any, numbers.len()),
            mean: any.then(|| numbers.iter().sum::<f64>() / numbers.len() as f64),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            min: numbers.first().copied(),
            max: numbers.last().copied(),
        }
    }
}

impl<'a> InvariantSummary<'a> {
    /// What came of a law in these rounds.
    pub fn of(law: &'a InvariantSpec, rounds: &[RoundState]) -> Self {
        let judged: Vec<&Judgement> = rounds
            .iter()
            .filter_map(|round| round.judged.iter().find(|judged| judged.name == law.name))
            .map(|judged| &judged.judgement)
            .collect();
        let is_open = |judgement: &&&Judgement| matches!(judgement.verdict, InvariantVerdict::Undecided(_));
        // A law holds for nothing: where no operation was, nothing was shown.
        let is_empty = |judgement: &&&Judgement| judgement.checked == 0;
        let judged_all = !judged.is_empty() && judged.len() == rounds.len();
        let known = judged_all
            && !judged
                .iter()
                .any(|judgement| is_open(&judgement) || is_empty(&judgement));
        let sum = |of: fn(&Judgement) -> u64| judged.iter().map(|judgement| of(judgement)).sum::<u64>();
        let number = |count: u64| known.then_some(count as f64);
        let broken = judged.iter().filter(|judgement| judgement.found > 0).count();
        let first = |judgement: &&Judgement| judgement.violations.first().map(|violation| violation.message.clone());
        Self {
            plan: law,
            violations: number(sum(|judgement| judgement.found)),
            rounds_broken: number(broken as u64),
            checked: number(sum(|judgement| judgement.checked)),
            unknown: number(sum(|judgement| judgement.unknown)),
            seen: sum(|judgement| judgement.found),
            messages: judged.iter().filter_map(first).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use history::invariants::AnyInvariant;
    use serde_json::json;

    use super::*;
    use crate::event::Judged;

    #[test]
    fn a_distribution_counts_by_rank_and_nothing_has_none() {
        let of = Distribution::of(vec![3.0, 1.0, 2.0, 4.0]);
        assert_eq!((of.p50, of.p99, of.mean), (Some(2.0), Some(4.0), Some(2.5)));
        assert_eq!(Distribution::of(Vec::new()), Distribution::default());
    }

    #[test]
    fn numbers_come_alone_or_in_lists_and_other_things_are_passed_over() {
        assert_eq!(numbers_of(&json!(2)), [2.0]);
        assert_eq!(numbers_of(&json!([1, "x", 2.5])), [1.0, 2.5]);
        assert!(numbers_of(&json!("x")).is_empty() && numbers_of(&json!({ "a": 1 })).is_empty());
    }

    fn round(verdict: Option<(InvariantVerdict, u64)>) -> RoundState {
        let judged = verdict.map(|(verdict, found)| Judged {
            name: "l".to_owned(),
            invariant: AnyInvariant::named("uniqueness").unwrap(),
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
        let law = InvariantSpec {
            name: "l".to_owned(),
            invariant: AnyInvariant::named("uniqueness").unwrap(),
            of: "c".to_owned(),
            resource: "seat".to_owned(),
            initial: 0,
            quantity: 1,
        };
        let violations = |rounds: Vec<RoundState>| InvariantSummary::of(&law, &rounds).violations;
        let broken = || round(Some((InvariantVerdict::Violated, 3)));
        let rounds = vec![broken(), round(Some((InvariantVerdict::Holds, 0)))];
        let both = InvariantSummary::of(&law, &rounds);
        assert_eq!((both.violations, both.rounds_broken), (Some(3.0), Some(1.0)));
        assert_eq!(violations(vec![broken(), round(None)]), None);
        let open = InvariantVerdict::Undecided("why".to_owned());
        assert_eq!(violations(vec![broken(), round(Some((open, 0)))]), None);
        assert_eq!(violations(Vec::new()), None);
        let mut empty = round(Some((InvariantVerdict::Holds, 0)));
        empty.judged[0].judgement.checked = 0;
        assert_eq!(violations(vec![broken(), empty]), None, "a history without operations");
    }
}
