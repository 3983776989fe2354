//! The report in words, for stdout.

use std::fmt::Write;

use console::style;
use scenarios::plan::Plan;
use scenarios::state::RunState;
use scenarios::summary::{ArmSummary, Outcome, RunSummary};
use scenarios::verdict::{CheckOutcome, Verdict};

use crate::report::histories::Proof;
use crate::report::simulated::simulations;
use crate::report::{LessonText, histories, words};
use crate::text::{ascii, markdown, right_aligned, table, visible, width, wrapped};

/// Columns from which on the arms fit into a table.
const ROOM_FOR_TABLE: usize = 80;
/// Pictures of violations that are printed; the report has all.
const PROOFS_SHOWN: usize = 2;

/// The whole report: verdict, arms, checks, and what it means.
pub fn report(summary: &RunSummary<'_>, lesson: Option<&LessonText>) -> String {
    let mut out = String::new();
    let Some(plan) = summary.plan() else {
        return "Nothing was recorded.\n".to_owned();
    };
    let _ = writeln!(out, "{}", wrapped(&format!("{} · {}", plan.scenario, plan.question), 0));
    let _ = writeln!(out, "{}\n", wrapped(&headline(summary), 0));
    if let Some(guess) = &summary.guess {
        let _ = writeln!(
            out,
            "{}\n{}\n",
            wrapped(&guess.question, 0),
            wrapped(&guess.sentence, 2)
        );
        if let Some(answer) = &guess.answer {
            let _ = writeln!(out, "{}\n", wrapped(answer, 2));
        }
    }
    out.push_str(&tables(summary, ascii()));
    if !summary.checks.is_empty() {
        let _ = writeln!(out, "{}", checks(summary.checks));
    }
    if !summary.state.notes.is_empty() {
        let notes: String = summary
            .state
            .notes
            .iter()
            .map(|note| format!("{}\n", wrapped(&visible(note), 2)))
            .collect();
        let _ = writeln!(out, "{}\n{notes}", style("Notes").bold());
    }
    let sections = lesson.map(|lesson| {
        [
            ("What happened", &lesson.happened),
            ("Why", &lesson.why),
            ("Try next", &lesson.next),
        ]
    });
    for (heading, text) in sections.into_iter().flatten().filter(|(_, text)| !text.is_empty()) {
        let _ = writeln!(out, "{}\n{}", style(heading).bold(), markdown(text, 2));
    }
    out
}

/// The question, the verdict, and what came of the guess.
pub fn in_short(summary: &RunSummary<'_>) -> String {
    let Some(plan) = summary.plan() else {
        return "Nothing was recorded.".to_owned();
    };
    let question = wrapped(&format!("{} · {}", plan.scenario, plan.question), 0);
    let mut out = format!("{question}\n{}", wrapped(&headline(summary), 0));
    if let Some(guess) = &summary.guess {
        out.push_str(&format!("\n{}", wrapped(&guess.sentence, 0)));
    }
    out
}

/// The arms side by side, what the histories show, and the pictures of broken laws.
pub fn tables(summary: &RunSummary<'_>, ascii: bool) -> String {
    let state = summary.state;
    let histories = histories(summary, ascii) + &stories(state, ascii);
    let left_out = summary.plan().map(left_out).unwrap_or_default();
    let rows = rows(&summary.arms);
    if histories.is_empty() || !rows.is_empty() {
        format!("{}\n{left_out}\n{histories}{}", arms(summary, rows), simulated(state))
    } else {
        format!("{left_out}{histories}{}", simulated(state))
    }
}

/// What was simulated beside the measurement.
fn simulated(state: &RunState) -> String {
    let mut out = String::new();
    for simulation in simulations(state) {
        let head = simulation.head();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let _ = writeln!(out, "{}", style(wrapped(&simulation.title(), 0)).bold());
        let _ = writeln!(out, "{}\n", rows_in_width(&head, simulation.rows(), 1..=head.len() - 1));
    }
    out
}

/// A line for each arm that was not measured, and why; nothing where all were.
pub fn left_out(plan: &Plan) -> String {
    let lines = plan
        .left_out
        .iter()
        .map(|out| format!("{}\n", wrapped(&format!("left out: {}", out.words()), 0)));
    lines.collect()
}

/// The outcome and why, in one sentence.
fn headline(summary: &RunSummary<'_>) -> String {
    let word = style(summary.outcome.word()).bold();
    let word = match summary.outcome {
        Outcome::Decided(Verdict::Pass) => word.green(),
        Outcome::Decided(Verdict::Fail) | Outcome::Stopped(_) => word.red(),
        Outcome::Decided(Verdict::Inconclusive) | Outcome::Interrupted => word.yellow(),
        Outcome::Unfinished => word,
    };
    format!("{word} {}", visible(&summary.sentence))
}

