//! The bootstrap as it was: each draw clones every arm, merges all its histograms slice by slice, and makes the whole scope
//! anew, whatever the expressions read. Kept for the ratio alone.

use std::collections::{BTreeMap, BTreeSet};

use load::{Histogram, Slice};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use scenarios::event::SLICES_PER_S;
use scenarios::expression::{Expression, Scope};
use scenarios::plan::{ArmPlan, PaceSpec, Plan, WindowSpec};
use scenarios::state::{ArmState, ClassState, RoundState, RunState};
use serde_json::{Map, Value, json};

const BLOCK: u32 = SLICES_PER_S / 2;
const ROUNDS_ENOUGH: usize = 3;

/// The 95 % interval of each check of a plan.
pub fn intervals(plan: &Plan, state: &RunState, draws: u64) -> Vec<Option<(f64, f64)>> {
    let scopes: Vec<Scope> = (0..draws)
        .map(|draw| scope(plan, state, &Drawn::of(plan, state, plan.seed.wrapping_add(draw))))
        .collect();
    let interval = |source: &String| {
        let expression = Expression::compile(source).ok()?;
        let mut values: Vec<f64> = scopes
            .iter()
            .filter_map(|scope| expression.number(scope).ok())
            .collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            values
                .get(((values.len() as f64 - 1.0) * share).round() as usize)
                .copied()
        };
        Some((at(0.025)?, at(0.975)?))
    };
    plan.checks.iter().map(|check| interval(&check.value)).collect()
}

#[derive(Default)]
struct Drawn {
    rounds: BTreeMap<(usize, usize), u64>,
    slices: BTreeMap<(usize, usize, String, u32), u64>,
}

impl Drawn {
    fn of(plan: &Plan, state: &RunState, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut drawn = Self::default();
        for (arm, measured) in state.arms.iter().enumerate() {
            let rounds = measured.rounds.len();
            if rounds >= ROUNDS_ENOUGH {
                for _ in 0..rounds {
                    *drawn.rounds.entry((arm, rng.random_range(0..rounds))).or_default() += 1;
                }
                continue;
            }
            for (round, measured) in measured.rounds.iter().enumerate() {
                drawn.rounds.insert((arm, round), 1);
                for (window, slices) in slices_by_window(measured) {
                    for slice in again(&plan.arms[arm], &slices, &mut rng) {
                        *drawn.slices.entry((arm, round, window.clone(), slice)).or_default() += 1;
                    }
                }
            }
        }
        drawn
    }

    fn weight(&self, arm: usize, round: usize, window: &str, slice: u32) -> u64 {
        let of_round = self.rounds.get(&(arm, round)).copied().unwrap_or(0);
        if of_round == 0 || self.slices.is_empty() {
            return of_round;
        }
        let key = (arm, round, window.to_owned(), slice);
        self.slices.get(&key).copied().unwrap_or(0)
    }
}

fn again(arm: &ArmPlan, slices: &BTreeSet<u32>, rng: &mut Pcg64Mcg) -> Vec<u32> {
    let mut blocks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for slice in slices {
        blocks.entry(slice / BLOCK).or_default().push(*slice);
    }
    let blocks: Vec<Vec<u32>> = blocks.into_values().collect();
    if !arm.actions.is_empty() || arm.loads.iter().any(|load| matches!(load.pace, PaceSpec::At(_))) {
        let within = |block: &Vec<u32>| -> Vec<u32> {
            (0..block.len())
                .map(|_| block[rng.random_range(0..block.len())])
                .collect()
        };
        return blocks.iter().flat_map(within).collect();
    }
    (0..blocks.len())
        .flat_map(|_| blocks[rng.random_range(0..blocks.len())].clone())
        .collect()
}

fn slices_by_window(round: &RoundState) -> BTreeMap<String, BTreeSet<u32>> {
    let mut windows: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (index, window) in round.classes.values().flat_map(|class| class.slices.keys()) {
        windows.entry(window.clone()).or_default().insert(*index);
    }
    windows
}

fn scope(plan: &Plan, state: &RunState, drawn: &Drawn) -> Scope {
    let mut scope = Scope::new();
    scope.insert("cores".to_owned(), plan.cores.into());
    scope.insert("rounds".to_owned(), f64::from(plan.rounds).into());
    scope.insert("params".to_owned(), json!(plan.params));
    for (index, arm) in plan.arms.iter().enumerate() {
        let measured: ArmState = state.arms.get(index).cloned().unwrap_or_default();
        let mut map = Map::new();
        for load in &arm.loads {
            map.insert(
                load.class.clone(),
                class_value(index, &load.class, arm, &measured, drawn),
            );
        }
        scope.insert(arm.name.clone(), Value::Object(map));
    }
    scope
}

fn class_value(index: usize, class: &str, plan: &ArmPlan, arm: &ArmState, drawn: &Drawn) -> Value {
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
    let mut map = figures(index, &rounds, &whole, drawn);
    let total = |pick: fn(&ClassState) -> u64| rounds.iter().map(|(_, _, state)| pick(state)).sum::<u64>() as f64;
    map.insert("scheduled".to_owned(), total(|state| state.scheduled).into());
    map.insert("sent".to_owned(), total(|state| state.sent).into());
    map.insert("ok".to_owned(), total(|state| state.ok).into());
    map.insert("failed".to_owned(), total(ClassState::failed).into());
    for window in &plan.windows {
        let figures = figures(index, &rounds, window, drawn);
        map.insert(window.name.clone(), Value::Object(figures));
    }
    Value::Object(map)
}

fn figures(
    arm: usize,
    rounds: &[(usize, &RoundState, &ClassState)],
    window: &WindowSpec,
    drawn: &Drawn,
) -> Map<String, Value> {
    let mut sum = Slice::default();
    let (mut slices, mut weights) = (0_u64, 0_u64);
    for (round, _, class) in rounds {
        for ((index, name), slice) in &class.slices {
            if window.name.is_empty() || *name == window.name {
                let weight = drawn.weight(arm, *round, name, *index);
                slices += 1;
                weights += weight;
                for _ in 0..weight {
                    sum.merge(slice);
                }
            }
        }
    }
    let length_s: f64 = rounds
        .iter()
        .map(|(_, round, _)| (window.to_s.min(round.load_s) - window.from_s).max(0.0))
        .sum();
    let seconds = length_s * weights as f64 / slices.max(1) as f64;
    let failed: u64 = sum.errors.values().sum();
    let answered = (sum.ok + failed) as f64;
    let mut map = latency_figures(&sum.response);
    map.insert("n".to_owned(), answered.into());
    map.insert("service".to_owned(), Value::Object(latency_figures(&sum.service)));
    map.insert("lateness".to_owned(), Value::Object(latency_figures(&sum.lateness)));
    map.insert("rate_per_s".to_owned(), json!(sum.ok as f64 / seconds));
    map.insert("arrivals_per_s".to_owned(), json!(answered / seconds));
    map.insert("error_share".to_owned(), json!(failed as f64 / answered));
    map.insert("slow_share".to_owned(), json!(sum.slow as f64 / answered));
    map
}

fn latency_figures(latencies: &Histogram) -> Map<String, Value> {
    [
        ("mean", latencies.mean_ms()),
        ("p50", latencies.quantile_ms(0.5)),
        ("p90", latencies.quantile_ms(0.9)),
        ("p99", latencies.quantile_ms(0.99)),
        ("p99_9", latencies.quantile_ms(0.999)),
        ("min", latencies.min_ms()),
        ("max", latencies.max_ms()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), json!(value)))
    .collect()
}
