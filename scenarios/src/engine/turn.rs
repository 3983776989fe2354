//! One turn: a system is brought up, driven, asked and brought down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use compose::{InstanceEvent, InstanceEventKind, System, UpOptions};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::{RunError, Site, actions, probe, search};
use crate::event::{EventKind, InstanceInfo, InstanceState, Phase, SLICES_PER_S};
use crate::format::ArrivalsKind;
use crate::plan::{ArmPlan, LoadSpec, PaceSpec, Plan, RequestSpec};

/// How often the instances' use of processor and memory is read.
const STATS_EVERY: Duration = Duration::from_millis(500);
/// The longest wait for late answers after the last request, beyond the requests' own timeouts.
const DRAIN_EXTRA: Duration = Duration::from_secs(1);
/// Instance events that may wait; a system has a few dozen at most.
const INSTANCE_QUEUE: usize = 1024;

/// What a turn works with.
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) arm: &'a ArmPlan,
    /// Seed of this turn: the same arm in the same round gets the same schedule in every run of the seed.
    pub(super) seed: u64,
    pub(super) system: Arc<dyn System>,
    pub(super) instances: Receiver<InstanceEvent>,
    pub(super) bus: &'a mut Bus,
    pub(super) stop: &'a CancellationToken,
}

pub(super) async fn run(
    plan: &Plan,
    index: usize,
    keep: bool,
    site: &Site,
    bus: &mut Bus,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let planned = plan.turns[index];
    let arm = &plan.arms[planned.arm];
    bus.emit(EventKind::TurnStarted { turn: index });
    let folder = site
        .folder
        .join("turns")
        .join(format!("{}-{}", arm.name, planned.round));
    let (system, instances) = start(arm, index, keep, site, &folder, bus, stop).await?;
    let Some(system) = system else { return Ok(()) };
    let mut turn = Turn {
        plan,
        arm,
        seed: plan.seed.wrapping_add(u64::from(planned.round)),
        system,
        instances,
        bus,
        stop,
    };
    let measured = turn.measure().await;
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Stopping,
        expected_s: 0.0,
    });
    let down = if keep { Ok(()) } else { turn.system.down().await };
    turn.forward_instances();
    if !keep {
        collect_logs(&folder, &site.folder.join("logs"), &arm.name, planned.round);
    }
    measured?;
    down?;
    if !stop.is_cancelled() {
        bus.emit(EventKind::TurnEnded);
    }
    Ok(())
}

/// Brings the system up and tells of every instance meanwhile; none when it was interrupted.
async fn start(
    arm: &ArmPlan,
    index: usize,
    keep: bool,
    site: &Site,
    folder: &Path,
    bus: &mut Bus,
    stop: &CancellationToken,
) -> Result<(Option<Arc<dyn System>>, Receiver<InstanceEvent>), RunError> {
    bus.emit(EventKind::Phase {
        phase: Phase::Starting,
        expected_s: 0.5,
    });
    let (sender, mut instances) = channel(INSTANCE_QUEUE);
    let mut options = UpOptions::new(format!("{}-{index}", site.run), folder, &site.state_folder);
    options.detach = keep;
    options.events = Some(to_queue(sender));
    let began = Instant::now();
    let mut up = site.backend.up(arm.system.clone(), options);
    let system = loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok((None, instances)),
            Some(event) = instances.recv() => emit_instance(bus, event),
            system = &mut up => break system?,
        }
    };
    while let Ok(event) = instances.try_recv() {
        emit_instance(bus, event);
    }
    bus.emit(EventKind::SystemReady {
        startup_ms: began.elapsed().as_secs_f64() * 1000.0,
    });
    Ok((Some(system), instances))
}

/// The backend must not wait for us: an event that does not fit is one nobody can use any more.
fn to_queue(sender: Sender<InstanceEvent>) -> compose::EventSink {
    Arc::new(move |event| {
        let _ = sender.try_send(event);
    })
}

