//! `lab list` and `lab explain`: what there is to learn.

use std::ffi::OsStr;

use console::style;
use scenarios::plan::Options;
use scenarios::prediction::Guessed;
use scenarios::scenario::Scenario;
use scenarios::verdict::Verdict;
use scenarios::{catalog, lesson};
use serde_json::json;

use crate::catalogue::{open, planned};
use crate::failure::{Exit, Failure};
use crate::learner::Learner;
use crate::lengths::Lengths;
use crate::text::{markdown, right_aligned, table, wrapped};
use crate::{home, machine, needs, output};

/// Lists the scenarios of the catalogue.
///
/// # Errors
/// When what the learner has done cannot be read.
pub fn list(as_json: bool) -> Result<Exit, Failure> {
    let state_folder = home::state_folder()?;
    let (learner, warning) = Learner::read(&state_folder)?;
    let lengths = Lengths::read(&state_folder);
    if let Some(warning) = warning {
        output::warn(&warning);
    }
    let progress = |name: &str| learner.scenarios.get(name);
    let verdict = |name: &str| progress(name).and_then(|progress| progress.last_verdict);
    let guess = |name: &str| progress(name).and_then(|progress| progress.last_guess.as_ref());
    let mut scenarios: Vec<Scenario> = catalog::names().into_iter().map(open).collect::<Result<_, _>>()?;
    scenarios.sort_by(|a, b| (a.document.phase, a.name()).cmp(&(b.document.phase, b.name())));
    if as_json {
        let list: Vec<_> = scenarios
            .iter()
            .map(|scenario| {
                let [whole_s, quick_s] = [false, true].map(|quick| lengths.of_default_s(scenario, quick));
                json!({
                    "name": scenario.name(),
                    "phase": scenario.document.phase,
                    "title": scenario.document.title,
                    "question": scenario.document.question,
                    "needs": scenario.document.needs,
                    "minutes": rounded(whole_s / 60.0, 100.0),
                    "seconds": rounded(whole_s, 10.0),
                    "quick_seconds": rounded(quick_s, 10.0),
                    "last_verdict": verdict(scenario.name()),
                    "last_guess": guess(scenario.name()),
                })
            })
            .collect();
        output::json(&list)?;
        return Ok(Exit::Pass);
    }
    let mut table = table(&["phase", "name", "question", "needs", "length", "quick", "last"]);
    for scenario in &scenarios {
        let verdict = verdict(scenario.name()).map_or("–", Verdict::as_str);
        table.add_row(vec![
            scenario.document.phase.to_string(),
            scenario.name().to_owned(),
            scenario.document.question.clone(),
            needs::words(&scenario.document.needs),
            format!("{:.0} s", lengths.of_default_s(scenario, false)),
            format!("{:.0} s", lengths.of_default_s(scenario, true)),
            match guess(scenario.name()) {
                None => verdict.to_owned(),
                Some(Guessed { right: true, .. }) => format!("{verdict}, guessed right"),
                Some(_) => format!("{verdict}, guessed wrong"),
            },
        ]);
    }
    right_aligned(&mut table, [0, 4, 5]);
    outln!("{table}\n");
    outln!("lab explain NAME       the lesson");
    outln!("lab run NAME           run it, to a verdict");
    outln!("lab run NAME --quick   the same in a few seconds");
    Ok(Exit::Pass)
}

/// To so many parts of one.
fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

/// Shows the lesson of a scenario and its parameters.
///
/// # Errors
/// When there is no such scenario, or it is not sound.
pub fn explain(name: &OsStr) -> Result<Exit, Failure> {
    let scenario = open(name)?;
    let document = &scenario.document;
    outln!(
        "{} · phase {} · {}\n",
        style(scenario.name()).bold(),
        document.phase,
        document.title
    );
    outln!("{}\n", style(wrapped(&document.question, 0)).bold());
    for heading in lesson::HEADINGS
        .into_iter()
        .filter(|heading| !["What happened", "Why"].contains(heading))
    {
        outln!("{}", style(heading).bold());
        outln!("{}", markdown(scenario.lesson.section(heading), 2));
    }
    outln!("{}", style("Arms").bold());
    let options = Options {
        cores: machine::cores(),
        ..Options::default()
    };
    for arm in &planned(&scenario, &options)?.arms {
        outln!("  {:<18} {}", arm.name, arm.label);
    }
    outln!("\n{}", style("Parameters (lab run --set KEY=VALUE)").bold());
    let mut table = table(&["key", "default", "quick", "from", "to", "what"]);
    for (name, param) in &document.params {
        table.add_row(vec![
            name.clone(),
            format!("{} {}", param.default, param.unit),
            param.quick.map(|quick| quick.to_string()).unwrap_or_default(),
            param.min.to_string(),
            param.max.to_string(),
            param.help.clone(),
        ]);
    }
    right_aligned(&mut table, 1..=4);
    for (name, choice) in &document.choices {
        let default = choice.of.first().cloned().unwrap_or_default();
        let words = format!("{}: {}", choice.of.join(" or "), choice.help);
        table.add_row(vec![
            name.clone(),
            default,
            String::new(),
            String::new(),
            String::new(),
            words,
        ]);
    }
    outln!("{table}\n\nRun it: lab run {}", name.display());
    Ok(Exit::Pass)
}
