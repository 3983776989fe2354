//! The report in Markdown, for a pull request or a wiki.

use std::fmt::Write;

use scenarios::state::RunState;
use scenarios::summary::{ArmSummary, RunSummary, all_classes};

use super::disturbances::sentences;
use super::escape::markdown as escape;
use super::format::FormatEntry;
use super::gaps::gaps;
use super::histories::Proof;
use super::simulated::simulations;
use super::{LessonText, Material, acted, histories, words};

/// Width of the pictures of violations, in characters.
const DIAGRAM_COLUMNS: usize = 100;

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "md",
    about: "Markdown, for a pull request or a wiki",
    file: "report.md",
    is_page: false,
    render: |material| Ok(render(material)),
};

/// The whole report.
pub(super) fn render(material: &Material<'_>) -> String {
    let summary = &material.summary;
    let (state, plan) = (summary.state, summary.plan());
    let mut text = String::new();
    let name = plan.map_or("A run of the laboratory", |plan| plan.scenario.as_str());
    let _ = writeln!(text, "# {}: {}\n", escape(name), summary.outcome.word());
    if let Some(plan) = plan {
        let _ = writeln!(text, "**{}**\n", escape(&plan.question));
    }
    let _ = writeln!(text, "{}\n", escape(&summary.sentence));
    if let Some(guess) = &summary.guess {
        let _ = writeln!(text, "{} {}\n", escape(&guess.question), escape(&guess.sentence));
        if let Some(answer) = &guess.answer {
            let _ = writeln!(text, "{}\n", escape(answer));
        }
    }
    side_by_side(&mut text, &summary.arms);
    acted(&mut text, state);
    histories(&mut text, summary);
    stories(&mut text, state);
    simulated(&mut text, state);
    if let Some(lesson) = &material.lesson {
        section(&mut text, "What happened", &lesson.happened);
        section(&mut text, "Why", &lesson.why);
    }
    checks(&mut text, summary);
    list(&mut text, "What disturbed the run", &sentences(state));
    list(&mut text, "What was not measured", &gaps(summary));
    list(&mut text, "Notes", &state.notes);
    list(&mut text, "Warnings", &state.warnings);
    if let Some(LessonText { next, sources, .. }) = &material.lesson {
        section(&mut text, "Try next", next);
        section(&mut text, "Sources", sources);
    }
    environment(&mut text, material);
    text
}

