//! Predictions: what a learner expected, what it was, and how far off that is.

use serde::{Deserialize, Serialize};

use crate::doubt;
use crate::expression::{Expression, Scope};
use crate::guess::Guess;
use crate::plan::{Asked, Plan};
use crate::state::RunState;
use crate::template;
use crate::unit::{Unit, in_unit};

/// A guess counts as right when it is no further off than this share of what it was.
const NEAR: f64 = 0.2;

/// What came of a guess.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guessed {
    /// What was asked.
    pub question: String,
    /// What was guessed, in words.
    pub guess: String,
    /// What it was, in words; none where the run did not find out.
    pub was: Option<String>,
    /// Whether the guess was right: the right choice, or a number within a fifth.
    pub right: bool,
    /// How far off, in one plain sentence.
    pub sentence: String,
    /// The name of the misconception behind the choice, where it turned out as the lesson expects instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misconception: Option<String>,
    /// What the learner who chose that is told, with this run's figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What came of the run's guess, from the figures that were measured; none where nothing was guessed.
pub fn outcome(plan: &Plan, state: &RunState, scope: &Scope) -> Option<Guessed> {
    let predict = plan.predict.as_ref()?;
    let guess = state.guess?;
    let doubts = doubt::doubts(plan, state);
    // What rests on an arm in doubt is not known.
    let known = |expression: &str| {
        let expression = Expression::compile(expression).ok()?;
        let sure = doubt::reason(&expression, plan, &doubts).is_none();
        sure.then_some(expression)
    };
    let (said, was, right, mistaken) = match (&predict.asked, guess) {
        (Asked::Number { value, unit, .. }, Guess::Number(number)) => {
            let was = known(value).and_then(|value| value.number(scope).ok());
            let right = was.is_some_and(|was| near(number, was));
            (
                in_unit(number, *unit),
                was.map(|was| (in_unit(was, *unit), times_off(number, was))),
                right,
                None,
            )
        }
        (Asked::Choices(choices), Guess::Choice(chosen)) => {
            let conditions: Option<Vec<Expression>> = choices.iter().map(|choice| known(&choice.when)).collect();
            let was = conditions.and_then(|all| first_that_holds(&all, scope));
            let label = |index: usize| {
                choices
                    .get(index)
                    .map(|choice| choice.label.clone())
                    .unwrap_or_default()
            };
            // What is said of a misconception holds where it turned out as the lesson expects.
            let as_expected = was.is_some_and(|was| choices[was].misconception.is_none());
            let mistaken = choices.get(chosen).filter(|_| as_expected && was != Some(chosen));
            (
                label(chosen),
                was.map(|was| (label(was), None)),
                was == Some(chosen),
                mistaken,
            )
        }
        // A recording whose plan was edited by hand.
        _ => return None,
    };
    // A label may be a sentence of its own.
    let quoted = |label: &str| format!("\"{label}\"");
    Some(Guessed {
        question: predict.question.clone(),
        sentence: match &predict.asked {
            Asked::Number { .. } => sentence(&said, was.as_ref(), right),
            Asked::Choices(_) => {
                let was = was.as_ref().map(|(was, off)| (quoted(was), *off));
                sentence(&quoted(&said), was.as_ref(), right)
            }
        },
        guess: said,
        was: was.map(|(was, _)| was),
        right,
        misconception: mistaken.and_then(|choice| choice.misconception.clone()),
        // What cannot be filled with this run's figures is left out; the verdict has its own words for what is missing.
        answer: mistaken
            .and_then(|choice| choice.answer.as_deref())
            .and_then(|answer| answered(answer, scope).ok()),
    })
}

/// The answer to a choice with a run's figures, as one paragraph.
///
/// # Errors
/// Why it cannot be said.
pub(crate) fn answered(template: &str, scope: &Scope) -> Result<String, String> {
    let answer = template::filled(template, scope).map_err(|wrong| wrong.message)?;
    if answer.contains(template::NOT_MEASURED) {
        return Err("it speaks of what this run does not measure".to_owned());
    }
    // Not at no-break spaces: they hold a unit to its number.
    Ok(answer.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// A guess in words; none where it does not fit the question.
pub fn said(plan: &Plan, guess: Guess) -> Option<String> {
    match (&plan.predict.as_ref()?.asked, guess) {
        (Asked::Number { unit, .. }, Guess::Number(number)) => Some(in_unit(number, *unit)),
        (Asked::Choices(choices), Guess::Choice(chosen)) => Some(choices.get(chosen)?.label.clone()),
        _ => None,
    }
}

/// The first condition that holds; none where one before it speaks of what was not measured, as that might have held.
fn first_that_holds(conditions: &[Expression], scope: &Scope) -> Option<usize> {
    for (index, condition) in conditions.iter().enumerate() {
        if condition.number(scope).ok()? != 0.0 {
            return Some(index);
        }
    }
    None
}

fn near(guess: f64, was: f64) -> bool {
    (guess - was).abs() <= NEAR * was.abs().max(f64::MIN_POSITIVE)
}

/// How many times as large the larger one is, where both are above nothing and they are far apart.
fn times_off(guess: f64, was: f64) -> Option<f64> {
    let (small, large) = (guess.min(was), guess.max(was));
    (small > 0.0 && large / small >= 1.5).then(|| large / small)
}

fn sentence(guess: &str, was: Option<&(String, Option<f64>)>, right: bool) -> String {
    match was {
        None => format!("You guessed {guess}; this run did not find out what it is."),
        Some((was, _)) if right => format!("You guessed {guess}, and it was {was}: right."),
        Some((was, Some(times))) => {
            let times = in_unit(*times, Unit::Count);
            format!("You guessed {guess}, and it was {was}: off by a factor of {times}.")
        }
        Some((was, None)) => format!("You guessed {guess}, and it was {was}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_within_a_fifth_is_right() {
        assert!(near(80.0, 100.0) && near(120.0, 100.0) && !near(79.0, 100.0));
        assert!(near(0.0, 0.0) && !near(0.1, 0.0));
    }

    #[test]
    fn what_was_not_measured_makes_no_later_choice_right() {
        let scope: Scope = serde_json::from_value(serde_json::json!({ "one": { "n": 3.0, "p99": null } })).unwrap();
        let conditions = |all: &[&str]| {
            all.iter()
                .map(|one| Expression::compile(one).unwrap())
                .collect::<Vec<_>>()
        };
        let first = |all: &[&str]| first_that_holds(&conditions(all), &scope);
        assert_eq!(first(&["one.n < 2.0", "one.n < 4.0", "true"]), Some(1));
        assert_eq!(first(&["one.p99 < 2.0", "true"]), None);
        assert_eq!(first(&["one.n < 2.0"]), None);
    }

    #[test]
    fn what_is_far_off_is_told_as_a_factor() {
        let far = ("10".to_owned(), times_off(2.0, 10.0));
        assert_eq!(
            sentence("2", Some(&far), false),
            "You guessed 2, and it was 10: off by a factor of 5."
        );
        let nothing = ("0".to_owned(), times_off(2.0, 0.0));
        assert_eq!(sentence("2", Some(&nothing), false), "You guessed 2, and it was 0.");
        assert_eq!(
            sentence("9", Some(&("10".to_owned(), None)), true),
            "You guessed 9, and it was 10: right."
        );
        assert!(sentence("9", None, false).contains("did not find out"));
    }
}
