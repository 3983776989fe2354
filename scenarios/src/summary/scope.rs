//! The serialised form of what was measured: the tree of values that expressions and lessons read.
//!
//! `ARM.CLASS.p99` is a latency in milliseconds from the intended start; `ARM.CLASS.service.p99` the same from the
//! actual send; `ARM.CLASS.WINDOW.…` the same of the requests meant to start in that window. A value that was not
//! measured is `null`, and an expression that needs it says so.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::arm::ArmSummary;
use super::class::ClassSummary;
use super::measured::Measured;
use super::simulated;
use crate::expression::Scope;
use crate::plan::{ArmPlan, Plan};
use crate::state::{ArmState, RunState};

impl Measured<'_> {
    /// The scope of a run's expressions and of its lesson.
    pub fn scope(&self) -> Scope {
        let plan = self.plan;
        let mut scope = Scope::new();
        scope.insert("cores".to_owned(), plan.cores.into());
        scope.insert("rounds".to_owned(), f64::from(plan.rounds).into());
        scope.insert("params".to_owned(), json!(plan.params));
        for arm in &self.arms {
            scope.insert(arm.plan.name.clone(), value(arm));
        }
        if !plan.simulations.is_empty() {
            scope.insert("simulated".to_owned(), simulated::value(plan, self.simulated));
        }
        for left_out in &plan.left_out {
            let nothing = ArmState::default();
            let mut value = value(&ArmSummary::of(&left_out.arm, &nothing));
            empty(&mut value);
            scope.insert(left_out.arm.name.clone(), value);
        }
        scope
    }
}

/// A part of the summary as a value: none of them has a key that is not a text.
fn value(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

impl Serialize for ArmSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.plan.system.service(&self.plan.system.entry);
        let mut map = Map::new();
        let instances = entry.map_or(1.0, |service| f64::from(service.instances));
        map.insert("instances".to_owned(), instances.into());
        let rounds = (!self.rounds.is_empty()).then_some(self.rounds.len() as f64);
        map.insert("rounds".to_owned(), rounds.into());
        // A search goes by the name of its class, and so do the figures of its requests, which it drives as it likes.
        for class in self.classes.iter().filter(|class| is_planned(self.plan, &class.name)) {
            map.insert(class.name.clone(), value(class));
        }
        for operations in &self.operations {
            map.insert(operations.class.clone(), value(operations));
        }
        for law in &self.invariants {
            map.insert(law.plan.name.clone(), value(law));
        }
        for search in &self.searches {
            map.insert(search.plan.class.clone(), value(&search.found));
        }
        for (name, answers) in &self.facts {
            map.insert((*name).to_owned(), value(answers));
        }
        map.serialize(serializer)
    }
}

impl Serialize for ClassSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let float = |count: Option<u64>| count.map(|count| count as f64);
        let mut map = serializer.serialize_map(None)?;
        let Value::Object(figures) = value(&self.whole.figures) else {
            unreachable!("figures are a map")
        };
        for (name, value) in &figures {
            map.serialize_entry(name, value)?;
        }
        for (name, count) in [
            ("scheduled", self.counts.scheduled),
            ("sent", self.counts.sent),
            ("ok", self.counts.ok),
            ("failed", self.counts.failed),
        ] {
            map.serialize_entry(name, &float(count))?;
        }
        if let Some(recovery) = &self.recovery {
            map.serialize_entry("recovered_s", &recovery.mean_s())?;
        }
        map.serialize_entry("collected", &self.collected)?;
        map.serialize_entry("duplicates", &self.duplicates)?;
        map.serialize_entry("by_instance", &self.by_instance)?;
        for window in &self.windows {
            map.serialize_entry(&window.name, &window.figures)?;
        }
        map.end()
    }
}

/// Whether a load of the plan has this class.
pub(super) fn is_planned(plan: &ArmPlan, class: &str) -> bool {
    plan.loads.iter().any(|load| load.class == class)
}

/// A scope in which everything that the plan can measure has a value: what scenarios and lessons are checked against.
pub(crate) fn filled(plan: &Plan) -> Scope {
    let mut scope = Measured::of(plan, &RunState::default()).scope();
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

/// The same where a run measured only its own arms, and not those that it leaves out.
pub(crate) fn filled_as_run(plan: &Plan) -> Scope {
    let mut scope = filled(plan);
    for out in &plan.left_out {
        if let Some(value) = scope.get_mut(&out.arm.name) {
            empty(value);
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
