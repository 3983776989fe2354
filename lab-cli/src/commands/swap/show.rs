//! The swap law in words: each change of places, what notices it, and a table at the end.

use std::fmt::Write;

use console::style;
use scenarios::swap::{Change, Changed, Examined};
use scenarios::verdict::Verdict;

use crate::report::words;
use crate::text::{right_aligned, table, visible, wrapped};

/// What was found in one scenario: a line for each change, then what is wrong and what is open.
pub fn scenario(name: &str, examined: &Examined) -> String {
    let mut out = format!("{} {}\n", mark(examined.verdict()), style(name).bold());
    for changed in &examined.changes {
        let line = format!("{}: {}", changed.change.words(), noticed(changed, examined));
        let _ = writeln!(out, "{}", wrapped(&visible(&line), 4));
    }
    for fault in examined.faults() {
        let _ = writeln!(out, "{}", style(wrapped(&visible(&fault.words()), 2)).red());
    }
    for open in examined.open() {
        let _ = writeln!(out, "{}", style(wrapped(&visible(&open), 2)).yellow());
    }
    out.push('\n');
    out
}

/// The verdict, and one line of each scenario.
pub fn in_all(rows: &[(String, Examined)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = table(&["scenario", "pairs", "alike", "planted", "checks", "disturbed", ""]);
    for (name, examined) in rows {
        let count = |is: fn(&Changed) -> bool| examined.changes.iter().filter(|changed| is(changed)).count();
        let pairs = count(|changed| matches!(changed.change, Change::Arms(_)));
        let planted = count(|changed| matches!(changed.change, Change::Planted { .. }));
        table.add_row(vec![
            name.clone(),
            pairs.to_string(),
            count(|changed| changed.declared_alike).to_string(),
            planted.to_string(),
            examined.checks.len().to_string(),
            examined.disturbed().to_string(),
            mark(examined.verdict()),
        ]);
    }
    right_aligned(&mut table, 1..=5);
    let wrong: usize = rows.iter().map(|(_, examined)| examined.faults().len()).sum();
    format!("{table}\n\n{}\n", wrapped(&sum(rows.len(), wrong), 0))
}

fn sum(scenarios: usize, wrong: usize) -> String {
    let of = match scenarios {
        1 => "1 scenario".to_owned(),
        more => format!("{more} scenarios"),
    };
    match wrong {
        0 => format!("{of}: nothing refused."),
        1 => format!("{of}: 1 thing refused."),
        more => format!("{of}: {more} things refused."),
    }
}

/// Which checks notice a change, with what the first of them measures now.
fn noticed(changed: &Changed, examined: &Examined) -> String {
    let mut disturbed = changed.disturbed();
    if let Some((check, measured, expected)) = disturbed.next() {
        let more = match disturbed.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let name = &examined.checks[check].0;
        return format!("\"{name}\" measures {measured}; expected {expected}{more}");
    }
    match changed.unclear().next() {
        _ if changed.is_told() => "no figure is there for a check to read".to_owned(),
        Some((check, why)) => format!("perhaps \"{}\": {why}", examined.checks[check].0),
        None if changed.declared_alike => "no check notices, as declared".to_owned(),
        None => "no check notices".to_owned(),
    }
}

fn mark(verdict: Verdict) -> String {
    let mark = style(words::mark(verdict));
    match verdict {
        Verdict::Pass => mark.green(),
        Verdict::Inconclusive => mark.yellow(),
        Verdict::Fail => mark.red(),
    }
    .to_string()
}
