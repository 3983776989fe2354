//! CSV (RFC 4180): one row for each arm, class of requests or of clients' operations, and round; searches included.

use scenarios::state::RoundState;
use scenarios::summary::{ArmSummary, ClassSummary, Found, Latencies, OperationsSummary, RunSummary, class_names};

use super::escape;
use super::format::FormatEntry;

const PLACE: [&str; 9] = [
    "run", "scenario", "backend", "seed", "arm", "label", "class", "round", "complete",
];
const COUNTS: [&str; 7] = ["load_s", "scheduled", "sent", "ok", "failed", "errors", "rate_per_s"];
const QUANTILES: [&str; 6] = ["mean_ms", "p50_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms"];
const LATENCIES: [&str; 3] = ["response", "service", "send_lateness"];
const SEARCH: [&str; 3] = ["search_within_per_s", "search_beyond_per_s", "search_max_rate_per_s"];

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "csv",
    about: "One row for each arm, class of requests and round",
    file: "report.csv",
    is_page: false,
    render: |material| Ok(render(&material.summary)),
};

/// The table with its header; an empty field means that nothing was measured.
pub(super) fn render(summary: &RunSummary<'_>) -> String {
    let latencies = LATENCIES
        .iter()
        .flat_map(|of| QUANTILES.map(|quantile| format!("{of}_{quantile}")));
    let names = PLACE.iter().chain(&COUNTS).map(ToString::to_string).chain(latencies);
    let mut text = line(names.chain(SEARCH.map(str::to_owned)));
    let Some(info) = &summary.state.info else { return text };
    let run = [
        escape::csv_text(&info.run),
        escape::csv_text(&info.plan.scenario),
        escape::csv_text(&info.backend),
        info.plan.seed.to_string(),
    ];
    for arm in &summary.arms {
        for round in arm.rounds {
            for (class, fields) in rows(arm, round) {
                let place = [
                    escape::csv_text(&arm.plan.name),
                    escape::csv_text(&arm.plan.label),
                    escape::csv_text(&class),
                    round.round.to_string(),
                    round.complete.to_string(),
                ];
                text.push_str(&line(run.iter().cloned().chain(place).chain(fields)));
            }
        }
    }
    text
}

/// (class, the fields after the place) of one round.
fn rows(arm: &ArmSummary<'_>, round: &RoundState) -> Vec<(String, Vec<String>)> {
    let named = class_names(arm.plan, arm.rounds);
    let measured = named.iter().map(|class| {
        let summary = ClassSummary::of(arm.plan, class, std::slice::from_ref(round));
        let mut fields = of_class(&summary);
        fields.extend(found(round, class));
        (class.clone(), fields)
    });
    let only_searched = arm.searches.iter().map(|search| &search.plan.class);
    let searched = only_searched.filter(|class| !named.contains(class)).map(|class| {
        let mut fields = vec![String::new(); COUNTS.len() + LATENCIES.len() * QUANTILES.len()];
        fields.extend(found(round, class));
        (class.clone(), fields)
    });
    let acted = arm.operations.iter().map(|operations| {
        let class = operations.class.as_str();
        (class.to_owned(), of_clients(class, round))
    });
    measured.chain(searched).chain(acted).collect()
}

/// Operations of clients have no schedule and no rate: each client waits for its answer. Those of which nobody knows whether
/// they had their effect stand beside the errors.
fn of_clients(class: &str, round: &RoundState) -> Vec<String> {
    let operations = OperationsSummary::of(class, &[], std::slice::from_ref(round));
    let unknown = match operations.unknown {
        None | Some(0.0) => String::new(),
        Some(unknown) => format!("unknown={unknown}"),
    };
    let mut fields = vec![String::new(), String::new()];
    fields.extend([operations.operations, operations.ok, operations.failed].map(field));
    fields.extend([unknown, String::new()]);
    fields.extend(operations.latency.row().map(field));
    fields.resize(
        COUNTS.len() + LATENCIES.len() * QUANTILES.len() + SEARCH.len(),
        String::new(),
    );
    fields
}

fn of_class(class: &ClassSummary) -> Vec<String> {
    let kinds: Vec<String> = class
        .errors
        .iter()
        .flatten()
        .map(|(kind, count)| format!("{kind}={count}"))
        .collect();
    let counts = class.counts;
    let counts = [counts.scheduled, counts.sent, counts.ok, counts.failed];
    let mut fields = vec![field(Some(class.whole.load_s))];
    fields.extend(counts.map(|count| count.map(|count| count.to_string()).unwrap_or_default()));
    fields.push(escape::csv_text(&kinds.join(";")));
    let figures = &class.whole.figures;
    fields.push(field(figures.rate_per_s));
    for latencies in [&figures.response, &figures.service, &figures.lateness] {
        fields.extend(Latencies::row(latencies).map(field));
    }
    fields
}

fn found(round: &RoundState, class: &str) -> [String; 3] {
    let found = Found::of(&[round.searches.get(class)]);
    [found.within_per_s, found.beyond_per_s, found.max_rate_per_s].map(field)
}

fn field(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(String::new, |value| {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        })
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let escaped: Vec<String> = fields.map(|field| escape::csv(&field)).collect();
    escaped.join(",") + "\n"
}
