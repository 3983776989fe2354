//! Watches what runs: reads Prometheus metrics once a second and tells the difference as the events of a run, so that
//! every display of a run shows it.

mod ask;
mod reading;
mod targets;
mod usual;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ask::{Trouble, ask};
use compose::{InstanceStats, SystemSpec};
use contract::redact;
use futures_util::future::join_all;
use load::{ClassSample, Sample};
use reading::{Reading, answered};
use reqwest::Certificate;
use scenarios::engine::{Bus, Sink};
use scenarios::event::{
    EVENT_VERSION, EventKind, InstanceGauges, InstanceInfo, InstanceState, Phase, RunInfo, SLICES_PER_S,
};
use scenarios::plan::Plan;
use scenarios::state::RunState;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::{machine, output};
pub use reading::Wanted;
pub use targets::{Target, Targets};
pub use usual::{Unit, tables};

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
    /// What is read of each.
    pub wanted: Wanted,
    /// Authorities that are trusted for https, beside those that this machine trusts.
    pub authorities: Vec<Certificate>,
    /// When it ends by itself.
    pub for_s: Option<u32>,
}

/// What is known of one target.
#[derive(Default)]
struct Known {
    reading: Option<Reading>,
    state: Option<InstanceState>,
    /// Why it could not be read at last.
    trouble: Option<String>,
    /// What was said of its metrics already.
    said: BTreeSet<String>,
}

impl Watcher {
    /// Watches until `stop` is cancelled, or its time is over, and tells what it sees. The first reading shows whether
    /// there is anything to see.
    ///
    /// # Errors
    /// When none of the targets can be read at first.
    pub async fn run(self, display: Box<dyn Sink>, stop: &CancellationToken) -> Result<RunState, Failure> {
        let client = compose::http::client_with_tls(TIMEOUT, self.authorities.clone())
            .map_err(|error| Failure::unexpected(format!("cannot make an HTTP client: {error}")))?;
        let targets = self.targets.now().await?;
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        let first = self.read_all(&client, &targets).await;
        if first.iter().all(Result::is_err) {
            return Err(nothing_to_see(&targets, &first));
        }
        let mut bus = Bus::new(vec![display]);
        self.begin(&mut bus);
        let began = Instant::now();
        take_in(&mut bus, &mut known, &targets, first, (0.0, EVERY.as_secs_f64()));
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await;
        let mut before_s = 0.0;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            let at_s = began.elapsed().as_secs_f64();
            let targets = self.targets.now().await?;
            let readings = self.read_all(&client, &targets).await;
            take_in(&mut bus, &mut known, &targets, readings, (at_s, at_s - before_s));
            before_s = at_s;
            if self.for_s.is_some_and(|for_s| at_s >= f64::from(for_s)) || !output::is_seen() {
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
            backend: self.targets.backend().to_owned(),
            machine: machine::describe(),
            plan: plan(system),
            expected: None,
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

    /// A reading of each target, or why there is none.
    async fn read_all(&self, client: &reqwest::Client, targets: &[Target]) -> Vec<Result<Reading, Trouble>> {
        join_all(targets.iter().map(|target| self.read(client, target))).await
    }

    async fn read(&self, client: &reqwest::Client, target: &Target) -> Result<Reading, Trouble> {
        let text = ask(client, target).await?;
        Reading::of(&text, &self.wanted, target.url.path()).map_err(Trouble::Unfit)
    }
}

/// Why nothing can be watched.
fn nothing_to_see(targets: &[Target], readings: &[Result<Reading, Trouble>]) -> Failure {
    let mut unfit = false;
    let told: Vec<String> = targets
        .iter()
        .zip(readings)
        .filter_map(|(target, reading)| {
            let trouble = reading.as_ref().err()?;
            unfit |= matches!(trouble, Trouble::Unfit(_));
            Some(format!("{} {trouble}", redact(target.url.as_str())))
        })
        .collect();
    let told = told.join("; ");
    if unfit {
        return Failure::usage(told).hint("lab watch --help lists what is known by name");
    }
    Failure::environment(told).hint("is it running? lab up full starts a system, lab ps shows what runs")
}

/// A plan without an end: what is shown is the last two minutes.
fn plan(system: SystemSpec) -> Plan {
    let title = format!("what is {} doing?", system.name);
    Plan::watching(&title, CLASS, system)
}

/// Says once what is read of a target, what is in doubt, and when it cannot be read.
fn tell(bus: &mut Bus, known: &mut Known, target: &Target, reading: &Result<Reading, Trouble>) {
    let name = &target.name;
    let trouble = match reading {
        Ok(reading) => {
            for doubt in &reading.doubts {
                if known.said.insert(doubt.clone()) {
                    bus.emit(EventKind::Warning {
                        text: format!("{name}: {doubt}"),
                    });
                }
            }
            if known.said.insert(reading.chosen.clone()) {
                bus.emit(EventKind::Note {
                    text: format!("{name}: {}", reading.chosen),
                });
            }
            None
        }
        // A paused instance of the lab's own is silent because somebody wanted that.
        Err(_) if target.state.is_some_and(|state| state != InstanceState::Ready) => None,
        Err(trouble) => Some(trouble.to_string()),
    };
    if let Some(trouble) = &trouble
        && known.trouble.as_ref() != Some(trouble)
    {
        bus.emit(EventKind::Warning {
            text: format!("{name} {trouble}"),
        });
    }
    known.trouble = trouble;
}

/// Tells what a reading of everybody brought.
fn take_in(
    bus: &mut Bus,
    known: &mut BTreeMap<String, Known>,
    targets: &[Target],
    readings: Vec<Result<Reading, Trouble>>,
    (at_s, span_s): (f64, f64),
) {
    let mut class = ClassSample {
        class: CLASS.to_owned(),
        ..ClassSample::default()
    };
    let (mut gauges, mut stats) = (Vec::new(), Vec::new());
    for (target, reading) in targets.iter().zip(readings) {
        let known = known.entry(target.name.clone()).or_default();
        tell(bus, known, target, &reading);
        let reading = reading.ok();
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
            standstill_ms: None,
            store_errors: BTreeMap::new(),
        });
        let Some(reading) = reading else {
            // What happens while it is silent happens at no known time either.
            known.reading = None;
            continue;
        };
        stats.push(InstanceStats {
            instance: target.name.clone(),
            cpu_ms: reading.cpu_s.map(|s| (s * 1000.0) as u64),
            resident_bytes: reading.resident_bytes.map(|bytes| bytes as u64),
        });
        // What an instance did before it was first seen happened at no known time.
        if let Some(before) = &known.reading
            && target.counts
        {
            let index = ((at_s - span_s).max(0.0) * f64::from(SLICES_PER_S)) as u32;
            let slice = reading.since(before, index);
            class.scheduled += slice.scheduled;
            class.sent += slice.sent;
            class.ok += slice.ok;
            for (kind, count) in &slice.errors {
                *class.errors.entry(kind.clone()).or_default() += count;
            }
            let in_flight = reading.in_flight.unwrap_or(0.0) as u64;
            class.in_flight_now = class.in_flight_now.saturating_add(in_flight);
            class.by_instance.push(answered(&target.name, &slice));
            class.slices.push(slice);
        }
        known.reading = Some(reading);
    }
    bus.emit(EventKind::Stats { instances: stats });
    bus.emit(EventKind::Gauges { instances: gauges });
    bus.emit(EventKind::Sample(Box::new(Sample {
        at_s,
        span_s,
        classes: vec![class],
        ..Sample::default()
    })));
}
