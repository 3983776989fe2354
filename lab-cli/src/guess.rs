//! Asks the learner what will happen, before it does.

use std::io::{self, BufRead, IsTerminal, Write};

use console::style;
use scenarios::guess::Guess;
use scenarios::plan::{Asked, PredictSpec};
use scenarios::unit::{Unit, in_unit};

use crate::output::Talk;
use crate::text::{markdown, wrapped};

/// How often an answer that makes no sense is asked for again.
const TRIES_MAX: usize = 5;

/// Whether somebody is there to be asked.
pub fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal; none when the learner skips the question. The lesson's idea follows a guess, and comes before it
/// where the learner asks for it.
///
/// # Errors
/// When the terminal cannot be read or written.
pub fn ask(predict: &PredictSpec, idea: &str) -> io::Result<Option<Guess>> {
    ask_on(&mut io::stdin().lock(), &mut Talk, predict, idea)
}

fn ask_on(
    input: &mut impl BufRead,
    out: &mut impl Write,
    predict: &PredictSpec,
    idea: &str,
) -> io::Result<Option<Guess>> {
    writeln!(
        out,
        "{}
{}",
        style("Your guess").bold(),
        wrapped(&predict.question, 0)
    )?;
    if let Asked::Choices(choices) = &predict.asked {
        for (index, choice) in choices.iter().enumerate() {
            writeln!(out, "{}", wrapped(&format!("{} {}", index + 1, choice.label), 2))?;
        }
    }
    let mut idea = Some(idea);
    for _ in 0..TRIES_MAX {
        write!(out, "{} ", prompt(&predict.asked))?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 || line.trim().is_empty() {
            writeln!(out)?;
            return Ok(None);
        }
        if ["i", "idea"].contains(&line.trim()) {
            tell(out, idea.take())?;
            continue;
        }
        match parse(line.trim(), &predict.asked) {
            Ok(guess) => {
                writeln!(out)?;
                tell(out, idea)?;
                return Ok(Some(guess));
            }
            Err(why) => writeln!(out, "{}", wrapped(&why, 2))?,
        }
    }
    Ok(None)
}

/// The idea, unless it was told before.
fn tell(out: &mut impl Write, idea: Option<&str>) -> io::Result<()> {
    match idea {
        Some(idea) => writeln!(out, "{}\n{}", style("The idea").bold(), markdown(idea, 2)),
        None => Ok(()),
    }
}

fn prompt(asked: &Asked) -> String {
    let range = match asked {
        Asked::Number { min, max, unit, .. } => format!("{} to {}", in_unit(*min, *unit), in_unit(*max, *unit)),
        Asked::Choices(choices) => format!("1 to {}", choices.len()),
    };
    format!("{range} (Enter skips, i shows the idea):")
}

/// Understands an answer: a number (shares in percent), or the number of a choice.
///
/// # Errors
/// What would be understood.
pub fn parse(answer: &str, asked: &Asked) -> Result<Guess, String> {
    let bare = answer
        .trim()
        .trim_end_matches(['%', '×', 'x'])
        .trim_end_matches("ms")
        .trim();
    let number: f64 = bare
        .replace(',', "")
        .parse()
        .map_err(|_| format!("`{answer}` is not a number"))?;
    match asked {
        Asked::Number { min, max, unit, .. } => {
            let number = if *unit == Unit::Share { number / 100.0 } else { number };
            if (*min..=*max).contains(&number) {
                Ok(Guess::Number(number))
            } else {
                let (min, max) = (in_unit(*min, *unit), in_unit(*max, *unit));
                Err(format!("{} is not between {min} and {max}", in_unit(number, *unit)))
            }
        }
        Asked::Choices(choices) if number.fract() == 0.0 && number >= 1.0 && number <= choices.len() as f64 => {
            Ok(Guess::Choice(number as usize - 1))
        }
        Asked::Choices(choices) => Err(format!("choose 1 to {}", choices.len())),
    }
}

#[cfg(test)]
mod tests {
    use scenarios::plan::ChoiceSpec;

    use super::*;

    fn share() -> Asked {
        Asked::Number {
            value: "x".to_owned(),
            min: 0.0,
            max: 1.0,
            unit: Unit::Share,
        }
    }

    fn choices() -> Asked {
        let choice = |label: &str| ChoiceSpec {
            label: label.to_owned(),
            when: "true".to_owned(),
            misconception: None,
            answer: None,
        };
        Asked::Choices(vec![choice("nobody"), choice("all")])
    }

    #[test]
    fn shares_are_said_in_percent_and_choices_by_their_number() {
        assert_eq!(parse("30 %", &share()), Ok(Guess::Number(0.3)));
        assert_eq!(parse("30", &share()), Ok(Guess::Number(0.3)));
        assert!(parse("130", &share()).unwrap_err().contains("between 0 % and 100 %"));
        assert_eq!(parse("2", &choices()), Ok(Guess::Choice(1)));
        for wrong in ["0", "3", "1.5", "-1"] {
            assert!(parse(wrong, &choices()).is_err(), "{wrong}");
        }
        assert!(parse("many", &share()).unwrap_err().contains("not a number"));
    }

    #[test]
    fn a_wrong_answer_is_asked_again_and_enter_skips() {
        let predict = |asked| PredictSpec {
            question: "Who waits?".to_owned(),
            asked,
        };
        let said = |input: &str, asked| {
            let mut out = Vec::new();
            let guess = ask_on(&mut input.as_bytes(), &mut out, &predict(asked), "Queues grow.").unwrap();
            (guess, String::from_utf8(out).unwrap())
        };
        let (guess, text) = said("all\n2\n", choices());
        assert_eq!(guess, Some(Guess::Choice(1)));
        assert!(
            text.contains("Who waits?") && text.contains("2 all") && text.contains("not a number"),
            "{text}"
        );
        let (guess, text) = said("\n", choices());
        assert!(guess.is_none() && !text.contains("Queues grow"), "{text}");
        for asked_for in ["i\n2\n", "idea\nidea\n2\n", "2\n"] {
            let (guess, text) = said(asked_for, choices());
            assert_eq!(
                (guess, text.matches("Queues grow.").count()),
                (Some(Guess::Choice(1)), 1)
            );
        }
        assert_eq!(said("", share()).0, None);
        assert_eq!(said(&"x\n".repeat(99), share()).0, None);
    }
}
