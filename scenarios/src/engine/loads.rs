//! Drives an arm's loads, does its actions meanwhile, and hands on what the generator measured.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::error::RunError;
use super::gauges::Gauges;
use super::instances;
use super::streams::{named_seed, pace, warm_up_pace};
use super::turn::{Turn, Usage, by_hand, sleep_until};
use crate::action::Command;
use crate::event::{EventKind, Phase, SLICES_PER_S};
use crate::plan::LoadSpec;

/// The longest wait for late answers after the last request, beyond the requests' own timeouts.
const DRAIN_EXTRA: Duration = Duration::from_secs(1);

/// Drives the arm's loads without recording anything.
pub(super) async fn warm_up(turn: &mut Turn<'_>) -> Result<(), RunError> {
    let seconds = turn.arm.warmup_s;
    turn.bus.emit(EventKind::Phase {
        phase: Phase::WarmUp,
        expected_s: seconds,
    });
    let streams: Vec<load::Stream> = turn
        .arm
        .loads
        .iter()
        .filter_map(|spec| Some((spec, warm_up_pace(&spec.pace, seconds)?)))
        .map(|(spec, pace)| stream(turn, spec, pace, "warm-up"))
        .collect::<Result<_, _>>()?;
    if streams.is_empty() {
        return Ok(());
    }
    let mut running = load::start(load::LoadPlan::new(streams))?;
    let mut samples = running.samples();
    loop {
        tokio::select! {
            () = turn.stop.cancelled() => { running.stop(); break; }
            sample = samples.recv() => if sample.is_none() { break },
        }
    }
    Ok(())
}

/// Drives the arm's loads and does its actions, until the last answer is in.
pub(super) async fn run(turn: &mut Turn<'_>) -> Result<(), RunError> {
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Load,
        expected_s: turn.arm.duration_s,
    });
    let streams = turn
        .arm
        .loads
        .iter()
        .map(|spec| stream(turn, spec, pace(&spec.pace, turn.arm.duration_s), &spec.class))
        .collect::<Result<_, _>>()?;
    let mut plan = load::LoadPlan::new(streams);
    plan.windows = turn
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
    let timeout_s = turn.arm.loads.iter().map(|spec| spec.timeout_s).fold(0.0, f64::max);
    plan.drain_max = Duration::from_secs_f64(timeout_s) + DRAIN_EXTRA;
    let mut running = load::start(plan)?;
    let epoch = running.epoch();
    let mut samples = running.samples();
    let mut usage = Usage::watch(turn.system.clone());
    let mut gauges = Gauges::watch(turn.system.clone());
    // A command may take a second (a restart, say), in which the picture must not stand still.
    let mut acting = JoinSet::new();
    let (mut draining, mut stopped) = (false, false);
    let arm = turn.arm;
    // In an arm with clients the actions were theirs.
    let mut pending = arm.actions.iter().enumerate().filter(|_| arm.clients.is_empty());
    let mut next = pending.next();
    loop {
        let due = next.map(|(_, action)| Instant::from_std(epoch + Duration::from_secs_f64(action.at_s)));
        tokio::select! {
            biased;
            () = turn.stop.cancelled(), if !stopped => { running.stop(); stopped = true; next = None; }
            () = sleep_until(due), if due.is_some() => {
                if let Some(action) = next { turn.act(action, epoch).await; }
                next = pending.next();
            }
            Some(event) = turn.instances.recv() => instances::emit(turn.bus, event),
            Some(command) = turn.commands.recv() => {
                if let Command::Rate { class, per_s } = &command {
                    running.set_rate(class, *per_s);
                }
                acting.spawn(by_hand(command, turn.system.clone(), epoch));
            }
            Some(acted) = acting.join_next() => if let Ok(acted) = acted { turn.acted(acted) },
            sample = samples.recv() => match sample {
                None => break,
                Some(sample) => {
                    if !draining && !stopped && sample.at_s >= arm.duration_s && next.is_none() {
                        draining = true;
                        turn.bus.emit(EventKind::Phase { phase: Phase::Draining, expected_s: 0.0 });
                    }
                    turn.sample(sample, epoch);
                }
            },
            instances = usage.next() => turn.bus.emit(EventKind::Stats { instances }),
            instances = gauges.next() => turn.gauges(instances),
        }
    }
    turn.stats().await;
    Ok(())
}

fn stream(turn: &Turn<'_>, spec: &LoadSpec, pace: load::Pace, name: &str) -> Result<load::Stream, RunError> {
    Ok(load::Stream {
        class: spec.class.clone(),
        target: turn.system.front_door(&spec.service)?,
        request: load::Request::from(&spec.request),
        pace,
        timeout: Duration::from_secs_f64(spec.timeout_s),
        slow_over_ms: spec.slow_over_ms,
        collect: spec.collect.clone(),
        seed: named_seed(turn.seed, name),
        start_s: 0.0,
    })
}
