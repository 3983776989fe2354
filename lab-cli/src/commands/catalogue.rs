//! `lab list` and `lab explain`: what there is to learn.

use std::collections::BTreeMap;
use std::path::Path;

use console::style;
use scenarios::format::{FormatError, Need, SCENARIO_FILE, Scenario, is_hidden, line_and_column};
use scenarios::plan::{Options, Plan};
use scenarios::prediction::Outcome;
use scenarios::{catalog, lesson};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::learner::Learner;
use crate::text::{markdown, right_aligned, table, wrapped};
use crate::{home, machine, output, recording};

/// Lists the scenarios of the catalogue.
///
/// # Errors
/// When the folder of recorded runs cannot be read.
pub fn list(as_json: bool) -> Result<Exit, Failure> {
    let verdicts = last_verdicts()?;
    let (learner, warning) = Learner::read(&home::state_folder()?)?;
    if let Some(warning) = warning {
        output::warn(&warning);
    }
    let guess = |name: &str| {
        learner
            .scenarios
            .get(name)
            .and_then(|progress| progress.last_guess.as_ref())
    };
    let mut scenarios: Vec<Scenario> = catalog::names().into_iter().map(open).collect::<Result<_, _>>()?;
    scenarios.sort_by(|a, b| (a.document.phase, a.name()).cmp(&(b.document.phase, b.name())));
    if as_json {
        let list: Vec<_> = scenarios
            .iter()
            .map(|scenario| {
                json!({
                    "name": scenario.name(),
                    "phase": scenario.document.phase,
                    "title": scenario.document.title,
                    "question": scenario.document.question,
                    "needs": scenario.document.needs,
                    "minutes": minutes(scenario),
                    "last_verdict": verdicts.get(scenario.name()),
                    "last_guess": guess(scenario.name()),
                })
            })
            .collect();
        output::json(&list)?;
        return Ok(Exit::Pass);
    }
    let mut table = table(&["phase", "name", "question", "needs", "length", "last"]);
    for scenario in &scenarios {
        let verdict = verdicts.get(scenario.name()).map_or("–", String::as_str);
        table.add_row(vec![
            scenario.document.phase.to_string(),
            scenario.name().to_owned(),
            scenario.document.question.clone(),
            needs(&scenario.document.needs),
            format!("{:.0} s", minutes(scenario) * 60.0),
            match guess(scenario.name()) {
                None => verdict.to_owned(),
                Some(Outcome { right: true, .. }) => format!("{verdict}, guessed right"),
                Some(_) => format!("{verdict}, guessed wrong"),
            },
        ]);
    }
    right_aligned(&mut table, [0, 4]);
    outln!("{table}\n");
    outln!("lab explain NAME       the lesson");
    outln!("lab run NAME           run it, to a verdict");
    outln!("lab run NAME --quick   the same in a few seconds");
    Ok(Exit::Pass)
}

/// What a scenario needs, in words.
pub fn needs(needs: &[Need]) -> String {
    let names: Vec<&str> = needs
        .iter()
        .map(|need| match need {
            Need::Redis => "Redis",
            Need::Postgres => "PostgreSQL",
            Need::Kafka => "Kafka",
            Need::DurableKafka => "a real Kafka",
            Need::Docker => "Docker",
        })
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// Minutes of a default run on this machine, at most.
pub fn minutes(scenario: &Scenario) -> f64 {
    let options = Options {
        cores: machine::cores(),
        ..Options::default()
    };
    Plan::make(scenario, &options).map_or(0.0, |plan| (plan.expected_s() / 6.0).round() / 10.0)
}

/// The verdict of the newest run of each scenario.
fn last_verdicts() -> Result<BTreeMap<String, String>, Failure> {
    let mut verdicts = BTreeMap::new();
    for folder in recording::all(&home::state_folder()?)? {
        if let Some(summary) = super::recorded::Summary::read(&folder) {
            verdicts.entry(summary.scenario).or_insert(summary.verdict);
        }
    }
    Ok(verdicts)
}

/// Shows the lesson of a scenario and its parameters.
///
/// # Errors
/// When there is no such scenario, or it is not sound.
pub fn explain(name: &str) -> Result<Exit, Failure> {
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
    for arm in &plan(&scenario)?.arms {
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
    outln!("{table}\n\nRun it: lab run {name}");
    Ok(Exit::Pass)
}

fn plan(scenario: &Scenario) -> Result<Plan, Failure> {
    let options = Options {
        cores: machine::cores(),
        ..Options::default()
    };
    Plan::make(scenario, &options).map_err(|error| Failure::usage(error.to_string()))
}

/// A scenario by its name in the catalogue, or from a folder.
///
/// # Errors
/// When there is none, or it is not sound.
pub fn open(name: &str) -> Result<Scenario, Failure> {
    let path = Path::new(name);
    if name.contains(std::path::MAIN_SEPARATOR) || path.join(SCENARIO_FILE).is_file() {
        return from_folder(path);
    }
    let source = catalog::source(name).map_err(|hint| {
        Failure::usage(format!("there is no scenario `{name}`")).hint(format!("{hint}; lab list shows them"))
    })?;
    Scenario::parse(source).map_err(|error| in_its_place(&error))
}

/// A scenario from a folder.
///
/// # Errors
/// When it cannot be read, or is not sound.
pub fn from_folder(folder: &Path) -> Result<Scenario, Failure> {
    Scenario::read(folder).map_err(|error| match &error {
        FormatError::Unreadable(_) => Failure::usage(error.to_string())
            .hint("a scenario is a folder with scenario.toml and lesson.md; lab list shows the built-in ones"),
        FormatError::Invalid { .. } => in_its_place(&error),
    })
}

/// The problems of a file, each under the line that it is about.
pub fn in_its_place(error: &FormatError) -> Failure {
    let FormatError::Invalid { file, text, problems } = error else {
        return Failure::usage(error.to_string());
    };
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| {
            let mut out = String::new();
            match &problem.span {
                Some(span) => {
                    let (line, column) = line_and_column(text, span.start);
                    let source = text.lines().nth(line - 1).unwrap_or_default();
                    let source = source.replace(is_hidden, "\u{fffd}");
                    let width = span
                        .len()
                        .clamp(1, source.chars().count().saturating_sub(column - 1).max(1));
                    out.push_str(&format!("{file}:{line}:{column}: {}\n", problem.message));
                    out.push_str(&format!("{line:>5} | {source}\n"));
                    out.push_str(&format!("      | {}{}", " ".repeat(column - 1), "^".repeat(width)));
                }
                None => out.push_str(&format!("{file}: {}", problem.message)),
            }
            if let Some(hint) = &problem.hint {
                out.push_str(&format!("\n      = {hint}"));
            }
            out
        })
        .collect();
    Failure::usage(shown.join("\n\n"))
}