impl Turn<'_> {
    async fn measure(&mut self) -> Result<(), RunError> {
        if self.arm.warmup_s > 0.0 && !self.arm.loads.is_empty() {
            self.warm_up().await?;
        }
        if !self.arm.loads.is_empty() && !self.stop.is_cancelled() {
            self.load().await?;
        }
        for index in 0..self.arm.searches.len() {
            if !self.stop.is_cancelled() {
                search::run(self, index).await?;
            }
        }
        if !self.stop.is_cancelled() {
            self.bus.emit(EventKind::Phase {
                phase: Phase::Probing,
                expected_s: 0.0,
            });
            probe::ask_all(&self.arm.probes, self.system.as_ref(), self.bus).await?;
        }
        Ok(())
    }

    async fn warm_up(&mut self) -> Result<(), RunError> {
        let seconds = self.arm.warmup_s;
        self.bus.emit(EventKind::Phase {
            phase: Phase::WarmUp,
            expected_s: seconds,
        });
        let streams: Vec<load::Stream> = self
            .arm
            .loads
            .iter()
            .filter_map(|spec| Some((spec, warm_up_pace(&spec.pace, seconds)?)))
            .map(|(spec, pace)| self.stream(spec, pace, "warm-up"))
            .collect::<Result<_, _>>()?;
        if streams.is_empty() {
            return Ok(());
        }
        let mut running = load::start(load::LoadPlan::new(streams))?;
        let mut samples = running.samples();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => { running.stop(); break; }
                sample = samples.recv() => if sample.is_none() { break },
            }
        }
        Ok(())
    }

    /// Drives the arm's loads and does its actions, until the last answer is in.
    async fn load(&mut self) -> Result<(), RunError> {
        self.bus.emit(EventKind::Phase {
            phase: Phase::Load,
            expected_s: self.arm.duration_s,
        });
        let streams = self
            .arm
            .loads
            .iter()
            .map(|spec| self.stream(spec, pace(&spec.pace, self.arm.duration_s), &spec.class))
            .collect::<Result<_, _>>()?;
        let mut plan = load::LoadPlan::new(streams);
        plan.windows = self
            .arm
            .windows
            .iter()
            .map(|window| load::Window {
                name: window.name.clone(),
                from_s: window.from_s,
                to_s: window.to_s,
            })
            .collect();
        plan.slice = Duration::from_secs(1) / SLICES_PER_S;
        let timeout_s = self.arm.loads.iter().map(|spec| spec.timeout_s).fold(0.0, f64::max);
        plan.drain_max = Duration::from_secs_f64(timeout_s) + DRAIN_EXTRA;
        let mut running = load::start(plan)?;
        let epoch = running.epoch();
        let mut samples = running.samples();
        let mut stats = tokio::time::interval(STATS_EVERY);
        let (mut draining, mut stopped) = (false, false);
        let arm = self.arm;
        let mut pending = arm.actions.iter();
        let mut next = pending.next();
        loop {
            let due = next.map(|action| Instant::from_std(epoch + Duration::from_secs_f64(action.at_s)));
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !stopped => { running.stop(); stopped = true; next = None; }
                () = sleep_until(due), if due.is_some() => {
                    if let Some(action) = next { self.act(action, epoch).await; }
                    next = pending.next();
                }
                Some(event) = self.instances.recv() => emit_instance(self.bus, event),
                sample = samples.recv() => match sample {
                    None => break,
                    Some(sample) => {
                        if !draining && !stopped && sample.at_s >= arm.duration_s && next.is_none() {
                            draining = true;
                            self.bus.emit(EventKind::Phase { phase: Phase::Draining, expected_s: 0.0 });
                        }
                        self.bus.emit(EventKind::Sample(Box::new(sample)));
                    }
                },
                _ = stats.tick() => self.stats().await,
            }
        }
        self.stats().await;
        Ok(())
    }

    async fn act(&mut self, action: &crate::plan::ActionSpec, epoch: std::time::Instant) {
        let failure = actions::act(action, self.system.as_ref())
            .await
            .err()
            .map(|error| error.to_string());
        self.bus.emit(EventKind::Action {
            at_s: action.at_s,
            done_s: epoch.elapsed().as_secs_f64(),
            words: action.words(),
            failure,
        });
    }

    pub(super) async fn stats(&mut self) {
        let instances = self.system.stats().await;
        self.bus.emit(EventKind::Stats { instances });
    }

    pub(super) fn forward_instances(&mut self) {
        while let Ok(event) = self.instances.try_recv() {
            emit_instance(self.bus, event);
        }
    }

    fn stream(&self, spec: &LoadSpec, pace: load::Pace, name: &str) -> Result<load::Stream, RunError> {
        Ok(load::Stream {
            class: spec.class.clone(),
            target: self.system.front_door(&spec.service)?,
            request: request(&spec.request),
            pace,
            timeout: Duration::from_secs_f64(spec.timeout_s),
            slow_over_ms: spec.slow_over_ms,
            collect: spec.collect.clone(),
            seed: named_seed(self.seed, name),
            start_s: 0.0,
        })
    }
}

