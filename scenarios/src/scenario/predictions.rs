//! The choices of the question before the run: each wrong one is a misconception, and somebody answers it.

use std::collections::BTreeSet;

use crate::expression::Expression;
use crate::format::{Choice, Document, Place, Problem};
use crate::misconceptions;

/// How few choices are a question, and how many nobody reads.
const CHOICES: std::ops::RangeInclusive<usize> = 3..=5;

/// Problems of the choices, where there are any.
pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    let Some(predict) = document.predict.as_ref().filter(|predict| !predict.choices.is_empty()) else {
        return;
    };
    let choices = &predict.choices;
    if !CHOICES.contains(&choices.len()) {
        let message = format!("the question has {} choices", choices.len());
        problems.push(Problem::at(predict.question.span(), message).hint("give it three to five"));
    }
    expected(predict.question.span(), choices, problems);
    for choice in choices {
        if let Err(why) = Expression::compile(choice.when.as_str()) {
            problems.push(Problem::at(choice.when.span(), why));
        }
        if let Some(name) = &choice.misconception {
            known(name, problems);
            if choice.answer.is_none() {
                let message = format!("nobody answers who chooses \"{}\"", choice.label);
                problems.push(Problem::at(choice.label.span(), message).hint("give it an answer"));
            }
        }
    }
    twice(choices.iter().map(|choice| &choice.label), "choices", problems);
    let named = choices.iter().filter_map(|choice| choice.misconception.as_ref());
    twice(named, "choices with the misconception", problems);
}

/// One choice is what the lesson expects; each of the others says what it mistakes.
fn expected(question: std::ops::Range<usize>, choices: &[Choice], problems: &mut Vec<Problem>) {
    let mut without = choices.iter().filter(|choice| choice.misconception.is_none());
    if without.next().is_none() {
        problems.push(
            Problem::at(question, "every choice is a misconception")
                .hint("leave misconception out of the one that the lesson expects to be right"),
        );
    }
    for choice in without {
        problems.push(
            Problem::at(
                choice.label.span(),
                format!(
                    "\"{}\" names no misconception, and another choice is the right one",
                    choice.label
                ),
            )
            .hint("give it misconception = \"…\" and an answer"),
        );
    }
}

fn known(name: &Place, problems: &mut Vec<Problem>) {
    if misconceptions::sentence(name.as_str()).is_none() {
        problems.push(
            Problem::at(name.span(), format!("there is no misconception `{name}`"))
                .suggest(name.as_str(), misconceptions::names()),
        );
    }
}

fn twice<'a>(places: impl Iterator<Item = &'a Place>, what: &str, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for place in places {
        if !seen.insert(place.as_str()) {
            problems.push(Problem::at(place.span(), format!("there are two {what} `{place}`")));
        }
    }
}
