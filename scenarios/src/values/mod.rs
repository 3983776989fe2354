//! The measured values of a run, as the tree that checks and lessons read.
//!
//! `ARM.CLASS.p99` is a latency in milliseconds from the intended start; `ARM.CLASS.service.p99` the same from the
//! actual send; `ARM.CLASS.WINDOW.…` the same of the requests meant to start in that window. A value that was not
//! measured is `null`, and an expression that needs it says so.

mod figures;
mod histories;
mod resample;
mod simulated;

pub use resample::Resample;

use std::collections::{BTreeMap, BTreeSet};

use contract::Program;
use serde_json::{Map, Value, json};

use crate::event::{FACT_OF_DEATHS, FACTS_OF_SETTLING};
use crate::expression::Scope;
use crate::plan::{ArmPlan, Plan, WindowSpec};
use crate::state::{ArmState, ClassState, RoundState, RunState, SearchState};

/// The scope of a run's expressions and lesson.
pub fn scope(plan: &Plan, state: &RunState) -> Scope {
    resampled_scope(plan, state, &Resample::identity())
}

/// The same scope, had the measurement been drawn again: what the bootstrap evaluates.
pub fn resampled_scope(plan: &Plan, state: &RunState, resample: &Resample) -> Scope {
    let mut scope = Scope::new();
    scope.insert("cores".to_owned(), plan.cores.into());
    scope.insert("rounds".to_owned(), f64::from(plan.rounds).into());
    scope.insert("params".to_owned(), json!(plan.params));
    for (index, arm) in plan.arms.iter().enumerate() {
        let measured = state.arms.get(index).cloned().unwrap_or_default();
        scope.insert(arm.name.clone(), arm_value(index, arm, &measured, resample));
    }
    if !plan.simulations.is_empty() {
        scope.insert("simulated".to_owned(), simulated::value(plan, state));
    }
    for left_out in &plan.left_out {
        let arm = &left_out.arm;
        let mut value = arm_value(plan.arms.len(), arm, &ArmState::default(), &Resample::identity());
        empty(&mut value);
        scope.insert(arm.name.clone(), value);
    }
    scope
}

fn arm_value(index: usize, plan: &ArmPlan, arm: &ArmState, resample: &Resample) -> Value {
    let mut map = Map::new();
    let instances = plan
        .system
        .services
        .iter()
        .find(|service| service.name == plan.system.entry);
    map.insert(
        "instances".to_owned(),
        instances.map_or(1.0, |service| f64::from(service.instances)).into(),
    );
    map.insert("rounds".to_owned(), counted(!arm.rounds.is_empty(), arm.rounds.len()));
    for load in &plan.loads {
        map.insert(load.class.clone(), class_value(index, &load.class, plan, arm, resample));
    }
    for clients in &plan.clients {
        let class = plan.clients.iter().filter(|other| other.class == clients.class);
        let fields: Vec<String> = class.flat_map(|clients| clients.outputs.clone()).collect();
        map.insert(
            clients.class.clone(),
            histories::class_value(&clients.class, &fields, arm),
        );
    }
    for law in &plan.laws {
        map.insert(law.name.clone(), histories::law_value(law, arm));
    }
    for search in &plan.searches {
        map.insert(search.class.clone(), search_value(index, &search.class, arm, resample));
    }
    let settling = FACTS_OF_SETTLING
        .into_iter()
        .filter(|_| plan.system.has(Program::Kafka));
    let deaths = Some(FACT_OF_DEATHS).filter(|_| !plan.revived.is_empty());
    let probes = plan.probes.iter().map(|probe| (probe.name.as_str(), probe.times));
    let own = settling.chain(deaths).map(|name| (name, 1));
    for (name, times) in probes.chain(own) {
        map.insert(name.to_owned(), facts_value(name, times, arm));
    }
    Value::Object(map)
}

/// A count, where there was something to count; what was never looked at is not zero.
fn counted(measured: bool, count: usize) -> Value {
    if measured { (count as f64).into() } else { Value::Null }
}

/// The answers to one question over all rounds; nothing where an answer is missing, since the others tell another story.
fn facts_value(name: &str, times: u32, arm: &ArmState) -> Value {
    let answers: Vec<&Vec<f64>> = arm.rounds.iter().filter_map(|round| round.facts.get(name)).collect();
    let whole = answers.len() == arm.rounds.len() && answers.iter().all(|answers| answers.len() >= times as usize);
    let known = if whole {
        answers.into_iter().flatten().copied().collect()
    } else {
        Vec::new()
    };
    answers_value(&known)
}

