//! `lab learner`: what one tends to believe wrongly.

use scenarios::catalog;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::learner::{Belief, Learner, in_words};
use crate::text::{right_aligned, table, wrapped};
use crate::{home, output};

/// Shows the misconceptions that were chosen, how often, and which lessons meet them.
///
/// # Errors
/// When the learner's file cannot be read.
pub fn run(as_json: bool) -> Result<Exit, Failure> {
    let (learner, warning) = Learner::read(&home::state_folder()?)?;
    if let Some(warning) = warning {
        output::warn(&warning);
    }
    let beliefs = learner.sorted_beliefs();
    if as_json {
        output::json(
            &beliefs
                .iter()
                .map(|(name, belief)| entry(name, belief))
                .collect::<Vec<_>>(),
        )?;
        return Ok(Exit::Pass);
    }
    let guesses = learner
        .scenarios
        .values()
        .map(|progress| (progress.guesses, progress.guesses_right));
    let (made, right) = guesses.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    outln!("{right} of {made} guesses right\n");
    if beliefs.is_empty() {
        outln!(
            "{}",
            wrapped(
                "None of your guesses has shown a misconception yet. lab run NAME asks before it starts.",
                0
            )
        );
        return Ok(Exit::Pass);
    }
    let mut table = table(&[
        "you tend to believe",
        "times",
        "last",
        "since then",
        "lessons that meet it",
    ]);
    for (name, belief) in beliefs {
        table.add_row(vec![
            in_words(name).to_owned(),
            belief.times.to_string(),
            belief.last.get(..10).unwrap_or(&belief.last).to_owned(),
            if belief.overcome { "answered correctly" } else { "–" }.to_owned(),
            catalog::that_meet(name).join(", "),
        ]);
    }
    right_aligned(&mut table, [1]);
    outln!("{table}\n");
    outln!("lab explain NAME   the lesson");
    outln!("lab run NAME       guess again");
    Ok(Exit::Pass)
}

fn entry(name: &str, belief: &Belief) -> serde_json::Value {
    json!({
        "misconception": name,
        "sentence": in_words(name),
        "times": belief.times,
        "last": belief.last,
        "last_run": belief.last_run,
        "last_scenario": belief.scenario,
        "overcome": belief.overcome,
        "lessons": catalog::that_meet(name),
    })
}
