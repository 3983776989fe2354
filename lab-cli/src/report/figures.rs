//! What a run measured, arm by arm and over all rounds: the sums that every format shows.

use std::collections::BTreeMap;

use load::{Histogram, Slice};
use scenarios::expression::Scope;
use scenarios::plan::{ArmPlan, SearchSpec, WindowSpec};
use scenarios::state::{ArmState, ClassState, LiveInstance, RoundState, RunState, SearchState};
use scenarios::values;
use serde_json::Value;

/// One arm.
pub(super) struct ArmFigures<'a> {
    /// What was planned.
    pub(super) plan: &'a ArmPlan,
    /// Its measurements.
    pub(super) rounds: &'a [RoundState],
    /// Its classes of requests, in the order of the plan.
    pub(super) classes: Vec<ClassFigures>,
    /// Its instances, in order of their start.
    pub(super) instances: Vec<InstanceFigures>,
    /// Its searches, in the order of the plan.
    pub(super) searches: Vec<SearchFigures<'a>>,
}

/// One class of requests over some rounds.
pub(super) struct ClassFigures {
    /// Name.
    pub(super) name: String,
    /// Requests that the schedule asked for.
    pub(super) scheduled: u64,
    /// Requests sent.
    pub(super) sent: u64,
    /// Requests answered well.
    pub(super) ok: u64,
    /// Failed requests by kind.
    pub(super) errors: BTreeMap<String, u64>,
    /// Seconds of load behind these figures.
    pub(super) load_s: f64,
    /// All slices together.
    pub(super) total: Slice,
    /// The slices of each planned window together.
    pub(super) windows: Vec<WindowFigures>,
}

/// One class of requests in one window.
pub(super) struct WindowFigures {
    /// Name of the window.
    pub(super) name: String,
    /// Seconds of it that were driven, over all rounds.
    pub(super) load_s: f64,
    /// Its slices together.
    pub(super) total: Slice,
}

/// One instance over all rounds of an arm.
pub(super) struct InstanceFigures {
    /// Its name.
    pub(super) name: String,
    /// Its service; empty for one that is only known from its answers.
    pub(super) service: String,
    /// Answers that clients had from it.
    pub(super) requests: u64,
    /// Processor time, summed over rounds; none where the backend cannot tell.
    pub(super) cpu_ms: Option<f64>,
    /// The most memory seen; none where the backend cannot tell.
    pub(super) resident_bytes_max: Option<u64>,
}

/// One search over all rounds of an arm.
pub(super) struct SearchFigures<'a> {
    /// What was planned.
    pub(super) plan: &'a SearchSpec,
    /// (round, what it found), as far as it ran.
    pub(super) rounds: Vec<(u32, &'a SearchState)>,
    /// The highest rate within the objective, as checks read it; none when no rate met it.
    pub(super) max_rate_per_s: Option<f64>,
}

/// The arms of a run in the order of its plan; none before the run began.
pub(super) fn arms(state: &RunState) -> Vec<ArmFigures<'_>> {
    let Some(info) = &state.info else {
        return Vec::new();
    };
    // The rate found by a search is a mean of brackets; it is read from where checks read it, so that both agree.
    let searching = info.plan.arms.iter().any(|arm| !arm.searches.is_empty());
    let scope = if searching {
        values::scope(&info.plan, state)
    } else {
        Scope::new()
    };
    let plans = info.plan.arms.iter();
    plans
        .zip(&state.arms)
        .map(|(plan, arm)| arm_figures(plan, arm, scope.get(&plan.name)))
        .collect()
}

fn arm_figures<'a>(plan: &'a ArmPlan, arm: &'a ArmState, values: Option<&Value>) -> ArmFigures<'a> {
    let classes = class_names(plan, &arm.rounds)
        .iter()
        .map(|name| class_figures(plan, name, &arm.rounds))
        .collect();
    let search = |search: &'a SearchSpec| SearchFigures {
        plan: search,
        rounds: arm
            .rounds
            .iter()
            .filter_map(|round| round.searches.get(&search.class).map(|found| (round.round, found)))
            .collect(),
        max_rate_per_s: values
            .and_then(|values| values.get(&search.class)?.get("max_rate_per_s")?.as_f64())
            .filter(|rate| rate.is_finite()),
    };
    ArmFigures {
        plan,
        rounds: &arm.rounds,
        classes,
        instances: instance_figures(&arm.rounds),
        searches: plan.searches.iter().map(search).collect(),
    }
}