fn class_value(arm_index: usize, class: &str, plan: &ArmPlan, arm: &ArmState, resample: &Resample) -> Value {
    let rounds: Vec<(usize, &RoundState, &ClassState)> = arm
        .rounds
        .iter()
        .enumerate()
        .filter_map(|(index, round)| round.classes.get(class).map(|state| (index, round, state)))
        .collect();
    let whole = WindowSpec {
        name: String::new(),
        from_s: 0.0,
        to_s: plan.duration_s,
    };
    let mut map = figures::figures(arm_index, &rounds, &whole, resample);
    let total = |pick: fn(&ClassState) -> u64| rounds.iter().map(|(_, _, state)| pick(state)).sum::<u64>() as usize;
    // A load that wanted nothing measured nothing, and of what was not sent nobody knows whether it would have failed.
    let (scheduled, sent) = (total(|state| state.scheduled), total(|state| state.sent));
    map.insert("scheduled".to_owned(), counted(scheduled > 0, scheduled));
    map.insert("sent".to_owned(), counted(scheduled > 0, sent));
    map.insert("ok".to_owned(), counted(sent > 0, total(|state| state.ok)));
    map.insert("failed".to_owned(), counted(sent > 0, total(ClassState::failed)));
    let collected: Vec<f64> = rounds
        .iter()
        .flat_map(|(_, _, state)| &state.collected)
        .filter_map(Value::as_f64)
        .collect();
    map.insert("collected".to_owned(), answers_value(&collected));
    map.insert(
        "duplicates".to_owned(),
        counted(!collected.is_empty(), duplicates(&rounds)),
    );
    map.insert("by_instance".to_owned(), by_instance(&rounds));
    for window in &plan.windows {
        map.insert(
            window.name.clone(),
            Value::Object(figures::figures(arm_index, &rounds, window, resample)),
        );
    }
    Value::Object(map)
}

/// Answers that repeat one given before in the same round.
fn duplicates(rounds: &[(usize, &RoundState, &ClassState)]) -> usize {
    let repeated = |values: &[Value]| {
        let distinct: BTreeSet<String> = values.iter().map(Value::to_string).collect();
        values.len() - distinct.len()
    };
    rounds.iter().map(|(_, _, state)| repeated(&state.collected)).sum()
}

fn distinct(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}

fn answers_value(answers: &[f64]) -> Value {
    let any = !answers.is_empty();
    json!({
        "n": counted(any, answers.len()),
        "distinct": counted(any, distinct(answers)),
        "min": answers.iter().copied().reduce(f64::min),
        "max": answers.iter().copied().reduce(f64::max),
        "sum": any.then(|| answers.iter().sum::<f64>()),
        "last": answers.last(),
    })
}

fn by_instance(rounds: &[(usize, &RoundState, &ClassState)]) -> Value {
    let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, _, state) in rounds {
        for (name, answered) in &state.by_instance {
            *requests.entry(name).or_default() += answered.requests;
        }
    }
    let total: u64 = requests.values().sum();
    let of = |(name, count): (&str, u64)| {
        (
            name.to_owned(),
            json!({ "requests": count as f64, "share": count as f64 / total as f64 }),
        )
    };
    Value::Object(requests.into_iter().map(of).collect())
}

fn search_value(arm_index: usize, class: &str, arm: &ArmState, resample: &Resample) -> Value {
    let searches: Vec<Option<&SearchState>> = arm.rounds.iter().map(|round| round.searches.get(class)).collect();
    let found = |of: fn(&SearchState) -> Option<f64>| -> Option<Vec<f64>> {
        searches.iter().map(|search| of((*search)?)).collect()
    };
    let (within, beyond) = (found(|search| search.within_per_s), found(|search| search.beyond_per_s));
    // A rate is known where both of its ends are, in every round: the rounds that found one would speak for those that
    // did not, and a rate that was only seen to be served is no limit.
    let brackets: Vec<(f64, f64)> = within
        .iter()
        .flatten()
        .copied()
        .zip(beyond.iter().flatten().copied())
        .collect();
    let measured = !searches.is_empty() && searches.iter().flatten().all(|search| !search.steps.is_empty());
    json!({
        "max_rate_per_s": resample.rate(arm_index, &brackets),
        "within_per_s": within.into_iter().flatten().reduce(f64::min),
        "beyond_per_s": beyond.iter().flatten().copied().reduce(f64::max),
        "bracketed": measured.then(|| f64::from(u8::from(beyond.is_some()))),
    })
}

/// A scope in which everything that the plan can measure has a value: what scenarios and lessons are checked against.
pub(crate) fn filled(plan: &Plan) -> Scope {
    let mut scope = scope(plan, &RunState::default());
    if let Some(simulated) = scope.get_mut("simulated") {
        fill(simulated);
    }
    for arm in plan.arms.iter().chain(plan.left_out.iter().map(|out| &out.arm)) {
        if let Some(value) = scope.get_mut(&arm.name) {
            fill(value);
            for load in &arm.loads {
                let names = arm.system.services.iter().flat_map(instance_names);
                let by_instance = names.map(|name| (name, json!({ "requests": 1.0, "share": 1.0 })));
                value[&load.class]["by_instance"] = Value::Object(by_instance.collect());
            }
        }
    }
    scope
}

fn instance_names(service: &compose::ServiceSpec) -> Vec<String> {
    (1..=service.instances)
        .map(|number| format!("{}-{number}", service.name))
        .collect()
}

/// Takes every value away: nothing was measured, not even that nothing failed.
fn empty(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(empty),
        other => *other = Value::Null,
    }
}

/// Puts 1 where nothing was measured, and where a zero would make a ratio meaningless.
fn fill(value: &mut Value) {
    match value {
        Value::Null => *value = json!(1.0),
        Value::Number(_) => *value = json!(1.0),
        Value::Object(map) => map.values_mut().for_each(fill),
        _ => {}
    }
}