fn side_by_side(text: &mut String, arms: &[ArmSummary<'_>]) {
    let acted = arms
        .iter()
        .any(|arm| arm.rounds.iter().any(|round| !round.operations.is_empty()));
    let mut latencies = Vec::new();
    for name in all_classes(arms) {
        for arm in arms {
            let Some(class) = arm.class(&name) else { continue };
            let figures = &class.whole.figures;
            let [p50, p99, max] = [figures.response.p50, figures.response.p99, figures.response.max].map(words::ms);
            let (errors, rate) = (words::errors(class.errors.as_ref()), words::per_s(figures.rate_per_s));
            latencies.push(vec![name.clone(), arm.plan.label.clone(), p50, p99, max, errors, rate]);
        }
    }
    let rates = arms.iter().flat_map(|arm| {
        arm.searches.iter().map(|search| {
            let within = words::ms(Some(search.plan.within_ms));
            let objective = format!("{} within {within}", words::quantile(search.plan.quantile));
            vec![
                search.plan.class.clone(),
                arm.plan.label.clone(),
                objective,
                words::highest_rate(&search.found),
            ]
        })
    });
    let rates: Vec<Vec<String>> = rates.collect();
    let measured = !latencies.is_empty() || !rates.is_empty();
    if measured || !acted {
        text.push_str("## The arms side by side\n\n");
    }
    if !measured && !acted {
        text.push_str("No arm was measured.\n\n");
    }
    table(text, &["requests", "arm", "objective", "highest rate"], 3, &rates);
    table(
        text,
        &["requests", "arm", "p50", "p99", "max", "errors", "good answers"],
        2,
        &latencies,
    );
}

/// What was done to the systems.
fn acted(text: &mut String, state: &RunState) {
    let rows = acted::rows(state);
    if !rows.is_empty() {
        text.push_str("## What was done to the system\n\n");
    }
    table(text, &acted::HEADINGS, 3, &rows);
}

/// What the clients' histories show, with the first violation of each law as a picture in text.
fn histories(text: &mut String, summary: &RunSummary<'_>) {
    let rows: Vec<Vec<String>> = histories::rows(&summary.arms)
        .iter()
        .map(histories::Row::cells)
        .collect();
    if rows.is_empty() {
        return;
    }
    text.push_str("## What the histories show\n\n");
    table(text, &histories::HEADINGS, 2, &rows);
    for proof in histories::proofs(summary.state) {
        drawn(text, &proof);
    }
}

/// What happened to single orders, as pictures in text.
fn stories(text: &mut String, state: &RunState) {
    let stories = histories::stories(state);
    if !stories.is_empty() {
        text.push_str("## One order, step by step\n\n");
    }
    for story in &stories {
        drawn(text, story);
    }
}

fn drawn(text: &mut String, proof: &Proof<'_>) {
    let picture = proof.diagram.to_text(DIAGRAM_COLUMNS, false);
    let _ = writeln!(text, "### {}\n", escape(&proof.title));
    let _ = writeln!(text, "```text\n{}\n```\n", picture.trim_end().replace("```", ""));
}

/// What was simulated beside.
fn simulated(text: &mut String, state: &RunState) {
    for simulation in simulations(state) {
        let _ = writeln!(text, "## {}\n", escape(&simulation.title()));
        let head = simulation.head();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        table(text, &head, 1, &simulation.rows());
        let command = simulation.spec.command().map(|command| format!(" `{command}`"));
        let _ = writeln!(text, "{}{}\n", escape(&simulation.words()), command.unwrap_or_default());
    }
}

/// A table whose first columns hold words and the others numbers; an empty one is left out.
fn table(text: &mut String, head: &[&str], words: usize, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    text.push_str(&line(&mut head.iter().map(ToString::to_string)));
    let rule = |index| if index < words { "---" } else { "---:" };
    text.push_str(&line(&mut (0..head.len()).map(|index| rule(index).to_owned())));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(|cell| escape(cell))));
    }
    text.push('\n');
}

/// A section of the lesson, which is Markdown already.
fn section(text: &mut String, heading: &str, body: &str) {
    if !body.trim().is_empty() {
        let _ = writeln!(text, "## {heading}\n\n{}\n", body.trim());
    }
}

fn checks(text: &mut String, summary: &RunSummary<'_>) {
    text.push_str("## Checks\n\n");
    if summary.checks.is_empty() {
        text.push_str("No check was decided.\n\n");
    }
    let rows = summary.checks.iter().map(|check| {
        let verdict = format!("{} {}", words::mark(check.verdict), check.verdict.as_str());
        let name = if check.why.is_empty() {
            check.name.clone()
        } else {
            format!("{} ({})", check.name, check.why)
        };
        vec![verdict, name, check.expected.clone(), check.measured.clone()]
    });
    table(
        text,
        &["verdict", "check", "expected", "measured (95 % interval)"],
        4,
        &rows.collect::<Vec<_>>(),
    );
}

fn list(text: &mut String, heading: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {heading}\n");
    for entry in entries {
        let _ = writeln!(text, "- {}", escape(entry));
    }
    text.push('\n');
}

fn environment(text: &mut String, material: &Material<'_>) {
    let _ = writeln!(
        text,
        "## To repeat this run\n\n```sh\n{}\n```\n",
        material.command.replace("```", "")
    );
    let Some(info) = &material.summary.state.info else {
        return;
    };
    let params: Vec<String> = info
        .plan
        .params
        .iter()
        .map(|(name, value)| format!("{name}={}", words::param(value)))
        .collect();
    let lines = [
        ("Run", info.run.clone()),
        ("Began", info.started.clone()),
        (
            "Took",
            format!("{:.1} s", material.summary.state.elapsed_ms as f64 / 1000.0),
        ),
        ("Backend", info.backend.clone()),
        ("Machine", format!("{} cores, {}", info.machine.cores, info.machine.os)),
        ("lab", info.machine.lab.clone()),
        ("Seed", info.plan.seed.to_string()),
        (
            "Rounds",
            format!(
                "{}{}",
                info.plan.rounds,
                if info.plan.quick { " (quick run)" } else { "" }
            ),
        ),
        ("Parameters", params.join(", ")),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "- {name}: {}", escape(value));
    }
}
