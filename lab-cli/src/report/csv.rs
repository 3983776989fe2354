//! CSV (RFC 4180): one row for each arm, class of requests or of clients' operations, and round; searches included.

use scenarios::state::{ArmState, RoundState, RunState};

use super::escape;
use super::figures::{ArmFigures, ClassFigures, arms, class_names, latency_row, one_round};

const PLACE: [&str; 9] = [
    "run", "scenario", "backend", "seed", "arm", "label", "class", "round", "complete",
];
const COUNTS: [&str; 7] = ["load_s", "scheduled", "sent", "ok", "failed", "errors", "rate_per_s"];
const QUANTILES: [&str; 6] = ["mean_ms", "p50_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms"];
const LATENCIES: [&str; 3] = ["response", "service", "send_lateness"];
const SEARCH: [&str; 2] = ["search_within_per_s", "search_beyond_per_s"];

/// The table with its header; an empty field means that nothing was measured.
pub(super) fn render(state: &RunState) -> String {
    let latencies = LATENCIES
        .iter()
        .flat_map(|of| QUANTILES.map(|quantile| format!("{of}_{quantile}")));
    let names = PLACE.iter().chain(&COUNTS).map(ToString::to_string).chain(latencies);
    let mut text = line(names.chain(SEARCH.map(str::to_owned)));
    let Some(info) = &state.info else { return text };
    let run = [
        escape::csv_text(&info.run),
        escape::csv_text(&info.plan.scenario),
        escape::csv_text(&info.backend),
        info.plan.seed.to_string(),
    ];
    for arm in arms(state) {
        for round in arm.rounds {
            for (class, fields) in rows(&arm, round) {
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
fn rows(arm: &ArmFigures<'_>, round: &RoundState) -> Vec<(String, Vec<String>)> {
    let measured = class_names(arm.plan, arm.rounds).into_iter().map(|class| {
        let mut fields = of_class(&one_round(arm.plan, &class, round));
        fields.extend(found(round, &class));
        (class, fields)
    });
    let named = class_names(arm.plan, arm.rounds);
    let searched = arm
        .plan
        .searches
        .iter()
        .filter(|search| !named.contains(&search.class))
        .map(|search| {
            let mut fields = vec![String::new(); COUNTS.len() + LATENCIES.len() * QUANTILES.len()];
            fields.extend(found(round, &search.class));
            (search.class.clone(), fields)
        });
    let mut acting: Vec<&str> = arm.plan.clients.iter().map(|clients| clients.class.as_str()).collect();
    acting.dedup();
    let acted = acting
        .into_iter()
        .map(|class| (class.to_owned(), of_clients(class, round)));
    measured.chain(searched).chain(acted).collect()
}

/// Operations of clients have no schedule and no rate: each client waits for its answer. Those of which nobody knows whether
/// they had their effect stand beside the errors.
fn of_clients(class: &str, round: &RoundState) -> Vec<String> {
    let arm = ArmState {
        rounds: vec![round.clone()],
    };
    let operations = arm.operations_of(class);
    let unknown = match operations.unknown {
        0 => String::new(),
        unknown => format!("unknown={unknown}"),
    };
    let mut fields = vec![String::new(), String::new()];
    fields.extend([operations.all.len(), operations.ok, operations.failed].map(|count| count.to_string()));
    fields.extend([unknown, String::new()]);
    fields.extend(latency_row(&operations.latency).map(field));
    fields.resize(
        COUNTS.len() + LATENCIES.len() * QUANTILES.len() + SEARCH.len(),
        String::new(),
    );
    fields
}

fn of_class(class: &ClassFigures) -> Vec<String> {
    let kinds: Vec<String> = class
        .errors
        .iter()
        .map(|(kind, count)| format!("{kind}={count}"))
        .collect();
    let counts = class
        .counts()
        .map(|count| count.map(|count| count.to_string()).unwrap_or_default());
    let mut fields = vec![field(Some(class.load_s))];
    fields.extend(counts);
    fields.push(escape::csv_text(&kinds.join(";")));
    fields.push(field(class.rate_per_s()));
    for latencies in [&class.total.response, &class.total.service, &class.total.lateness] {
        fields.extend(latency_row(latencies).map(field));
    }
    fields
}

fn found(round: &RoundState, class: &str) -> [String; 2] {
    let search = round.searches.get(class);
    [
        search.and_then(|search| search.within_per_s),
        search.and_then(|search| search.beyond_per_s),
    ]
    .map(field)
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
