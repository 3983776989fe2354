//! The report in words, for stdout.

use std::fmt::Write;

use comfy_table::Table;
use console::style;
use scenarios::checks::{Verdict, in_unit};
use scenarios::format::Unit;
use scenarios::plan::Plan;
use scenarios::state::{ArmState, RunState};

use crate::report::LessonText;
use crate::text::{markdown, right_aligned, table, wrapped};

/// The whole report: verdict, arms, checks, and what it means.
pub fn report(state: &RunState, lesson: Option<&LessonText>) -> String {
    let mut out = String::new();
    let Some(info) = &state.info else {
        return "Nothing was recorded.\n".to_owned();
    };
    let plan = &info.plan;
    let _ = writeln!(
        out,
        "{}",
        wrapped(&format!("{} · {}", plan.scenario, plan.question), 0)
    );
    let _ = writeln!(out, "{}\n", headline(state));
    let arms = arms(plan, state);
    if arms.row_count() > 0 {
        let _ = writeln!(out, "{arms}\n");
    }
    if !state.checks.is_empty() {
        let _ = writeln!(out, "{}", checks(state));
        for check in state.checks.iter().filter(|check| !check.why.is_empty()) {
            let _ = writeln!(
                out,
                "{}",
                wrapped(&format!("{}: {}", check.name, check.why), 2)
            );
        }
        out.push('\n');
    }
    if let Some(lesson) =
        lesson.filter(|_| state.ended.as_ref().is_some_and(|ended| !ended.interrupted))
    {
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

/// The verdict and why, in one sentence.
fn headline(state: &RunState) -> String {
    let Some(ended) = &state.ended else {
        return format!(
            "{} the recording ends before the run did",
            style("UNFINISHED").bold()
        );
    };
    if ended.interrupted {
        return format!(
            "{} what was measured until then follows",
            style("INTERRUPTED").yellow().bold()
        );
    }
    if let Some(failure) = &ended.failure {
        return format!("{} {failure}", style("STOPPED").red().bold());
    }
    let of = |verdict| {
        state
            .checks
            .iter()
            .filter(move |check| check.verdict == verdict)
    };
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

fn arms(plan: &Plan, state: &RunState) -> Table {
    let searched = plan.arms.iter().any(|arm| !arm.searches.is_empty());
    let mut headings = vec!["arm", "requests", "answered", "failed", "p50", "p99", "max"];
    if searched {
        headings.push("highest rate");
    }
    let mut table = table(&headings);
    for (planned, arm) in plan.arms.iter().zip(&state.arms) {
        for class in classes(arm) {
            table.add_row(row(&planned.label, arm, &class, searched));
        }
    }
    right_aligned(&mut table, 1..=7);
    table
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
    let rounds = || {
        arm.rounds
            .iter()
            .filter_map(|round| round.classes.get(class))
    };
    let mut total = load::Slice::default();
    for state in rounds() {
        total.merge(&state.total());
    }
    let sum = |pick: fn(&scenarios::state::ClassState) -> u64| {
        in_unit(rounds().map(pick).sum::<u64>() as f64, Unit::Count)
    };
    let ms =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| in_unit(value, Unit::Ms));
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
    let searches = || {
        arm.rounds
            .iter()
            .filter_map(|round| round.searches.get(class))
    };
    let within = searches()
        .filter_map(|search| search.within_per_s)
        .reduce(f64::min);
    let beyond = searches()
        .filter_map(|search| search.beyond_per_s)
        .reduce(f64::max);
    match (within, beyond) {
        (Some(within), Some(beyond)) => {
            format!(
                "{} to {}",
                in_unit(within, Unit::Count),
                in_unit(beyond, Unit::PerS)
            )
        }
        (Some(within), None) => format!("over {}", in_unit(within, Unit::PerS)),
        (None, Some(beyond)) => format!("under {}", in_unit(beyond, Unit::PerS)),
        (None, None) => "–".to_owned(),
    }
}

fn checks(state: &RunState) -> Table {
    let mut table = table(&["", "check", "expected", "measured (95 % interval)"]);
    for check in &state.checks {
        let mark = match check.verdict {
            Verdict::Pass => style("✓").green(),
            Verdict::Inconclusive => style("?").yellow(),
            Verdict::Fail => style("✗").red(),
        };
        table.add_row(vec![
            mark.to_string(),
            check.name.clone(),
            check.expected.clone(),
            check.measured.clone(),
        ]);
    }
    table
}