async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}

pub(super) fn request(spec: &RequestSpec) -> load::Request {
    let json = ("content-type".to_owned(), "application/json".to_owned());
    load::Request {
        method: spec.method.clone(),
        path: spec.path.clone(),
        headers: spec.json.iter().map(|_| json.clone()).collect(),
        body: spec.json.clone(),
    }
}

pub(super) fn arrivals(kind: ArrivalsKind) -> load::Arrivals {
    match kind {
        ArrivalsKind::Poisson => load::Arrivals::Poisson,
        ArrivalsKind::Constant => load::Arrivals::Constant,
    }
}

/// A seed for each stream, so that streams of one turn are independent (FNV-1a over the name).
pub(super) fn named_seed(seed: u64, name: &str) -> u64 {
    name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pace(spec: &PaceSpec, duration_s: f64) -> load::Pace {
    match spec {
        PaceSpec::Open {
            arrivals: kind,
            stages,
            connections_max,
        } => load::Pace::Open {
            arrivals: arrivals(*kind),
            stages: stages
                .iter()
                .map(|(from, to, for_s)| load::Stage {
                    for_s: *for_s,
                    from_rate_per_s: *from,
                    to_rate_per_s: *to,
                })
                .collect(),
            connections_max: *connections_max,
        },
        PaceSpec::Closed {
            connections,
            think_ms,
            requests_max,
        } => load::Pace::Closed {
            connections: *connections,
            think_ms: *think_ms,
            for_s: duration_s,
            requests_max: *requests_max,
        },
        PaceSpec::At(times_s) => load::Pace::At {
            times_s: times_s.clone(),
        },
    }
}

/// The warm-up drives open loops at their first rate and closed loops as they are; single requests are kept for later.
fn warm_up_pace(spec: &PaceSpec, seconds: f64) -> Option<load::Pace> {
    match spec {
        PaceSpec::Open {
            arrivals,
            stages,
            connections_max,
        } => {
            let (rate, _, _) = stages.first()?;
            let first = vec![(*rate, *rate, seconds)];
            Some(pace(
                &PaceSpec::Open {
                    arrivals: *arrivals,
                    stages: first,
                    connections_max: *connections_max,
                },
                seconds,
            ))
        }
        PaceSpec::Closed { .. } => Some(pace(spec, seconds)),
        PaceSpec::At(_) => None,
    }
}

fn emit_instance(bus: &mut Bus, event: InstanceEvent) {
    let (state, crash) = match event.kind {
        InstanceEventKind::Started { .. } => (InstanceState::Starting, None),
        InstanceEventKind::Ready { .. } | InstanceEventKind::Resumed => (InstanceState::Ready, None),
        InstanceEventKind::Paused => (InstanceState::Paused, None),
        InstanceEventKind::Killed => (InstanceState::Dead, None),
        InstanceEventKind::Exited { expected: true, .. } => (InstanceState::Stopped, None),
        InstanceEventKind::Exited {
            code,
            signal,
            expected: false,
        } => {
            let how = match (code, signal) {
                (Some(code), _) => format!("it exited with status {code}"),
                (None, Some(signal)) => format!("signal {signal} ended it"),
                (None, None) => "it exited".to_owned(),
            };
            (InstanceState::Dead, Some(how))
        }
        InstanceEventKind::Listening { .. } | InstanceEventKind::Stopping => return,
    };
    bus.emit(EventKind::Instance(InstanceInfo {
        name: event.instance,
        service: event.service,
        state,
        crash,
    }));
}

/// Appends the logs of a turn to the run's, each under a line that says of which turn, and removes the turn's folder.
fn collect_logs(turn: &Path, logs: &Path, arm: &str, round: u32) {
    let append = || -> std::io::Result<()> {
        std::fs::create_dir_all(logs)?;
        for entry in std::fs::read_dir(turn.join("logs"))? {
            let from: PathBuf = entry?.path();
            let Some(name) = from.file_name() else {
                continue;
            };
            let mut to = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(logs.join(name))?;
            std::io::Write::write_all(&mut to, format!("{{\"arm\":\"{arm}\",\"round\":{round}}}\n").as_bytes())?;
            std::io::copy(&mut std::fs::File::open(&from)?, &mut to)?;
        }
        std::fs::remove_dir_all(turn)
    };
    // Logs are a courtesy: a full disk must not take the measurement with it.
    if let Err(error) = append() {
        tracing::warn!(%error, turn = %turn.display(), "cannot collect the logs of a turn");
    }
}
