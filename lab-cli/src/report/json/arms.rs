//! The arms of `report.json`.

use std::collections::BTreeMap;

use history::ActionKind;
use scenarios::action::Acted;
use scenarios::event::{SearchStep, StoryTold};
use scenarios::state::RoundState;
use scenarios::summary::{
    ArmSummary, ClassSummary, Figures, InstanceSummary, InvariantSummary, Latencies, Recovery, SearchSummary,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Arm {
    name: String,
    label: String,
    classes: Vec<Class>,
    instances: Vec<Instance>,
    /// The last answer of each probe in the last round, and `CLASS.max_rate_per_s` of each search.
    facts: BTreeMap<String, Option<f64>>,
    searches: Vec<Search>,
    histories: Vec<History>,
    rounds: Vec<Round>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Class {
    name: String,
    /// Null, as the next three, where the load asked for nothing.
    scheduled: Option<u64>,
    sent: Option<u64>,
    ok: Option<u64>,
    errors: Option<BTreeMap<String, u64>>,
    load_s: f64,
    rate_per_s: Option<f64>,
    response_ms: Latency,
    service_ms: Latency,
    send_lateness_ms: Latency,
    failed_ms: Failed,
    /// Null where nothing is done under load, or a round never was as before.
    recovered_s: Option<f64>,
    windows: Vec<Window>,
}

/// Figures of a distribution in milliseconds; all null when nothing was measured.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    max: Option<f64>,
}

/// From the intended start to the failure of failed requests, milliseconds; null where none failed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Failed {
    p50: Option<f64>,
    p99: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Window {
    name: String,
    load_s: f64,
    /// Null, as the next one, where no request had its intended start in the window.
    ok: Option<u64>,
    errors: Option<BTreeMap<String, u64>>,
    response_ms: Latency,
    service_ms: Latency,
    failed_ms: Failed,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    name: String,
    service: String,
    /// Answers that clients had from it; null where no answer of its service names an instance.
    requests: Option<u64>,
    cpu_ms: Option<f64>,
    resident_bytes_max: Option<u64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Search {
    class: String,
    quantile: f64,
    within_ms: f64,
    max_rate_per_s: Option<f64>,
    rounds: Vec<SearchRound>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SearchRound {
    round: u32,
    within_per_s: Option<f64>,
    beyond_per_s: Option<f64>,
    steps: Vec<SearchStep>,
}

/// What came of holding a history to a law, over all rounds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct History {
    law: String,
    class: String,
    /// Null, as the next two, where a round was not judged, could not be, or had no operation.
    violations: Option<u64>,
    checked: Option<u64>,
    unknown: Option<u64>,
    /// For a law about how many there may be at once: the most of all rounds. Null where that is not known, and for any
    /// other law.
    most: Option<u64>,
    /// The first violations of each round, in words.
    messages: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Round {
    round: u32,
    complete: bool,
    startup_ms: Option<f64>,
    load_s: f64,
    facts: BTreeMap<String, Vec<f64>>,
    actions: Vec<Action>,
    crashes: Vec<String>,
    /// What happened to single orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stories: Vec<StoryTold>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Action {
    kind: ActionKind,
    planned_s: f64,
    began_s: f64,
    /// When it was done.
    at_s: f64,
    words: String,
    failure: Option<String>,
}

/// One arm.
pub(super) fn arm(arm: &ArmSummary<'_>) -> Arm {
    let last_facts = arm.rounds.iter().flat_map(|round| &round.facts);
    let mut facts: BTreeMap<String, Option<f64>> = last_facts
        .map(|(name, values)| (name.clone(), values.last().copied()))
        .collect();
    for search in &arm.searches {
        let name = format!("{}.max_rate_per_s", search.plan.class);
        facts.insert(name, search.found.max_rate_per_s);
    }
    Arm {
        name: arm.plan.name.clone(),
        label: arm.plan.label.clone(),
        classes: arm.classes.iter().map(class).collect(),
        instances: arm.instances.iter().map(instance).collect(),
        facts,
        searches: arm.searches.iter().map(search).collect(),
        histories: arm.invariants.iter().map(history).collect(),
        rounds: arm.rounds.iter().map(round).collect(),
    }
}

fn history(law: &InvariantSummary<'_>) -> History {
    let count = |number: Option<f64>| number.map(|number| number as u64);
    History {
        law: law.plan.name.clone(),
        class: law.plan.of.clone(),
        violations: count(law.violations),
        checked: count(law.checked),
        unknown: count(law.unknown),
        most: law.peak.and_then(|peak| count(peak.most)),
        messages: law.messages.clone(),
    }
}

fn class(class: &ClassSummary) -> Class {
    let windows = class.windows.iter().map(|window| Window {
        name: window.name.clone(),
        load_s: window.load_s,
        ok: window.answered().map(|_| window.total.ok),
        errors: window.answered().map(|_| window.total.errors.clone()),
        response_ms: latency(&window.figures.response),
        service_ms: latency(&window.figures.service),
        failed_ms: failed(&window.figures),
    });
    let figures = &class.whole.figures;
    Class {
        name: class.name.clone(),
        scheduled: class.counts.scheduled,
        sent: class.counts.sent,
        ok: class.counts.ok,
        errors: class.errors.clone(),
        load_s: class.whole.load_s,
        rate_per_s: figures.rate_per_s,
        response_ms: latency(&figures.response),
        service_ms: latency(&figures.service),
        send_lateness_ms: latency(&figures.lateness),
        failed_ms: failed(figures),
        recovered_s: class.recovery.as_ref().and_then(Recovery::mean_s),
        windows: windows.collect(),
    }
}

fn failed(figures: &Figures) -> Failed {
    Failed {
        p50: figures.failed_p50,
        p99: figures.failed_p99,
    }
}

fn latency(latencies: &Latencies) -> Latency {
    let [mean, p50, p90, p99, p99_9, max] = latencies.row();
    Latency {
        mean,
        p50,
        p90,
        p99,
        p99_9,
        max,
    }
}

fn instance(instance: &InstanceSummary) -> Instance {
    Instance {
        name: instance.name.clone(),
        service: instance.service.clone(),
        requests: instance.requests,
        cpu_ms: instance.cpu_ms,
        resident_bytes_max: instance.resident_bytes_max,
    }
}

fn search(search: &SearchSummary<'_>) -> Search {
    let rounds = search.rounds.iter().map(|(round, found)| SearchRound {
        round: *round,
        within_per_s: found.within_per_s,
        beyond_per_s: found.beyond_per_s,
        steps: found.steps.clone(),
    });
    Search {
        class: search.plan.class.clone(),
        quantile: search.plan.quantile,
        within_ms: search.plan.within_ms,
        max_rate_per_s: search.found.max_rate_per_s,
        rounds: rounds.collect(),
    }
}

fn round(round: &RoundState) -> Round {
    let action = |acted: &Acted| Action {
        kind: acted.command.kind(),
        planned_s: acted.planned_s,
        began_s: acted.began_s,
        at_s: acted.done_s,
        words: acted.words(),
        failure: acted.failure.clone(),
    };
    Round {
        round: round.round,
        complete: round.complete,
        startup_ms: round.startup_ms,
        load_s: round.load_s,
        facts: round.facts.clone(),
        actions: round.actions.iter().map(action).collect(),
        crashes: round.crashes.clone(),
        stories: round.stories.clone(),
    }
}
