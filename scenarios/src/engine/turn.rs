//! One turn: a system is brought up, driven, asked and brought down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use compose::{InstanceEvent, System, UpOptions};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::streams::{named_seed, pace, request, warm_up_pace};
use super::{RunError, Site, actions, clients, instances, probe, search};
use crate::event::{EventKind, Phase, SLICES_PER_S};
use crate::plan::{ActionSpec, ArmPlan, LoadSpec, Plan};

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
    let (system, queue) = start(arm, index, keep, site, &folder, bus, stop).await?;
    let Some(system) = system else { return Ok(()) };
    let mut turn = Turn {
        plan,
        arm,
        seed: plan.seed.wrapping_add(u64::from(planned.round)),
        system,
        instances: queue,
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
        instances::collect_logs(&folder, &site.folder.join("logs"), &arm.name, planned.round);
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
    let (sender, mut queue) = channel(INSTANCE_QUEUE);
    let mut options = UpOptions::new(format!("{}-{index}", site.run), folder, &site.state_folder);
    options.detach = keep;
    options.events = Some(instances::to_queue(sender));
    let began = Instant::now();
    let mut up = site.backend.up(arm.system.clone(), options);
    let system = loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok((None, queue)),
            Some(event) = queue.recv() => instances::emit(bus, event),
            system = &mut up => break system?,
        }
    };
    while let Ok(event) = queue.try_recv() {
        instances::emit(bus, event);
    }
    bus.emit(EventKind::SystemReady {
        startup_ms: began.elapsed().as_secs_f64() * 1000.0,
    });
    Ok((Some(system), queue))
}

impl Turn<'_> {
    async fn measure(&mut self) -> Result<(), RunError> {
        if !self.arm.clients.is_empty() {
            clients::run(self).await?;
            if self.crashed() {
                return Ok(());
            }
        }
        if self.arm.warmup_s > 0.0 && !self.arm.loads.is_empty() && !self.stop.is_cancelled() {
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
        // In an arm with clients the actions were theirs.
        let mut pending = arm.actions.iter().filter(|_| arm.clients.is_empty());
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
                Some(event) = self.instances.recv() => instances::emit(self.bus, event),
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

    /// Whether an instance died on its own in this turn, which makes the run inconclusive whatever follows.
    pub(super) fn crashed(&self) -> bool {
        self.bus
            .state()
            .round_now()
            .is_some_and(|round| !round.crashes.is_empty())
    }

    /// Does an action and tells of it.
    pub(super) async fn act(&mut self, action: &ActionSpec, epoch: std::time::Instant) {
        let began_s = epoch.elapsed().as_secs_f64();
        let failure = actions::act(action, self.system.as_ref())
            .await
            .err()
            .map(|error| error.to_string());
        self.bus.emit(EventKind::Action {
            at_s: action.at_s,
            began_s,
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
            instances::emit(self.bus, event);
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

/// Waits for a moment; without one, not at all.
pub(super) async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}
