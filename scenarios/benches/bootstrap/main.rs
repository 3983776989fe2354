//! How long the checks of the catalogue's largest scenario take to be decided, beside the bootstrap that this one replaced.
//!
//! `cargo bench -p scenarios`. The run is invented: every load of every turn has as many answers as its plan asks for. The last
//! line is the ratio of both, measured one after the other in this one run.

mod clones;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use load::{ClassSample, Histogram, InstanceSample, Sample, Slice};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use scenarios::catalog;
use scenarios::checks::decide;
use scenarios::event::{EVENT_VERSION, EventKind, Machine, RunEvent, RunInfo, SLICES_PER_S};
use scenarios::plan::{ArmPlan, LoadSpec, Options, PaceSpec, Plan};
use scenarios::scenario::Scenario;
use scenarios::state::RunState;

/// Rounds of the ratio; each figure is the median of them.
const ROUNDS: usize = 5;

/// The scenario whose run has most slices, with its run.
fn largest() -> (Plan, RunState) {
    let slices = |plan: &Plan| -> f64 {
        let of_turn = |turn: &scenarios::plan::Turn| {
            let arm = &plan.arms[turn.arm];
            arm.duration_s * arm.loads.len() as f64
        };
        plan.turns.iter().map(of_turn).sum()
    };
    let options = Options {
        cores: 2,
        ..Options::default()
    };
    let plans = catalog::names().into_iter().filter_map(|name| {
        let scenario = Scenario::parse(catalog::source(name).ok()?).ok()?;
        Plan::make(&scenario, &options).ok()
    });
    let plan = plans
        .max_by(|a, b| slices(a).total_cmp(&slices(b)))
        .expect("the catalogue has scenarios");
    let state = run(&plan);
    (plan, state)
}

fn run(plan: &Plan) -> RunState {
    let mut state = RunState::default();
    let mut seq = 0;
    let mut say = |kind| {
        state.apply(&RunEvent {
            seq,
            elapsed_ms: seq,
            kind,
        });
        seq += 1;
    };
    say(EventKind::RunStarted(Box::new(RunInfo {
        version: EVENT_VERSION,
        run: "invented".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        backend: "process".to_owned(),
        machine: Machine {
            cores: 2,
            os: "none".to_owned(),
            lab: "none".to_owned(),
        },
        plan: plan.clone(),
        expected: None,
    })));
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    for (turn, planned) in plan.turns.iter().enumerate() {
        let arm = &plan.arms[planned.arm];
        say(EventKind::TurnStarted { turn });
        for index in 0..(arm.duration_s * f64::from(SLICES_PER_S)) as u32 {
            let classes = arm.loads.iter().map(|load| class(arm, load, index, &mut rng));
            say(EventKind::Sample(Box::new(Sample {
                at_s: f64::from(index + 1) / f64::from(SLICES_PER_S),
                span_s: 1.0 / f64::from(SLICES_PER_S),
                classes: classes.collect(),
                ..Sample::default()
            })));
        }
        say(EventKind::TurnEnded);
    }
    state
}

/// What a slice of a load brought.
fn class(arm: &ArmPlan, load: &LoadSpec, index: u32, rng: &mut Pcg64Mcg) -> ClassSample {
    let at_s = f64::from(index) / f64::from(SLICES_PER_S);
    let count = (rate_per_s(load, at_s) / f64::from(SLICES_PER_S)).round() as u64;
    let window = arm
        .windows
        .iter()
        .find(|window| (window.from_s..window.to_s).contains(&at_s));
    let mut slice = Slice {
        window: window.map(|window| window.name.clone()).unwrap_or_default(),
        index,
        scheduled: count,
        sent: count,
        ok: count,
        ..Slice::default()
    };
    for _ in 0..count {
        let ms = 2.0 - 8.0 * (1.0 - rng.random::<f64>()).ln();
        record(&mut slice.response, ms);
        record(&mut slice.service, ms * 0.9);
        record(&mut slice.lateness, 0.05);
        record(&mut slice.dispatch_lateness, 0.05);
    }
    ClassSample {
        class: load.class.clone(),
        scheduled: count,
        sent: count,
        ok: count,
        in_flight_time_s: 0.1,
        by_instance: vec![InstanceSample {
            instance: format!("{}-1", load.service),
            requests: count,
            ..InstanceSample::default()
        }],
        slices: vec![slice],
        ..ClassSample::default()
    }
}

fn rate_per_s(load: &LoadSpec, at_s: f64) -> f64 {
    match &load.pace {
        PaceSpec::Open { stages, .. } => {
            let mut end_s = 0.0;
            let current = stages.iter().find(|(_, _, lasts_s)| {
                end_s += lasts_s;
                at_s < end_s
            });
            current.map_or(0.0, |(from, to, _)| f64::midpoint(*from, *to))
        }
        PaceSpec::Closed { connections, .. } => *connections as f64 * 20.0,
        PaceSpec::At(_) => 1.0,
    }
}

fn record(histogram: &mut Histogram, ms: f64) {
    histogram.record(Duration::from_nanos((ms * 1e6) as u64));
}

fn bootstrap(criterion: &mut Criterion) {
    let (plan, state) = largest();
    let mut group = criterion.benchmark_group(format!("checks of {}", plan.scenario));
    group.sample_size(10);
    group.bench_function("2,000 draws by index", |bencher| {
        bencher.iter(|| decide(black_box(&plan), black_box(&state)));
    });
    group.bench_function("200 draws with clones", |bencher| {
        bencher.iter(|| clones::intervals(black_box(&plan), black_box(&state), 200));
    });
    group.finish();

    let (mut by_index, mut with_clones) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_index.push(timed(|| drop(black_box(decide(&plan, &state)))));
        with_clones.push(timed(|| drop(black_box(clones::intervals(&plan, &state, 200)))));
    }
    let (by_index, with_clones) = (median(by_index), median(with_clones));
    println!(
        "{} ({} arms, {} checks): 2,000 draws by index {:.0} ms, 200 draws with clones {:.0} ms: ratio {:.2}",
        plan.scenario,
        plan.arms.len(),
        plan.checks.len(),
        by_index * 1e3,
        with_clones * 1e3,
        by_index / with_clones
    );
}

/// Seconds that something takes.
fn timed(what: impl FnOnce()) -> f64 {
    let began = Instant::now();
    what();
    began.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

criterion_group!(benches, bootstrap);
criterion_main!(benches);
