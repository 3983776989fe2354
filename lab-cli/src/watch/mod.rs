//! Watches what runs: reads Prometheus metrics once a second and tells the difference as the events of a run, so that
//! every display of a run shows it.

mod prometheus;
mod reading;
mod targets;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use compose::{InstanceStats, SystemSpec};
use futures_util::future::join_all;
use load::{ClassSample, Sample};
use reading::{Reading, answered};
use scenarios::engine::{Bus, Sink};
use scenarios::event::{
    EVENT_VERSION, EventKind, InstanceGauges, InstanceInfo, InstanceState, Phase, RunInfo, SLICES_PER_S,
};
use scenarios::plan::Plan;
use scenarios::state::RunState;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::machine;
pub use targets::{Target, Targets};

/// How often everybody is asked.
const EVERY: Duration = Duration::from_secs(1);
/// Who has not answered by then is silent.
const TIMEOUT: Duration = Duration::from_millis(800);
/// The one class of requests: metrics do not tell who asked for what.
pub const CLASS: &str = "requests";

/// What is watched, and how.
pub struct Watcher {
    /// Who is asked.
    pub targets: Targets,
    /// Name of the histogram; none: a usual one.
    pub metric: Option<String>,
    /// When it ends by itself.
    pub for_s: Option<u32>,
}

/// What is known of one target.
#[derive(Default)]
struct Known {
    reading: Option<Reading>,
    state: Option<InstanceState>,
}

impl Watcher {
    /// Watches until `stop` is cancelled, or its time is over, and tells what it sees. The first reading shows whether
    /// there is anything to see.
    ///
    /// # Errors
    /// When a target has no histogram of durations, or none of them answers at first.
    pub async fn run(self, display: Box<dyn Sink>, stop: &CancellationToken) -> Result<RunState, Failure> {
        let client = compose::http::client(TIMEOUT)
            .map_err(|error| Failure::unexpected(format!("cannot make an HTTP client: {error}")))?;
        let targets = self.targets.now().await?;
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        let first = self.read_all(&client, &targets).await?;
        if first.iter().all(Option::is_none) {
            let asked: Vec<String> = targets.iter().map(|target| target.url.to_string()).collect();
            return Err(Failure::environment(format!("nobody answers at {}", asked.join(", ")))
                .hint("is it running? lab up full starts a system, lab ps shows what runs"));
        }
        let mut bus = Bus::new(vec![display]);
        self.begin(&mut bus);
        let began = Instant::now();
        take_in(&mut bus, &mut known, &targets, first, 0.0);
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            let at_s = began.elapsed().as_secs_f64();
            let targets = self.targets.now().await?;
            let readings = self.read_all(&client, &targets).await?;
            take_in(&mut bus, &mut known, &targets, readings, at_s);
            if self.for_s.is_some_and(|for_s| at_s >= f64::from(for_s)) {
                break;
            }
        }
        Ok(bus.finish().0)
    }

    fn begin(&self, bus: &mut Bus) {
        let system = self.targets.system();
        bus.emit(EventKind::RunStarted(Box::new(RunInfo {
            version: EVENT_VERSION,
            run: "watch".to_owned(),
            started: String::new(),
            backend: "process".to_owned(),
            machine: machine::describe(),
            plan: plan(system),
        })));
        bus.emit(EventKind::TurnStarted { turn: 0 });
        bus.emit(EventKind::Phase {
            phase: Phase::Load,
            expected_s: 0.0,
        });
        bus.emit(EventKind::Warning {
            text: "latencies are as exact as the buckets of the metrics; failures are counted by status".to_owned(),
        });
    }

    /// A reading of each target; none of those that do not answer.
    async fn read_all(&self, client: &reqwest::Client, targets: &[Target]) -> Result<Vec<Option<Reading>>, Failure> {
        let read = |target: &Target| {
            let request = client.get(target.url.clone());
            async move {
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                match answer {
                    Ok(answer) => answer.text().await.ok(),
                    Err(_) => None,
                }
            }
        };
        let texts = join_all(targets.iter().map(read)).await;
        targets
            .iter()
            .zip(texts)
            .map(|(target, text)| {
                text.map(|text| Reading::of(&text, self.metric.as_deref()))
                    .transpose()
                    .map_err(|why| Failure::usage(format!("{}: {why}", target.url)))
            })
            .collect()
    }
}

/// A plan without an end: what is shown is the last two minutes.
fn plan(system: SystemSpec) -> Plan {
    let title = format!("what is {} doing?", system.name);
    Plan::watching(&title, CLASS, system)
}

/// Tells what a reading of everybody brought.
fn take_in(
    bus: &mut Bus,
    known: &mut BTreeMap<String, Known>,
    targets: &[Target],
    readings: Vec<Option<Reading>>,
    at_s: f64,
) {
    let mut class = ClassSample {
        class: CLASS.to_owned(),
        ..ClassSample::default()
    };
    let (mut gauges, mut stats) = (Vec::new(), Vec::new());
    for (target, reading) in targets.iter().zip(readings) {
        let known = known.entry(target.name.clone()).or_default();
        let state = match (target.state, &reading) {
            (Some(state), _) => state,
            (None, Some(_)) => InstanceState::Ready,
            (None, None) => InstanceState::Dead,
        };
        if known.state != Some(state) {
            known.state = Some(state);
            bus.emit(EventKind::Instance(InstanceInfo {
                name: target.name.clone(),
                service: target.service.clone(),
                state,
                crash: None,
            }));
        }
        gauges.push(InstanceGauges {
            instance: target.name.clone(),
            in_flight: reading.as_ref().and_then(|reading| reading.in_flight).map(|n| n as u32),
            lag_ms: reading.as_ref().and_then(|reading| reading.lag_s).map(|s| s * 1000.0),
            silent: reading.is_none(),
        });
        let Some(reading) = reading else { continue };
        stats.push(InstanceStats {
            instance: target.name.clone(),
            cpu_ms: reading.cpu_s.map(|s| (s * 1000.0) as u64),
            resident_bytes: reading.resident_bytes.map(|bytes| bytes as u64),
        });
        // What an instance did before it was first seen happened at no known time.
        if let Some(before) = &known.reading
            && target.counts
        {
            let index = ((at_s - EVERY.as_secs_f64()).max(0.0) * f64::from(SLICES_PER_S)) as u32;
            let slice = reading.since(before, index);
            class.scheduled += slice.scheduled;
            class.sent += slice.sent;
            class.ok += slice.ok;
            for (kind, count) in &slice.errors {
                *class.errors.entry(kind.clone()).or_default() += count;
            }
            class.in_flight_now += reading.in_flight.unwrap_or(0.0) as u64;
            class.by_instance.push(answered(&target.name, &slice));
            class.slices.push(slice);
        }
        known.reading = Some(reading);
    }
    bus.emit(EventKind::Stats { instances: stats });
    bus.emit(EventKind::Gauges { instances: gauges });
    bus.emit(EventKind::Sample(Box::new(Sample {
        at_s,
        span_s: EVERY.as_secs_f64(),
        classes: vec![class],
        ..Sample::default()
    })));
}
