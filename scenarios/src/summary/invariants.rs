//! The laws that histories of an arm were held to, over all its rounds.

use history::{InvariantVerdict, Judgement};
use serde::Serialize;

use crate::plan::InvariantSpec;
use crate::state::RoundState;

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
    /// For a law about how many there may be at once: how many there were.
    #[serde(flatten)]
    pub peak: Option<Peak>,
    /// Violations that were seen, whether or not there may be more.
    #[serde(skip)]
    pub seen: u64,
    /// The first violation of each round, in words.
    #[serde(skip)]
    pub messages: Vec<String>,
}

/// How many there were at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peak {
    /// The most that there certainly were in any round; none where that is not known.
    pub most: Option<f64>,
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
            peak: law.invariant.tells_most().then(|| {
                let most: Option<Vec<u64>> = judged.iter().map(|judgement| judgement.most).collect();
                Peak {
                    most: most.and_then(|most| number(most.into_iter().max()?)),
                }
            }),
            seen: sum(|judgement| judgement.found),
            messages: judged.iter().filter_map(first).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use history::invariants::{AnyInvariant, Numbers};
    use serde_json::{Value, json};

    use super::*;
    use crate::event::Judged;

    fn round(verdict: Option<(InvariantVerdict, u64)>) -> RoundState {
        let judged = verdict.map(|(verdict, found)| Judged {
            name: "l".to_owned(),
            invariant: AnyInvariant::named("uniqueness").unwrap(),
            judgement: history::Judgement {
                checked: 4,
                unknown: 1,
                verdict,
                most: None,
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
    fn the_most_of_all_rounds_is_told_of_a_law_about_how_many_there_may_be_and_of_no_other() {
        let law = |law| InvariantSpec {
            name: "l".to_owned(),
            invariant: AnyInvariant::named(law).unwrap(),
            of: "c".to_owned(),
            resource: "client".to_owned(),
            numbers: Numbers::new(),
        };
        let saw = |most| {
            let mut round = round(Some((InvariantVerdict::Holds, 0)));
            round.judged[0].judgement.most = most;
            round
        };
        let value =
            |law: &InvariantSpec, rounds: &[RoundState]| json!(InvariantSummary::of(law, rounds))["most"].clone();
        assert_eq!(
            value(&law("rate"), &[saw(Some(4)), saw(Some(5)), saw(Some(3))]),
            json!(5.0)
        );
        assert_eq!(value(&law("rate"), &[saw(Some(4)), round(None)]), Value::Null);
        let other = json!(InvariantSummary::of(&law("uniqueness"), &[saw(None)]));
        assert!(other.get("most").is_none(), "{other}");
    }

    #[test]
    fn a_law_is_unknown_until_every_round_was_judged() {
        let law = InvariantSpec {
            name: "l".to_owned(),
            invariant: AnyInvariant::named("uniqueness").unwrap(),
            of: "c".to_owned(),
            resource: "seat".to_owned(),
            numbers: Numbers::new(),
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