/// The arms side by side; one below the other where there is no room for that.
fn arms(summary: &RunSummary<'_>, mut rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "Nothing was measured.".to_owned();
    }
    let mut headings = vec![
        "arm",
        "requests",
        "answered",
        "failed",
        "p50",
        "p99",
        "max",
        "highest rate",
    ];
    if summary.arms.iter().all(|arm| arm.searches.is_empty()) {
        headings.pop();
        rows.iter_mut().for_each(|row| row.truncate(headings.len()));
    }
    rows_in_width(&headings, rows, 1..=7)
}

/// The classes of each arm, those of its searches included.
fn rows(arms: &[ArmSummary<'_>]) -> Vec<Vec<String>> {
    let of_arm = |arm: &ArmSummary<'_>| {
        let searched = arm.searches.iter().map(|search| &search.plan.class);
        let only_searched = searched.filter(|name| arm.class(name).is_none());
        let names: Vec<&String> = arm
            .classes
            .iter()
            .map(|class| &class.name)
            .chain(only_searched)
            .collect();
        names.into_iter().map(|name| row(arm, name)).collect::<Vec<_>>()
    };
    arms.iter()
        .filter(|arm| !arm.rounds.is_empty())
        .flat_map(of_arm)
        .collect()
}

fn row(arm: &ArmSummary<'_>, class: &str) -> Vec<String> {
    let summary = arm.class(class);
    let counts = summary.map(|class| class.counts).unwrap_or_default();
    let latencies = summary.map(|class| class.whole.figures.response).unwrap_or_default();
    let found = arm.search(class).map(|search| search.found).unwrap_or_default();
    vec![
        format!("{} · {class}", arm.plan.label),
        words::counted(counts.scheduled),
        words::counted(counts.ok),
        words::counted(counts.failed),
        words::ms(latencies.p50),
        words::ms(latencies.p99),
        words::ms(latencies.max),
        words::highest_rate(&found),
    ]
}

/// A table where there is room for one, else each row as a paragraph.
fn rows_in_width(headings: &[&str], rows: Vec<Vec<String>>, numbers: std::ops::RangeInclusive<usize>) -> String {
    if width() < ROOM_FOR_TABLE {
        let below = |row: &Vec<String>| {
            let figures: Vec<String> = headings
                .iter()
                .zip(row)
                .skip(1)
                .map(|(heading, figure)| format!("{heading} {figure}"))
                .collect();
            format!("{}\n{}", wrapped(&row[0], 0), wrapped(&figures.join(", "), 4))
        };
        return rows.iter().map(below).collect::<Vec<_>>().join("\n");
    }
    let mut table = table(headings);
    table.add_rows(rows);
    right_aligned(&mut table, numbers);
    table.to_string()
}

/// What the clients' histories show, and the first proof of each broken law.
fn histories(summary: &RunSummary<'_>, ascii: bool) -> String {
    let rows: Vec<Vec<String>> = histories::rows(&summary.arms)
        .iter()
        .map(histories::Row::cells)
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n\n", rows_in_width(&histories::HEADINGS, rows, 2..=7));
    let proofs = histories::proofs(summary.state);
    for proof in proofs.iter().take(PROOFS_SHOWN) {
        let _ = writeln!(out, "{}", style(&proof.title).bold());
        let _ = writeln!(out, "{}\n", visible(&proof.diagram.to_text(width(), ascii)));
    }
    if proofs.len() > PROOFS_SHOWN {
        let more = format!("Pictures of broken laws in the report: {}.", proofs.len());
        let _ = writeln!(out, "{}\n", wrapped(&more, 0));
    }
    out
}

/// What happened to one order of each arm.
fn stories(state: &RunState, ascii: bool) -> String {
    let drawn = |story: &Proof<'_>| {
        let picture = story.diagram.to_text(width(), ascii);
        format!("{}\n{}\n\n", style(&story.title).bold(), visible(&picture))
    };
    histories::stories(state).iter().map(drawn).collect()
}

/// A line for what was claimed and one for what was measured: readable at any width.
pub fn checks(checks: &[CheckOutcome]) -> String {
    let mut out = String::new();
    for check in checks {
        let mark = style(words::mark(check.verdict));
        let mark = match check.verdict {
            Verdict::Pass => mark.green(),
            Verdict::Inconclusive => mark.yellow(),
            Verdict::Fail => mark.red(),
        };
        let _ = writeln!(out, "{mark} {}", wrapped(&check.name, 2).trim_start());
        let found = format!("{}; expected {}", check.measured, check.expected);
        let _ = writeln!(out, "{}", style(wrapped(&visible(&found), 4)).dim());
        if !check.why.is_empty() {
            let _ = writeln!(out, "{}", wrapped(&visible(&check.why), 4));
        }
    }
    out
}
