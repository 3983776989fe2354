//! One turn from its start to its end: a system is brought up, driven, asked and brought down.

use std::sync::Arc;
use std::time::Duration;

use compose::{InstanceEvent, System, UpOptions};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::bus::Bus;
use super::error::RunError;
use super::liveness::LivenessProbes;
use super::others::Others;
use super::revival::Watch;
use super::site::Site;
use super::standing::{OwnCounts, Standing};
use super::store_errors::StoreErrors;
use super::turn::Turn;
use super::{clients, instances, loads, probe, search, settle, stories};
use crate::action::Command;
use crate::event::{EventKind, FACT_OF_DEATHS, Phase};
use crate::plan::Plan;

/// Instance events that may wait; a system has a few dozen at most.
const INSTANCE_QUEUE: usize = 1024;
/// How long the instances of a start that was interrupted may take to end.
const GIVE_UP_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn run(
    plan: &Plan,
    index: usize,
    keep: bool,
    site: &Site,
    bus: &mut Bus,
    commands: &mut Receiver<Command>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let planned = plan.turns[index];
    let arm = &plan.arms[planned.arm];
    bus.emit(EventKind::TurnStarted { turn: index });
    let folder = site
        .folder
        .join("turns")
        .join(format!("{}-{}", arm.name, planned.round));
    let seed = plan.seed.wrapping_add(u64::from(planned.round));
    let mut spec = arm.system.clone();
    for link in &mut spec.links {
        link.seed = seed;
    }
    let watch = Watch::over(&arm.revived);
    let (sender, mut queue) = channel(INSTANCE_QUEUE);
    let mut options = UpOptions::new(format!("{}-{index}", site.run), &folder, &site.state_folder);
    options.detach = keep;
    options.events = Some(watch.beside(instances::to_queue(sender)));
    let starting = site.backend.up(spec, options);
    let Some(system) = start(starting, &mut queue, bus, stop).await? else {
        // With the start, what it had started was dropped; its files can go once all of that has ended.
        compose::settle(GIVE_UP_TIMEOUT).await;
        instances::collect_logs(&folder, &site.folder.join("logs"), &arm.name, planned.round);
        return Ok(());
    };
    let revival = (!arm.revived.is_empty()).then(|| watch.begin(Arc::clone(&system)));
    let probes = LivenessProbes::begin(&arm.liveness, &system);
    let others = Others::watch(Arc::clone(&system));
    let mut turn = Turn {
        plan,
        arm,
        seed,
        system,
        instances: queue,
        own_counts: OwnCounts::default(),
        store_errors: StoreErrors::default(),
        others,
        bus,
        commands,
        stop,
    };
    settle::note(&mut turn);
    let noticed = Arc::clone(turn.bus.noticed());
    let standing = Standing::watch(Arc::clone(&turn.system), folder.join("data"), noticed, index);
    let measured = measure(&mut turn).await;
    if !turn.stop.is_cancelled() && turn.stuck().is_none() {
        turn.last_gauges().await;
    }
    standing.end().await;
    let killed = probes.end().await;
    if let Some(revival) = revival {
        let deaths = revival.end().await + killed;
        turn.bus.emit(EventKind::Fact {
            name: FACT_OF_DEATHS.to_owned(),
            values: vec![deaths as f64],
        });
    }
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
    starting: impl Future<Output = Result<Arc<dyn System>, compose::Error>>,
    queue: &mut Receiver<InstanceEvent>,
    bus: &mut Bus,
    stop: &CancellationToken,
) -> Result<Option<Arc<dyn System>>, RunError> {
    bus.emit(EventKind::Phase {
        phase: Phase::Starting,
        expected_s: 0.5,
    });
    tokio::pin!(starting);
    let began = Instant::now();
    let system = loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            Some(event) = queue.recv() => instances::emit(bus, event),
            system = &mut starting => break system?,
        }
    };
    while let Ok(event) = queue.try_recv() {
        instances::emit(bus, event);
    }
    bus.emit(EventKind::SystemReady {
        startup_ms: began.elapsed().as_secs_f64() * 1000.0,
    });
    Ok(Some(system))
}

/// The parts of a turn, in order.
async fn measure(turn: &mut Turn<'_>) -> Result<(), RunError> {
    if !turn.arm.clients.is_empty() {
        clients::run(turn).await?;
        if turn.is_lost() {
            return Ok(());
        }
    }
    if turn.arm.warmup_s > 0.0 && !turn.arm.loads.is_empty() && !turn.stop.is_cancelled() {
        loads::warm_up(turn).await?;
    }
    if !turn.arm.loads.is_empty() && !turn.stop.is_cancelled() {
        loads::run(turn).await?;
    }
    for index in 0..turn.arm.searches.len() {
        if !turn.stop.is_cancelled() {
            search::run(turn, index).await?;
        }
    }
    let budget = Budget::begin(turn.settle_s());
    if !turn.arm.loads.is_empty() {
        settle::wait(turn, budget).await?;
    }
    if let Some(stuck) = turn.stuck() {
        turn.bus.emit(EventKind::Warning {
            text: format!("{}: nothing is asked after the load: {stuck}", turn.arm.name),
        });
        return Ok(());
    }
    if !turn.stop.is_cancelled() {
        turn.bus.emit(EventKind::Phase {
            phase: Phase::Probing,
            expected_s: 0.0,
        });
        probe::ask_all(turn, budget).await?;
        stories::ask_all(turn, budget).await;
    }
    Ok(())
}
