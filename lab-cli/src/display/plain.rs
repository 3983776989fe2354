//! The report in words, for stdout.

use std::fmt::Write;

use console::style;
use scenarios::plan::Plan;
use scenarios::prediction;
use scenarios::state::{ArmState, Ended, RunState};
use scenarios::unit::{Unit, in_unit};
use scenarios::verdict::Verdict;

use crate::report::histories::Proof;
use crate::report::simulated::simulations;
use crate::report::{LessonText, histories};
use crate::text::{ascii, markdown, right_aligned, table, visible, width, wrapped};

/// Columns from which on the arms fit into a table.
const ROOM_FOR_TABLE: usize = 80;
/// Pictures of violations that are printed; the report has all.
const PROOFS_SHOWN: usize = 2;

/// The whole report: verdict, arms, checks, and what it means.
pub fn report(state: &RunState, lesson: Option<&LessonText>) -> String {
    let mut out = String::new();
    let Some(info) = &state.info else {
        return "Nothing was recorded.\n".to_owned();
    };
    let plan = &info.plan;
    let _ = writeln!(out, "{}", wrapped(&format!("{} · {}", plan.scenario, plan.question), 0));
    let _ = writeln!(out, "{}\n", wrapped(&headline(state), 0));
    if let Some(outcome) = prediction::outcome(plan, state) {
        let _ = writeln!(
            out,
            "{}\n{}\n",
            wrapped(&outcome.question, 0),
            wrapped(&outcome.sentence, 2)
        );
    }
    out.push_str(&tables(plan, state, ascii()));
    if !state.checks.is_empty() {
        let _ = writeln!(out, "{}", checks(state));
    }
    if !state.notes.is_empty() {
        let notes: String = state
            .notes
            .iter()
            .map(|note| format!("{}\n", wrapped(&visible(note), 2)))
            .collect();
        let _ = writeln!(out, "{}\n{notes}", style("Notes").bold());
    }
    if let Some(lesson) = lesson.filter(|_| whole(state)) {
        for (heading, text) in [
            ("What happened", &lesson.happened),
            ("Why", &lesson.why),
            ("Try next", &lesson.next),
        ] {
            let _ = writeln!(out, "{}\n{}", style(heading).bold(), markdown(text, 2));
        }
    }
    out
}

/// The question, the verdict, and what came of the guess.
pub fn summary(state: &RunState) -> String {
    let Some(info) = &state.info else {
        return "Nothing was recorded.".to_owned();
    };
    let plan = &info.plan;
    let question = wrapped(&format!("{} · {}", plan.scenario, plan.question), 0);
    let mut out = format!("{question}\n{}", wrapped(&headline(state), 0));
    if let Some(outcome) = prediction::outcome(plan, state) {
        out.push_str(&format!("\n{}", wrapped(&outcome.sentence, 0)));
    }
    out
}

