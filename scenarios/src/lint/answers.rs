//! The answers to the choices of the question: each can be said with the figures of this run, and is short.

use crate::expression::Scope;
use crate::format::{Document, Place, Problem};
use crate::prediction;

/// The most sentences in which a choice is answered.
const SENTENCES_MAX: usize = 3;

/// What is wrong with the answers after a run of the arms that its plan keeps.
pub(super) fn problems(document: &Document, scope: &Scope) -> Vec<Problem> {
    let choices = document.predict.iter().flat_map(|predict| &predict.choices);
    let answers = choices.filter_map(|choice| choice.answer.as_ref());
    answers.filter_map(|answer| problem(answer, scope)).collect()
}

fn problem(answer: &Place, scope: &Scope) -> Option<Problem> {
    let said = match prediction::answered(answer.as_str(), scope) {
        Ok(said) => said,
        Err(why) => return Some(Problem::at(answer.span(), format!("the answer: {why}"))),
    };
    let sentences = sentences(&said);
    if sentences == 0 {
        return Some(Problem::at(answer.span(), "the answer says nothing").hint("write a sentence"));
    }
    (sentences > SENTENCES_MAX).then(|| {
        Problem::at(answer.span(), format!("the answer has {sentences} sentences"))
            .hint(format!("say it in {SENTENCES_MAX}"))
    })
}

/// How many words end with a full stop, a question mark or an exclamation mark.
fn sentences(text: &str) -> usize {
    text.split_ascii_whitespace()
        .filter(|word| word.ends_with(['.', '?', '!']))
        .count()
}

#[cfg(test)]
mod tests {
    use crate::catalog;
    use crate::format::Source;
    use crate::lint;
    use crate::scenario::Scenario;

    /// `cpu-blocking` with other choices in the place of its own.
    fn with_choices(choices: &str) -> Source {
        let mut source: Source = catalog::source("cpu-blocking").unwrap();
        let (before, rest) = source.scenario.split_once("[[predict.choice]]").unwrap();
        let (_, after) = rest.split_once("\n[run]\n").unwrap();
        source.scenario = format!("{before}{choices}\n[run]\n{after}");
        source
    }

    /// What is said of a scenario.
    fn said_of(source: Source) -> String {
        let checked = Scenario::parse(source).and_then(|scenario| lint::check(&scenario));
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn wrong(label: &str, misconception: &str, answer: &str) -> String {
        format!(
            "[[predict.choice]]\nlabel = \"{label}\"\nwhen = \"one.bystander.burn.max < 0.0\"\n\
             misconception = \"{misconception}\"\nanswer = \"{answer}\"\n"
        )
    }

    const RIGHT: &str = "[[predict.choice]]\nlabel = \"all\"\nwhen = \"one.bystander.burn.max >= 0.0\"\n";

    #[test]
    fn choices_that_are_answered_are_sound() {
        let some = wrong(
            "some",
            "races-are-rare",
            "They waited {{ one.bystander.burn.max | ms }}. So it is.",
        );
        let none = wrong("none", "a-hash-fixes-the-place", "No. Why? They waited!");
        assert_eq!(said_of(with_choices(&[some.as_str(), &none, RIGHT].concat())), "");
    }

    #[test]
    fn an_answer_does_without_what_a_quick_run_leaves_out() {
        let spoken = "{{ offloaded.bystander.burn.max | ms }} instead of {{ one.bystander.burn.max | ms }}.";
        let guarded = format!("It was{{% if offloaded.bystander.burn.max is not none %}} {spoken}{{% endif %}}.");
        let without_offloaded = |answer: &str| {
            let some = wrong("some", "races-are-rare", answer);
            let none = wrong("none", "a-hash-fixes-the-place", "No.");
            let mut source = with_choices(&[some.as_str(), &none, RIGHT].concat());
            let arm = "name = \"offloaded\"\n";
            assert!(source.scenario.contains(arm));
            source.scenario = source.scenario.replace(arm, &format!("{arm}quick = false\n"));
            said_of(source)
        };
        assert_eq!(without_offloaded(&guarded), "");
        let said = without_offloaded(spoken);
        assert!(said.contains("it speaks of what this run does not measure"), "{said}");
    }

    #[test]
    fn every_mistake_in_the_choices_is_found_with_its_place() {
        let some = wrong("some", "races-are-rare", "No.");
        let none = wrong("none", "a-hash-fixes-the-place", "No.");
        let with = |change: &dyn Fn(&str) -> String| [change(&some).as_str(), &none, RIGHT].concat();
        let mistakes = [
            ([some.as_str(), RIGHT].concat(), "the question has 2 choices"),
            (
                ["a", "b", "c", "d"]
                    .map(|label| wrong(label, "races-are-rare", "No."))
                    .concat()
                    + &none
                    + RIGHT,
                "the question has 6 choices",
            ),
            (
                with(&|some| some.replace("races-are-rare", "races-are-rear")),
                "did you mean `races-are-rare`?",
            ),
            (
                with(&|some| some.replace("misconception = \"races-are-rare\"\n", "")),
                "names no misconception",
            ),
            (
                with(&|some| some.replace("answer = \"No.\"\n", "")),
                "nobody answers who chooses \"some\"",
            ),
            (
                with(&|some| some.replace("races-are-rare", "a-hash-fixes-the-place")),
                "two choices with the misconception `a-hash-fixes-the-place`",
            ),
            (
                with(&|some| some.replace("\"some\"", "\"none\"")),
                "there are two choices `none`",
            ),
            (
                with(&|some| some.replace("No.", "No. It. Is. Not.")),
                "the answer has 4 sentences",
            ),
            (with(&|some| some.replace("No.", "no")), "the answer says nothing"),
            (
                with(&|some| some.replace("No.", "{{ one.bystander.brun.max | ms }}.")),
                "the answer: ",
            ),
            (with(&|some| some.replace("max < 0.0", "max <")), "scenario.toml:"),
            (
                [&some, &none, &wrong("all", "lists-update-themselves", "No.")]
                    .map(String::as_str)
                    .concat(),
                "every choice is a misconception",
            ),
        ];
        for (choices, expected) in mistakes {
            let said = said_of(with_choices(&choices));
            assert!(said.contains(expected), "expected `{expected}`, said: {said}");
            let place = said.split(':').skip(1).take(2);
            assert!(
                place.map(str::parse::<usize>).all(|number| number.is_ok()),
                "no place in {said}"
            );
        }
    }
}
