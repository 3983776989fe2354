//! What simulations came to, as values of expressions: `simulated.NAME.POLICY.nSERVERS.FIGURE`.

use serde_json::{Map, Value, json};

use crate::event::{Simulated, SimulatedPoint};
use crate::plan::{Plan, SimulationSpec};

/// One value for each simulation; figures of those that were not played are `null`.
pub(super) fn value(plan: &Plan, simulated: &[Simulated]) -> Value {
    let of = |spec: &SimulationSpec| {
        let played = simulated.iter().find(|played| played.name == spec.name);
        (
            spec.name.clone(),
            one(spec, played.map_or(&[], |played| &played.points)),
        )
    };
    Value::Object(plan.simulations.iter().map(of).collect())
}

fn one(spec: &SimulationSpec, points: &[SimulatedPoint]) -> Value {
    let mut policies = Map::new();
    for policy in &spec.policies {
        let numbers = spec.servers.iter().map(|servers| {
            let point = points
                .iter()
                .find(|point| point.policy == *policy && point.servers == *servers);
            (format!("n{servers}"), figures(point))
        });
        policies.insert(policy.clone(), Value::Object(numbers.collect()));
    }
    Value::Object(policies)
}

fn figures(point: Option<&SimulatedPoint>) -> Value {
    json!({
        "fullest": point.map(|point| point.fullest),
        "lost": point.and_then(|point| point.lost),
        "mean_ms": point.and_then(|point| point.mean_ms),
        "p99_ms": point.and_then(|point| point.p99_ms),
        "busiest_over_mean": point.and_then(|point| point.busiest_over_mean),
        "slow_share": point.and_then(|point| point.slow_share),
    })
}
