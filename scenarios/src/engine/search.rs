//! Looks for the highest rate that a system serves within a latency objective.

use std::time::Duration;

use load::search::{Objective, Observation, Search};

use super::error::RunError;
use super::gauges::Gauges;
use super::streams::{arrivals, named_seed};
use super::turn::Turn;
use crate::event::{EventKind, Phase, SLICES_PER_S, SearchStep, StepOutcome};
use crate::plan::SearchSpec;

/// Share of failed requests that an objective allows.
const ERROR_SHARE_MAX: f64 = 0.01;
/// The search ends when its bracket is no wider than this share of its lower end.
const RESOLUTION: f64 = 0.06;
/// Connections that a step may open.
const CONNECTIONS_MAX: usize = 2048;
/// A step that overloads the system leaves a queue behind; it is waited for no longer than this.
const DRAIN_MAX: Duration = Duration::from_secs(4);

/// Runs one search of the turn's arm and emits its steps. The samples of all steps stand one after the other on the
/// turn's time axis.
pub(super) async fn run(turn: &mut Turn<'_>, index: usize) -> Result<(), RunError> {
    let spec = &turn.arm.searches[index];
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Search,
        expected_s: spec.step_s * f64::from(spec.steps_max),
    });
    let objective = Objective {
        quantile: spec.quantile,
        ms: spec.within_ms,
        error_share_max: ERROR_SHARE_MAX,
    };
    let mut search = Search::new(
        spec.from_rate_per_s,
        spec.to_rate_per_s,
        objective,
        spec.steps_max,
        RESOLUTION,
    );
    let mut offset_s = turn.bus.state().round_now().map_or(0.0, |round| round.load_s);
    let mut step = 0_u32;
    let mut gauges = Gauges::watch(turn.system.clone());
    while let Some(rate_per_s) = search.next() {
        if turn.stuck().is_some() {
            break;
        }
        let Some((observation, ended_s)) = one_step(turn, &mut gauges, spec, rate_per_s, step, offset_s).await? else {
            break;
        };
        let outcome = match (observation.is_evidence, search.keeps(&observation)) {
            (false, _) => StepOutcome::NoEvidence,
            (true, true) => StepOutcome::Within,
            (true, false) => StepOutcome::Beyond,
        };
        search.observe(&observation);
        turn.bus.emit(EventKind::SearchStep(SearchStep {
            class: spec.class.clone(),
            rate_per_s,
            latency_ms: observation.quantile_ms,
            error_share: observation.error_share,
            outcome,
        }));
        offset_s = ended_s;
        step += 1;
    }
    let bracket = search.bracket();
    turn.bus.emit(EventKind::SearchEnded {
        class: spec.class.clone(),
        within_per_s: bracket.within_per_s,
        beyond_per_s: bracket.beyond_per_s,
    });
    turn.stats().await;
    Ok(())
}

/// Drives one rate; none when the run was interrupted meanwhile. Also gives the time at which the last answer was in.
async fn one_step(
    turn: &mut Turn<'_>,
    gauges: &mut Gauges,
    spec: &SearchSpec,
    rate_per_s: f64,
    step: u32,
    offset_s: f64,
) -> Result<Option<(Observation, f64)>, RunError> {
    let mut plan = load::LoadPlan::new(vec![load::Stream {
        class: spec.class.clone(),
        target: turn.system.entry(),
        request: load::Request::from(&spec.request),
        pace: load::Pace::Open {
            arrivals: arrivals(spec.arrivals),
            stages: vec![load::Stage::constant(rate_per_s, spec.step_s)],
            connections_max: CONNECTIONS_MAX,
        },
        timeout: DRAIN_MAX,
        slow_over_ms: Some(spec.within_ms),
        collect: None,
        seed: named_seed(turn.seed.wrapping_add(u64::from(step)), &spec.class),
        start_s: 0.0,
    }]);
    plan.slice = Duration::from_secs(1) / SLICES_PER_S;
    plan.drain_max = DRAIN_MAX;
    let offset_slices = (offset_s * f64::from(SLICES_PER_S)).ceil() as u32;
    let began_ms = turn.bus.noticed().ms_at(std::time::Instant::now());
    let mut running = load::start(plan)?;
    let (epoch, mut samples) = (running.epoch(), running.samples());
    let mut seen = load::Totals::default();
    let mut ended_s = offset_s;
    loop {
        let sample = tokio::select! {
            () = turn.stop.cancelled() => { running.stop(); return Ok(None); }
            instances = gauges.next() => {
                turn.gauges(instances);
                continue;
            }
            sample = samples.recv() => sample,
        };
        let Some(mut sample) = sample else { break };
        seen.add(&sample);
        sample.at_s += f64::from(offset_slices) / f64::from(SLICES_PER_S);
        for slice in sample.classes.iter_mut().flat_map(|class| &mut class.slices) {
            slice.index += offset_slices;
        }
        ended_s = sample.at_s;
        turn.sample(sample, epoch);
        turn.forward_instances();
    }
    let mut observation = observe(&seen, spec, rate_per_s, turn.plan.lateness_p99_ms_max);
    observation.is_evidence &= !turn.disturbed_since(began_ms);
    Ok(Some((observation, ended_s)))
}

fn observe(seen: &load::Totals, spec: &SearchSpec, rate_per_s: f64, lateness_ms_max: f64) -> Observation {
    let all = seen.class(&spec.class).map(load::ClassTotals::all).unwrap_or_default();
    let failed: u64 = all.errors.values().sum();
    let late = all
        .dispatch_lateness
        .quantile_ms(0.99)
        .is_some_and(|ms| ms > lateness_ms_max);
    Observation {
        rate_per_s,
        quantile_ms: all.response.quantile_ms(spec.quantile),
        error_share: failed as f64 / (failed + all.ok).max(1) as f64,
        is_evidence: !late && !lost_to_timeouts(&all, failed),
    }
}

/// Whether more requests had no answer at all in time than an objective allows. An overload that a search comes to by
/// doubling makes answers late; where there are none, something does not work, and the rate is not what was measured.
fn lost_to_timeouts(all: &load::Slice, failed: u64) -> bool {
    let silent = [load::error_class::TIMEOUT, load::error_class::UNANSWERED];
    let unanswered: u64 = silent.iter().filter_map(|class| all.errors.get(*class)).sum();
    unanswered as f64 > ERROR_SHARE_MAX * (failed + all.ok).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ok: u64, errors: &[(&str, u64)]) -> load::Slice {
        load::Slice {
            ok,
            errors: errors
                .iter()
                .map(|(class, count)| ((*class).to_owned(), *count))
                .collect(),
            ..load::Slice::default()
        }
    }

    #[test]
    fn a_step_without_answers_says_nothing_and_one_with_bad_answers_does() {
        let lost = |slice: &load::Slice| lost_to_timeouts(slice, slice.errors.values().sum());
        assert!(lost(&seen(144, &[("timeout", 381)])));
        assert!(lost(&seen(90, &[("unanswered", 10)])));
        assert!(!lost(&seen(100, &[("http_503", 400)])));
        assert!(!lost(&seen(1000, &[("timeout", 1)])));
    }
}
