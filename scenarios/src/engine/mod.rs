//! The engine: runs a plan on a backend and emits events. It never prints and knows no display.

mod actions;
mod asked;
mod budget;
mod bus;
mod clients;
mod command;
mod error;
mod gauges;
mod heartbeat;
mod instances;
mod judge;
mod lifecycle;
mod liveness;
mod loads;
mod marks;
mod noticed;
mod operation;
mod others;
mod probe;
mod rest;
mod revival;
mod scrape;
mod search;
mod servers;
mod settle;
mod simulations;
mod site;
mod standing;
mod store_errors;
mod stores;
mod stories;
mod streams;
mod turn;

pub use actions::missing_capability;
pub use bus::{Bus, Sink, SinkReport};
pub use error::RunError;
pub use site::Site;

use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

use crate::action::Command;
use crate::checks;
use crate::event::{EVENT_VERSION, EventKind, RunInfo};
use crate::plan::Plan;
use crate::state::RunState;
use crate::verdict::Verdict;

/// Runs a plan to its end, or until `stop` is cancelled, and returns the state that the events add up to.
///
/// Whatever happens, the system is brought down, the checks that can be decided are decided, and the last event is
/// `RunEnded`. An error is returned beside the state, since what was measured before it is worth showing.
pub async fn run(plan: &Plan, site: &Site, bus: &mut Bus, stop: &CancellationToken) -> Option<RunError> {
    // No command ever comes.
    let (_, mut commands) = channel(1);
    play(plan, site, bus, &mut commands, stop).await
}

/// As [`run`], while somebody changes the world: each command is done during the load, at once and beside the others,
/// and told as an action.
pub async fn play(
    plan: &Plan,
    site: &Site,
    bus: &mut Bus,
    commands: &mut Receiver<Command>,
    stop: &CancellationToken,
) -> Option<RunError> {
    bus.emit(EventKind::RunStarted(Box::new(RunInfo {
        version: EVENT_VERSION,
        run: site.run.clone(),
        started: site.started.clone(),
        backend: site.backend.name().to_owned(),
        machine: site.machine.clone(),
        plan: plan.clone(),
        expected: site.expected.clone(),
    })));
    bus.watch();
    if let Some(guess) = site.guess {
        bus.emit(EventKind::Guessed { guess });
    }
    let measured = match missing_capability(plan, site.backend.as_ref()) {
        Some(error) => Err(error),
        None => measured_and_simulated(plan, site, bus, commands, stop).await,
    };
    // Each turn has removed its own folder below this one, unless it is to be looked at; then this one stays too.
    let _ = std::fs::remove_dir(site.folder.join("turns"));
    // Who interrupts a run in which everything is measured has taken nothing from it.
    let interrupted = stop.is_cancelled() && !matches!(measured, Ok(Whole(true)));
    let error = measured.err();
    if error.is_none() && !interrupted {
        for outcome in checks::decide(plan, bus.state()) {
            bus.emit(EventKind::Check(outcome));
        }
    }
    let verdict = verdict(bus.state());
    bus.emit(EventKind::RunEnded {
        verdict,
        interrupted,
        failure: error.as_ref().map(ToString::to_string),
        fault: error.as_ref().map(RunError::family),
    });
    error
}

/// A run that did not get to its checks has shown nothing.
fn verdict(state: &RunState) -> Verdict {
    Verdict::worst(state.checks.iter().map(|check| check.verdict))
}

/// Whether all that was planned was done.
struct Whole(bool);

async fn measured_and_simulated(
    plan: &Plan,
    site: &Site,
    bus: &mut Bus,
    commands: &mut Receiver<Command>,
    stop: &CancellationToken,
) -> Result<Whole, RunError> {
    turns(plan, site, bus, commands, stop).await?;
    simulations::all(plan, bus, stop).await?;
    let state = bus.state();
    let simulated = plan.simulations.len() == state.simulated.len();
    Ok(Whole(simulated && state.turns_done == plan.turns.len()))
}

async fn turns(
    plan: &Plan,
    site: &Site,
    bus: &mut Bus,
    commands: &mut Receiver<Command>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    for index in 0..plan.turns.len() {
        if stop.is_cancelled() {
            break;
        }
        let keep = site.keep && index + 1 == plan.turns.len();
        lifecycle::run(plan, index, keep, site, bus, commands, stop).await?;
    }
    Ok(())
}
