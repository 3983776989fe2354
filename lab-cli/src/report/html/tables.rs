//! Tables of figures as the template lays them out.

use scenarios::state::RunState;
use scenarios::summary::{ArmSummary, Latencies, all_classes};
use serde::Serialize;

use crate::report::{acted, histories, words};

/// A table: every cell is plain text.
#[derive(Serialize)]
pub(super) struct Table {
    title: String,
    head: Vec<String>,
    /// How many leading columns hold words; all others hold numbers.
    words: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(title: &str, words: usize, head: &[&str], rows: Vec<Vec<String>>) -> Option<Self> {
        let head = head.iter().map(ToString::to_string).collect();
        (!rows.is_empty()).then(|| Self {
            title: title.to_owned(),
            head,
            words,
            rows,
        })
    }
}

/// The arms side by side, as short as it goes.
pub(super) fn summary(arms: &[ArmSummary<'_>]) -> Vec<Table> {
    let operations = histories::rows(arms).iter().map(histories::Row::cells).collect();
    let histories = Table::new("What the histories show", 2, &histories::HEADINGS, operations);
    let head = ["arm", "p50", "p99", "max", "errors", "good answers"];
    let latencies = all_classes(arms).into_iter().filter_map(|class| {
        let of_arm = |arm: &ArmSummary<'_>| {
            let class = arm.class(&class)?;
            let figures = &class.whole.figures;
            let [p50, p99, max] = [figures.response.p50, figures.response.p99, figures.response.max].map(words::ms);
            let rate = words::per_s(figures.rate_per_s);
            Some(vec![
                arm.plan.label.clone(),
                p50,
                p99,
                max,
                words::errors(class.errors.as_ref()),
                rate,
            ])
        };
        Table::new(
            &format!("{class}: latency and errors"),
            1,
            &head,
            arms.iter().filter_map(of_arm).collect(),
        )
    });
    let rows = arms.iter().flat_map(|arm| {
        arm.searches.iter().map(|search| {
            let objective = format!(
                "{} within {}",
                words::quantile(search.plan.quantile),
                words::ms(Some(search.plan.within_ms))
            );
            vec![
                search.plan.class.clone(),
                arm.plan.label.clone(),
                objective,
                words::highest_rate(&search.found),
            ]
        })
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    rows.sort_by(|a, b| a[0].cmp(&b[0]));
    let rates = Table::new(
        "Highest rate within the objective",
        3,
        &["requests", "arm", "objective", "highest rate"],
        rows,
    );
    histories.into_iter().chain(rates).chain(latencies).collect()
}

/// All figures, for those who want to reckon for themselves.
pub(super) fn raw(state: &RunState, arms: &[ArmSummary<'_>]) -> Vec<Table> {
    [
        Table::new("What was done to the system", 3, &acted::HEADINGS, acted::rows(state)),
        counts(arms),
        latencies(arms),
        windows(arms),
        steps(arms),
        facts(arms),
        instances(arms),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn counts(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let rows = arms.iter().flat_map(|arm| {
        arm.classes.iter().map(|class| {
            vec![
                arm.plan.label.clone(),
                class.name.clone(),
                words::counted(class.counts.scheduled),
                words::counted(class.counts.sent),
                words::counted(class.counts.ok),
                words::errors(class.errors.as_ref()),
                format!("{:.1} s", class.whole.load_s),
                words::per_s(class.whole.figures.rate_per_s),
            ]
        })
    });
    let head = [
        "arm",
        "requests",
        "scheduled",
        "sent",
        "good answers",
        "failed",
        "load",
        "rate",
    ];
    Table::new("Requests, all rounds", 2, &head, rows.collect())
}

fn latencies(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let mut rows = Vec::new();
    for arm in arms {
        for class in &arm.classes {
            for (what, latencies) in [
                ("from the intended start", &class.whole.total.response),
                ("from the actual send", &class.whole.total.service),
                ("lateness of sending", &class.whole.total.lateness),
                ("until a failure", &class.whole.total.failed),
            ] {
                if !latencies.is_empty() {
                    let place = [
                        arm.plan.label.clone(),
                        class.name.clone(),
                        what.to_owned(),
                        words::count(latencies.count()),
                    ];
                    rows.push(
                        place
                            .into_iter()
                            .chain(Latencies::of(latencies).row().map(words::ms))
                            .collect(),
                    );
                }
            }
        }
    }
    let head = [
        "arm", "requests", "time", "count", "mean", "p50", "p90", "p99", "p99.9", "max",
    ];
    Table::new("Latencies, all rounds merged", 3, &head, rows)
}

fn windows(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let mut rows = Vec::new();
    for arm in arms {
        for class in &arm.classes {
            for window in class.windows.iter().filter(|window| window.answered().is_some()) {
                let place = [
                    arm.plan.label.clone(),
                    class.name.clone(),
                    window.name.clone(),
                    words::count(window.total.ok),
                    words::errors(Some(&window.total.errors)),
                ];
                rows.push(
                    place
                        .into_iter()
                        .chain(window.figures.response.row().map(words::ms))
                        .collect(),
                );
            }
        }
    }
    let head = [
        "arm",
        "requests",
        "window",
        "good answers",
        "failed",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
    ];
    Table::new("By window of intended start", 3, &head, rows)
}

fn steps(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let mut rows = Vec::new();
    for arm in arms {
        for search in &arm.searches {
            for (round, found) in &search.rounds {
                for step in &found.steps {
                    let outcome = match step.outcome {
                        scenarios::event::StepOutcome::Within => "within",
                        scenarios::event::StepOutcome::Beyond => "beyond",
                        scenarios::event::StepOutcome::NoEvidence => "says nothing",
                    };
                    rows.push(vec![
                        arm.plan.label.clone(),
                        search.plan.class.clone(),
                        outcome.to_owned(),
                        round.to_string(),
                        words::per_s(Some(step.rate_per_s)),
                        words::ms(step.latency_ms),
                        words::share(step.error_share),
                    ]);
                }
            }
        }
    }
    let head = ["arm", "requests", "objective", "round", "rate", "latency", "failed"];
    Table::new("Steps of the searches", 3, &head, rows)
}

fn facts(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let mut rows = Vec::new();
    for arm in arms {
        for round in arm.rounds {
            for (name, values) in &round.facts {
                let values: Vec<String> = values.iter().map(|value| words::number(*value)).collect();
                rows.push(vec![
                    arm.plan.label.clone(),
                    name.clone(),
                    round.round.to_string(),
                    values.join(", "),
                ]);
            }
        }
    }
    Table::new("Answers of the probes", 2, &["arm", "probe", "round", "answers"], rows)
}

fn instances(arms: &[ArmSummary<'_>]) -> Option<Table> {
    let rows = arms.iter().flat_map(|arm| {
        arm.instances.iter().map(|instance| {
            vec![
                arm.plan.label.clone(),
                instance.name.clone(),
                words::counted(instance.requests),
                words::ms(instance.cpu_ms),
                instance
                    .resident_bytes_max
                    .map_or_else(|| words::NOTHING.to_owned(), words::mebibytes),
            ]
        })
    });
    let head = ["arm", "instance", "answers to clients", "processor time", "most memory"];
    Table::new("Instances, all rounds", 2, &head, rows.collect())
}