/// The classes of an arm: those of the plan, then any other that was measured.
pub(super) fn class_names(plan: &ArmPlan, rounds: &[RoundState]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let measured = rounds.iter().flat_map(|round| round.classes.keys());
    for name in plan.loads.iter().map(|load| &load.class).chain(measured) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The sums of one class over these rounds.
pub(super) fn class_figures(plan: &ArmPlan, name: &str, rounds: &[RoundState]) -> ClassFigures {
    let whole = WindowSpec {
        name: String::new(),
        from_s: 0.0,
        to_s: plan.duration_s,
    };
    let mut figures = ClassFigures {
        name: name.to_owned(),
        scheduled: 0,
        sent: 0,
        ok: 0,
        errors: BTreeMap::new(),
        load_s: driven_s(&whole, rounds),
        total: Slice::default(),
        windows: plan
            .windows
            .iter()
            .map(|window| window_figures(window, name, rounds))
            .collect(),
    };
    for class in rounds.iter().filter_map(|round| round.classes.get(name)) {
        figures.scheduled += class.scheduled;
        figures.sent += class.sent;
        figures.ok += class.ok;
        for (kind, count) in &class.errors {
            *figures.errors.entry(kind.clone()).or_default() += count;
        }
        figures.total.merge(&class.total);
    }
    figures
}

fn window_figures(window: &WindowSpec, class: &str, rounds: &[RoundState]) -> WindowFigures {
    let mut total = Slice::default();
    for class in rounds.iter().filter_map(|round| round.classes.get(class)) {
        for (_, slice) in class.slices.iter().filter(|((_, name), _)| *name == window.name) {
            total.merge(slice);
        }
    }
    WindowFigures {
        name: window.name.clone(),
        load_s: driven_s(window, rounds),
        total,
    }
}

/// Seconds of a window that were really driven; waiting for late answers after the load does not count. An arm
/// without a planned length (0) counts all.
fn driven_s(window: &WindowSpec, rounds: &[RoundState]) -> f64 {
    let end = |round: &RoundState| {
        if window.to_s > 0.0 {
            window.to_s.min(round.load_s)
        } else {
            round.load_s
        }
    };
    rounds.iter().map(|round| (end(round) - window.from_s).max(0.0)).sum()
}

fn instance_figures(rounds: &[RoundState]) -> Vec<InstanceFigures> {
    let mut all: Vec<InstanceFigures> = Vec::new();
    for round in rounds {
        for instance in &round.instances {
            let known = entry(&mut all, &instance.name);
            known.service.clone_from(&instance.service);
            add_use(known, instance);
        }
        for (name, answered) in round.classes.values().flat_map(|class| &class.by_instance) {
            entry(&mut all, name).requests += answered.requests;
        }
    }
    all
}

fn entry<'a>(all: &'a mut Vec<InstanceFigures>, name: &str) -> &'a mut InstanceFigures {
    let at = all.iter().position(|known| known.name == name).unwrap_or_else(|| {
        all.push(InstanceFigures {
            name: name.to_owned(),
            service: String::new(),
            requests: 0,
            cpu_ms: None,
            resident_bytes_max: None,
        });
        all.len() - 1
    });
    &mut all[at]
}

fn add_use(known: &mut InstanceFigures, instance: &LiveInstance) {
    let Some(stats) = &instance.stats else { return };
    if let Some(cpu_ms) = stats.cpu_ms {
        known.cpu_ms = Some(known.cpu_ms.unwrap_or(0.0) + cpu_ms as f64);
    }
    if instance.resident_bytes_max > 0 {
        known.resident_bytes_max = known.resident_bytes_max.max(Some(instance.resident_bytes_max));
    }
}

impl WindowFigures {
    /// Requests that came to an end, well or not; none where there was none.
    pub(super) fn answered(&self) -> Option<u64> {
        let all = self.total.ok + self.total.errors.values().sum::<u64>();
        (all > 0).then_some(all)
    }
}

impl ClassFigures {
    /// Failed requests of any kind.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Requests scheduled, sent, answered well and failed; none where there was nothing to count.
    pub(super) fn counts(&self) -> [Option<u64>; 4] {
        let any = self.scheduled > 0;
        let sent = any && self.sent > 0;
        [
            any.then_some(self.scheduled),
            any.then_some(self.sent),
            sent.then_some(self.ok),
            sent.then(|| self.failed()),
        ]
    }

    /// Failed requests by kind; none where no request was sent.
    pub(super) fn failures(&self) -> Option<&BTreeMap<String, u64>> {
        (self.scheduled > 0 && self.sent > 0).then_some(&self.errors)
    }

    /// Good answers per second of load; none without load, and where nothing was sent.
    pub(super) fn rate_per_s(&self) -> Option<f64> {
        (self.load_s > 0.0 && self.sent > 0).then(|| self.ok as f64 / self.load_s)
    }
}

/// The sums of a class in one round.
pub(super) fn one_round(plan: &ArmPlan, name: &str, round: &RoundState) -> ClassFigures {
    class_figures(plan, name, std::slice::from_ref(round))
}

/// The figures of a latency distribution that tables show, in this order: mean, p50, p90, p99, p99.9, max.
pub(super) fn latency_row(latencies: &Histogram) -> [Option<f64>; 6] {
    let quantile = |q: f64| latencies.quantile_ms(q);
    [
        latencies.mean_ms(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(0.999),
        latencies.max_ms(),
    ]
}

/// The class states of a name over rounds.
pub(super) fn states<'a>(rounds: &'a [RoundState], class: &str) -> Vec<&'a ClassState> {
    rounds.iter().filter_map(|round| round.classes.get(class)).collect()
}

/// The names of all classes, in order of first appearance.
pub(super) fn all_classes(arms: &[ArmFigures<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for class in arms.iter().flat_map(|arm| &arm.classes) {
        if !names.contains(&class.name) {
            names.push(class.name.clone());
        }
    }
    names
}
