//! Predictions: what a learner expected, what it was, and how far off that is.

use serde::{Deserialize, Serialize};

use crate::doubt;
use crate::expression::{Expression, Scope};
use crate::guess::Guess;
use crate::plan::{Asked, Plan};
use crate::state::RunState;
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
    let (said, was, right) = match (&predict.asked, guess) {
        (Asked::Number { value, unit, .. }, Guess::Number(number)) => {
            let was = known(value).and_then(|value| value.number(scope).ok());
            let right = was.is_some_and(|was| near(number, was));
            (
                in_unit(number, *unit),
                was.map(|was| (in_unit(was, *unit), times_off(number, was))),
                right,
            )
        }
        (Asked::Choices(choices), Guess::Choice(chosen)) => {
            let conditions: Option<Vec<Expression>> = choices.iter().map(|choice| known(&choice.when)).collect();
            let was = conditions.and_then(|all| all.iter().position(|condition| holds(condition, scope)));
            let label = |index: usize| {
                choices
                    .get(index)
                    .map(|choice| choice.label.clone())
                    .unwrap_or_default()
            };
            (label(chosen), was.map(|was| (label(was), None)), was == Some(chosen))
        }
        // A recording whose plan was edited by hand.
        _ => return None,
    };
    Some(Guessed {
        question: predict.question.clone(),
        sentence: sentence(&said, was.as_ref(), right),
        guess: said,
        was: was.map(|(was, _)| was),
        right,
    })
}

/// A guess in words; none where it does not fit the question.
pub fn said(plan: &Plan, guess: Guess) -> Option<String> {
    match (&plan.predict.as_ref()?.asked, guess) {
        (Asked::Number { unit, .. }, Guess::Number(number)) => Some(in_unit(number, *unit)),
        (Asked::Choices(choices), Guess::Choice(chosen)) => Some(choices.get(chosen)?.label.clone()),
        _ => None,
    }
}

fn holds(condition: &Expression, scope: &Scope) -> bool {
    condition.number(scope).is_ok_and(|truth| truth != 0.0)
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
