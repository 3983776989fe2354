//! What came of a guess, in every format that tells it.

use scenarios::guess::Guess;
use scenarios::plan::{Asked, ChoiceSpec, PredictSpec};
use scenarios::state::RunState;
use scenarios::summary::RunSummary;

use super::fixture::{comparison, folded, material};
use super::{html, json, markdown, render};
use crate::display::plain;

fn choice(label: &str, when: &str, wrong: Option<(&str, &str)>) -> ChoiceSpec {
    ChoiceSpec {
        label: label.to_owned(),
        when: when.to_owned(),
        misconception: wrong.map(|(name, _)| name.to_owned()),
        answer: wrong.map(|(_, answer)| answer.to_owned()),
    }
}

/// A comparison before which somebody chose.
fn guessed(chosen: usize) -> RunState {
    let mut state = folded(&comparison());
    state.info.as_mut().unwrap().plan.predict = Some(PredictSpec {
        question: "Who still waits?".to_owned(),
        asked: Asked::Choices(vec![
            choice(
                "nobody: the others <take over>",
                "one.bystander.burn.max < 1.0",
                Some((
                    "instances-help-each-other",
                    "You expected the others to take over: they do,\nif somebody looks. Here one waited \
                     {{ one.bystander.burn.max | ms }}.",
                )),
            ),
            choice("some", "one.bystander.burn.max >= 1.0", None),
            choice(
                "all",
                "one.bystander.burn.max < 0.0",
                Some(("races-are-rare", "It is {{ not.there | ms }}.")),
            ),
        ]),
    });
    state.guess = Some(Guess::Choice(chosen));
    state
}

#[test]
fn who_chose_a_misconception_is_answered_with_the_figures_of_the_run() {
    let state = guessed(0);
    let material = material(&state);
    let markdown = render(&markdown::FORMAT, &material).unwrap();
    let html = render(&html::FORMAT, &material).unwrap();
    let json: serde_json::Value = serde_json::from_str(&render(&json::FORMAT, &material).unwrap()).unwrap();
    let plain = plain::report(&RunSummary::of(&state), None);
    let about = |text: &str| {
        let said = ["Who still waits?", "You guessed", "take over", "waited"];
        let lines = text.lines().filter(|line| said.iter().any(|said| line.contains(said)));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let json = serde_json::to_string_pretty(&json["guess"]).unwrap();
    let all = [about(&markdown), about(&html), about(&plain), json].join("\n");
    insta::assert_snapshot!("guess", all);
}

#[test]
fn a_right_choice_and_an_answer_that_cannot_be_said_are_not_answered() {
    let right = RunSummary::of(&guessed(1)).guess.clone().unwrap();
    assert_eq!((right.right, right.misconception, right.answer), (true, None, None));
    let wrong = RunSummary::of(&guessed(2)).guess.clone().unwrap();
    assert_eq!(wrong.misconception.as_deref(), Some("races-are-rare"));
    assert_eq!((wrong.right, wrong.answer), (false, None));
}