/// The arms side by side, what the histories show, and the pictures of broken laws.
pub fn tables(plan: &Plan, state: &RunState, ascii: bool) -> String {
    let histories = histories(state, ascii) + &stories(state, ascii);
    let left_out = left_out(plan);
    if histories.is_empty() || state.arms.iter().any(|arm| !classes(arm).is_empty()) {
        format!("{}\n{left_out}\n{histories}{}", arms(plan, state), simulated(state))
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
        .map(|out| format!("{}\n", wrapped(&out.sentence(), 0)));
    lines.collect()
}

/// Whether the run got to its end, so that there is something to explain.
pub fn whole(state: &RunState) -> bool {
    let whole = |ended: &Ended| !ended.interrupted && ended.failure.is_none();
    state.ended.as_ref().is_some_and(whole)
}

/// The verdict and why, in one sentence.
fn headline(state: &RunState) -> String {
    let Some(ended) = &state.ended else {
        return format!("{} the recording ends before the run did", style("UNFINISHED").bold());
    };
    if ended.interrupted {
        return format!(
            "{} what was measured until then follows",
            style("INTERRUPTED").yellow().bold()
        );
    }
    if let Some(failure) = &ended.failure {
        return format!("{} {}", style("STOPPED").red().bold(), visible(failure));
    }
    let of = |verdict| state.checks.iter().filter(move |check| check.verdict == verdict);
    match ended.verdict {
        Verdict::Pass => {
            format!(
                "{} all {} checks hold",
                style("PASS").green().bold(),
                state.checks.len()
            )
        }
        Verdict::Fail => {
            let first = of(Verdict::Fail)
                .next()
                .map(|check| check.name.as_str())
                .unwrap_or_default();
            format!(
                "{} {} of {} checks failed, first: {first}",
                style("FAIL").red().bold(),
                of(Verdict::Fail).count(),
                state.checks.len()
            )
        }
        Verdict::Inconclusive => {
            let first = of(Verdict::Inconclusive)
                .next()
                .map(|check| check.name.as_str())
                .unwrap_or_default();
            format!(
                "{} {} of {} checks could not be decided, first: {first}",
                style("INCONCLUSIVE").yellow().bold(),
                of(Verdict::Inconclusive).count(),
                state.checks.len()
            )
        }
    }
}

/// The arms side by side; one below the other where there is no room for that.
fn arms(plan: &Plan, state: &RunState) -> String {
    let searched = plan.arms.iter().any(|arm| !arm.searches.is_empty());
    let mut headings = vec!["arm", "requests", "answered", "failed", "p50", "p99", "max"];
    if searched {
        headings.push("highest rate");
    }
    let rows: Vec<Vec<String>> = plan
        .arms
        .iter()
        .zip(&state.arms)
        .flat_map(|(planned, arm)| {
            classes(arm)
                .into_iter()
                .map(|class| row(&planned.label, arm, &class, searched))
                .collect::<Vec<_>>()
        })
        .collect();
    if rows.is_empty() {
        return "Nothing was measured.".to_owned();
    }
    rows_in_width(&headings, rows, 1..=7)
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
fn histories(state: &RunState, ascii: bool) -> String {
    let rows: Vec<Vec<String>> = histories::rows(state).iter().map(histories::Row::cells).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n\n", rows_in_width(&histories::HEADINGS, rows, 2..=7));
    let proofs = histories::proofs(state);
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

/// Classes of an arm in the order of their names.
fn classes(arm: &ArmState) -> Vec<String> {
    let mut names: Vec<String> = arm
        .rounds
        .iter()
        .flat_map(|round| round.classes.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn row(label: &str, arm: &ArmState, class: &str, searched: bool) -> Vec<String> {
    let rounds = || arm.rounds.iter().filter_map(|round| round.classes.get(class));
    let mut total = load::Slice::default();
    for state in rounds() {
        total.merge(&state.total);
    }
    let any = rounds().any(|state| state.scheduled > 0);
    let sum = |pick: fn(&scenarios::state::ClassState) -> u64| match any {
        true => in_unit(rounds().map(pick).sum::<u64>() as f64, Unit::Count),
        false => "–".to_owned(),
    };
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| in_unit(value, Unit::Ms));
    let mut row = vec![
        format!("{label} · {class}"),
        sum(|state| state.scheduled),
        sum(|state| state.ok),
        sum(scenarios::state::ClassState::failed),
        ms(total.response.quantile_ms(0.5)),
        ms(total.response.quantile_ms(0.99)),
        ms(total.response.max_ms()),
    ];
    if searched {
        row.push(highest_rate(arm, class));
    }
    row
}

/// The bracket of a search over all rounds: proved to `beyond`.
fn highest_rate(arm: &ArmState, class: &str) -> String {
    let searches = || arm.rounds.iter().filter_map(|round| round.searches.get(class));
    let within = searches().filter_map(|search| search.within_per_s).reduce(f64::min);
    let beyond = searches().filter_map(|search| search.beyond_per_s).reduce(f64::max);
    match (within, beyond) {
        (Some(within), Some(beyond)) => {
            format!("{} to {}", in_unit(within, Unit::Count), in_unit(beyond, Unit::PerS))
        }
        (Some(within), None) => format!("over {}", in_unit(within, Unit::PerS)),
        (None, Some(beyond)) => format!("under {}", in_unit(beyond, Unit::PerS)),
        (None, None) => "–".to_owned(),
    }
}

/// A line for what was claimed and one for what was measured: readable at any width.
pub fn checks(state: &RunState) -> String {
    let mut out = String::new();
    for check in &state.checks {
        let mark = match check.verdict {
            Verdict::Pass => style("✓").green(),
            Verdict::Inconclusive => style("?").yellow(),
            Verdict::Fail => style("✗").red(),
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
