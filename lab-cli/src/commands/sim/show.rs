//! The outcome of a sweep, for people, for spreadsheets and for programs.

use std::fmt::Write;

use comfy_table::ColumnConstraint;
use serde::Serialize;
use sim::{Model, SimFigures};

use super::page;
use crate::arguments::{Sim, SimFormat};
use crate::failure::Failure;
use crate::text::{right_aligned, table_within, width};

/// Columns of the longest bar of the chart.
const BAR_COLUMNS: f64 = 48.0;

/// Columns that the widest table needs; where a terminal has fewer, long lines are easier to read than broken words.
const COLUMNS_MIN: usize = 112;

/// What is shown of each outcome: heading, and how it is written.
type Column = (&'static str, fn(&SimFigures) -> String);

const COLUMNS: &[Column] = &[
    ("policy", |outcome| outcome.policy.clone()),
    ("servers", |outcome| outcome.servers.to_string()),
    ("load", |outcome| outcome.load.to_string()),
    ("success", |outcome| format!("{:.2} %", outcome.success * 100.0)),
    ("mean", |outcome| milliseconds(outcome.mean_ms)),
    ("p99", |outcome| milliseconds(outcome.p99_ms)),
    ("p99.9", |outcome| milliseconds(outcome.p99_9_ms)),
    ("fullest", |outcome| outcome.fullest.to_string()),
];
/// What a terminal has no room for.
const DETAILS: &[Column] = &[
    ("p50", |outcome| milliseconds(outcome.p50_ms)),
    ("p90", |outcome| milliseconds(outcome.p90_ms)),
    ("max", |outcome| milliseconds(outcome.max_ms)),
    ("in system", |outcome| format!("{:.1}", outcome.in_system_mean)),
    ("busiest", |outcome| format!("{:.2}×", outcome.busiest_over_mean)),
];
const SLOW: Column = ("to slow", |outcome| format!("{:.2} %", outcome.slow_share * 100.0));
const FAILING: Column = ("to broken", |outcome| format!("{:.2} %", outcome.failing_share * 100.0));

/// The outcomes in the format that was asked for.
///
/// # Errors
/// When a number cannot be written as JSON.
pub fn render(arguments: &Sim, models: &[Model], outcomes: &[SimFigures]) -> Result<String, Failure> {
    let mut columns = COLUMNS.to_vec();
    columns.extend(arguments.slow.as_ref().map(|_| SLOW));
    columns.extend(arguments.failing.as_ref().map(|_| FAILING));
    let format = arguments.shown_as();
    if format != SimFormat::Text {
        columns.extend(DETAILS);
    }
    Ok(match format {
        SimFormat::Text => text(&columns, outcomes),
        SimFormat::Md => lines(&columns, outcomes, "| ", " | ", " |", true),
        SimFormat::Csv => lines(&columns, outcomes, "", ",", "", false),
        SimFormat::Html => page::render(arguments, models, outcomes, &cells(&columns, outcomes))?,
        SimFormat::Json => json(arguments, models, outcomes)?,
    })
}

/// The headings, and a row for each outcome.
fn cells(columns: &[Column], outcomes: &[SimFigures]) -> Vec<Vec<String>> {
    let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let rows = outcomes
        .iter()
        .map(|outcome| columns.iter().map(|(_, write)| write(outcome)).collect());
    std::iter::once(headings).chain(rows).collect()
}

fn text(columns: &[Column], outcomes: &[SimFigures]) -> String {
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut shown = table_within(&headings, width().max(COLUMNS_MIN));
    for outcome in outcomes {
        shown.add_row(columns.iter().map(|(_, write)| write(outcome)));
    }
    right_aligned(&mut shown, 1..columns.len());
    // A name that is broken in two cannot be copied into the next command.
    if let Some(names) = shown.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    format!(
        "{shown}\n\n{}\ntimes in ms; fullest: most requests that one server held at once\n",
        chart(outcomes)
    )
}

/// Bars of the 99th percentiles on a log axis, since policies differ by powers of ten.
fn chart(outcomes: &[SimFigures]) -> String {
    let known = || {
        outcomes
            .iter()
            .filter_map(|outcome| outcome.p99_ms)
            .filter(|ms| *ms > 0.0)
    };
    let (least, most) = known().fold((f64::INFINITY, 0.0_f64), |(least, most), ms| {
        (least.min(ms), most.max(ms))
    });
    // From the power of ten below the shortest, so that the shortest has a bar too.
    let from = least.log10().floor();
    let decades = (most.log10() - from).max(1e-9);
    let names = outcomes.iter().map(|outcome| outcome.policy.len()).max().unwrap_or(0);
    let mut text = String::from("p99, log scale\n");
    for outcome in outcomes {
        let bar = match outcome.p99_ms.filter(|ms| *ms > 0.0) {
            Some(ms) => "█".repeat(((ms.log10() - from) / decades * BAR_COLUMNS).round().max(1.0) as usize),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "{:names$} {:>6} × {} {bar} {}",
            outcome.policy,
            outcome.servers,
            outcome.load,
            milliseconds(outcome.p99_ms)
        );
    }
    text
}

fn lines(columns: &[Column], outcomes: &[SimFigures], start: &str, between: &str, end: &str, ruled: bool) -> String {
    let line = |fields: Vec<String>| format!("{start}{}{end}\n", fields.join(between));
    let mut text = line(columns.iter().map(|(heading, _)| (*heading).to_owned()).collect());
    if ruled {
        text += &line(vec!["---".to_owned(); columns.len()]);
    }
    for outcome in outcomes {
        text += &line(columns.iter().map(|(_, write)| write(outcome)).collect());
    }
    text
}

fn milliseconds(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.2}"),
        Some(ms) if ms < 100.0 => format!("{ms:.1}"),
        Some(ms) => format!("{ms:.0}"),
    }
}

/// What programs read: enough to repeat it, and what came out.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    seed: u64,
    service: &'a str,
    service_mean_ms: f64,
    arrivals: &'a str,
    slots: u32,
    slow: Option<&'a str>,
    failing: Option<&'a str>,
    weighs: bool,
    balancers: u32,
    stale_ms: Option<f64>,
    probe_ms: Option<f64>,
    timeout_ms: Option<f64>,
    keys: &'a str,
    queue_max: u32,
    outcomes: &'a [SimFigures],
}

fn json(arguments: &Sim, models: &[Model], outcomes: &[SimFigures]) -> Result<String, Failure> {
    let document = Document {
        schema: 1,
        seed: arguments.seed,
        service: &arguments.service,
        service_mean_ms: models.first().map_or(0.0, |model| model.service.mean_s() * 1e3),
        arrivals: &arguments.arrivals,
        slots: arguments.slots,
        slow: arguments.slow.as_deref(),
        failing: arguments.failing.as_deref(),
        weighs: arguments.weighs,
        balancers: arguments.balancers,
        stale_ms: arguments.stale_ms,
        probe_ms: arguments.probe_ms,
        timeout_ms: arguments.timeout_ms,
        keys: &arguments.keys,
        queue_max: arguments.queue_max,
        outcomes,
    };
    let text = serde_json::to_string_pretty(&document)?;
    Ok(text + "\n")
}
