//! Plays a plan's simulations. They come after everything that is measured, since they take all cores.

use hash::mix;
use sim::{SimFigures, fullest_bin, sweep};
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::error::RunError;
use crate::event::{EventKind, Simulated, SimulatedPoint};
use crate::format::SimulationKind;
use crate::plan::{Plan, SimulationSpec};

/// Plays all of them and tells what came out; stops between two of them.
pub(super) async fn all(plan: &Plan, bus: &mut Bus, stop: &CancellationToken) -> Result<(), RunError> {
    for spec in &plan.simulations {
        if stop.is_cancelled() {
            return Ok(());
        }
        let (playing, seed) = (spec.clone(), plan.seed);
        let points = tokio::task::spawn_blocking(move || play(&playing, seed))
            .await
            .map_err(|error| RunError::Unexpected(error.to_string()))?
            .map_err(RunError::Unexpected)?;
        bus.emit(EventKind::Simulated(Simulated {
            name: spec.name.clone(),
            points,
        }));
    }
    Ok(())
}

fn play(spec: &SimulationSpec, seed: u64) -> Result<Vec<SimulatedPoint>, String> {
    match spec.kind {
        SimulationKind::Queues => queues(spec, seed),
        SimulationKind::Bins => Ok(bins(spec, seed)),
    }
}

fn queues(spec: &SimulationSpec, seed: u64) -> Result<Vec<SimulatedPoint>, String> {
    let mut models = Vec::new();
    for servers in &spec.servers {
        for policy in spec.kinds() {
            models.push(spec.model(policy, *servers, seed)?);
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outcomes = sweep(&models, threads, |_| ()).map_err(|error| error.to_string())?;
    Ok(outcomes.iter().map(point).collect())
}

fn point(outcome: &SimFigures) -> SimulatedPoint {
    SimulatedPoint {
        policy: outcome.policy.clone(),
        servers: outcome.servers,
        fullest: outcome.fullest as f64,
        lost: Some(1.0 - outcome.success),
        mean_ms: outcome.mean_ms,
        p99_ms: outcome.p99_ms,
        busiest_over_mean: Some(outcome.busiest_over_mean),
        slow_share: Some(outcome.slow_share),
    }
}

/// The fullest bin of each repetition, on average.
fn bins(spec: &SimulationSpec, seed: u64) -> Vec<SimulatedPoint> {
    let mut points = Vec::new();
    for servers in &spec.servers {
        for policy in spec.kinds() {
            let thrown = |repetition| f64::from(fullest_bin(policy, *servers, mix(seed) ^ repetition));
            let sum: f64 = (0..spec.requests).map(thrown).sum();
            points.push(SimulatedPoint {
                policy: policy.name().to_owned(),
                servers: *servers,
                fullest: sum / spec.requests as f64,
                lost: None,
                mean_ms: None,
                p99_ms: None,
                busiest_over_mean: None,
                slow_share: None,
            });
        }
    }
    points
}
