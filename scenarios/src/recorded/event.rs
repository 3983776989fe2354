//! What one event may say.

use history::{Diagram, Operation};
use load::{ClassSample, Sample, Slice};

use super::bound::{
    Checked, at_most, count, figure, histogram, index, maybe, ms, number, seconds, share, time_ms, time_ns,
};
use super::plan::{Shape, action};
use crate::action::{Acted, Command};
use crate::disturbance::Disturbance;
use crate::event::{EventKind, SLICES_PER_S, SearchStep, SimulatedPoint};
use crate::guess::Guess;

/// The last slice of time: a week of load.
const SLICE_MAX: u64 = 7 * 86_400 * SLICES_PER_S as u64;
/// The most lanes and events of a picture.
const DIAGRAM_MAX: usize = 10_000;
/// The most memory of an instance, bytes: an exabyte.
const BYTES_MAX: u64 = 1 << 60;

/// Checks an event against the plan of its run.
pub(super) fn check(kind: &EventKind, shape: Option<&Shape>) -> Checked {
    match kind {
        // The reader takes it apart by itself.
        EventKind::RunStarted(_) => Ok(()),
        EventKind::Guessed { guess } => guessed(guess, shape),
        EventKind::TurnStarted { turn } => index("turn", *turn, shape.map_or(0, |shape| shape.turns)),
        EventKind::Phase { expected_s, .. } => seconds("expected_s", *expected_s),
        EventKind::SystemReady { startup_ms } => ms("startup_ms", *startup_ms),
        EventKind::Action(acted) => self::acted(acted, shape),
        EventKind::Sample(sample) => sampled(sample),
        EventKind::Operations { operations } => operations.iter().try_for_each(operation),
        EventKind::Quiescent { readings, .. } => readings.values().try_for_each(|value| number("a reading", *value)),
        EventKind::Judged(judged) => {
            count("checked", judged.judgement.checked)?;
            count("unknown", judged.judgement.unknown)?;
            count("found", judged.judgement.found)?;
            judged.diagram.as_ref().map_or(Ok(()), diagram)
        }
        EventKind::Stats { instances } => instances.iter().try_for_each(|stats| {
            maybe(count, "cpu_ms", stats.cpu_ms)?;
            stats
                .resident_bytes
                .map_or(Ok(()), |bytes| at_most("resident_bytes", bytes, BYTES_MAX))
        }),
        EventKind::Gauges { instances } => instances.iter().try_for_each(|gauges| {
            maybe(ms, "lag_ms", gauges.lag_ms)?;
            maybe(ms, "standstill_ms", gauges.standstill_ms)?;
            gauges
                .store_errors
                .values()
                .try_for_each(|errors| count("store_errors", *errors))
        }),
        EventKind::Disturbance(told) => disturbance(told, shape),
        EventKind::SearchStep(step) => search_step(step),
        EventKind::SearchEnded {
            within_per_s,
            beyond_per_s,
            ..
        } => {
            maybe(figure, "within_per_s", *within_per_s)?;
            maybe(figure, "beyond_per_s", *beyond_per_s)
        }
        EventKind::Fact { values, .. } => values.iter().try_for_each(|value| number("a value", *value)),
        EventKind::Story(story) => diagram(&story.diagram),
        EventKind::Simulated(simulated) => simulated.points.iter().try_for_each(point),
        EventKind::Check(outcome) => {
            maybe(number, "value", outcome.value)?;
            let (low, high) = outcome.interval.unwrap_or_default();
            number("interval", low)?;
            number("interval", high)
        }
        EventKind::Instance(_)
        | EventKind::TurnEnded
        | EventKind::Note { .. }
        | EventKind::Warning { .. }
        | EventKind::RunEnded { .. } => Ok(()),
    }
}

fn guessed(guess: &Guess, shape: Option<&Shape>) -> Checked {
    match guess {
        Guess::Number(guessed) => number("guess", *guessed),
        Guess::Choice(choice) => index("guess", *choice, shape.map_or(0, |shape| shape.choices)),
    }
}

fn acted(acted: &Acted, shape: Option<&Shape>) -> Checked {
    let planned = shape.map_or(0, |shape| shape.actions);
    acted.number.map_or(Ok(()), |number| index("number", number, planned))?;
    seconds("planned_s", acted.planned_s)?;
    seconds("began_s", acted.began_s)?;
    seconds("done_s", acted.done_s)?;
    match &acted.command {
        Command::Act(spec) => action(spec),
        Command::Rate { per_s, .. } => figure("per_s", *per_s),
        Command::Burn { ms, .. } => time_ms("ms", *ms),
        Command::Slow { slowness, .. } => figure("slowness", *slowness),
    }
}

fn disturbance(told: &Disturbance, shape: Option<&Shape>) -> Checked {
    time_ms("began_ms", told.began_ms)?;
    // A clock may be set back.
    maybe(number, "lasted_ms", told.lasted_ms)?;
    let turns = shape.map_or(0, |shape| shape.turns);
    told.turn.map_or(Ok(()), |turn| index("turn", turn, turns))
}

fn sampled(sample: &Sample) -> Checked {
    for standstill in &sample.standstills {
        seconds("from_s", standstill.from_s)?;
        seconds("lasted_s", standstill.lasted_s)?;
    }
    seconds("at_s", sample.at_s)?;
    seconds("span_s", sample.span_s)?;
    maybe(seconds, "generator_cpu_s", sample.generator_cpu_s)?;
    sample.classes.iter().try_for_each(class)
}

fn class(class: &ClassSample) -> Checked {
    for (what, counted) in [
        ("scheduled", class.scheduled),
        ("sent", class.sent),
        ("ok", class.ok),
        ("reconnects", class.reconnects),
        ("connections_opened", class.connections_opened),
        ("waited", class.waited),
        ("in_flight_now", class.in_flight_now),
        ("queued_now", class.queued_now),
    ] {
        count(what, counted)?;
    }
    class.errors.values().try_for_each(|errors| count("errors", *errors))?;
    figure("in_flight_time_s", class.in_flight_time_s)?;
    class.slices.iter().try_for_each(slice)?;
    class.by_instance.iter().try_for_each(|answered| {
        count("requests", answered.requests)?;
        histogram("response", &answered.response)
    })
}

fn slice(slice: &Slice) -> Checked {
    at_most("index", slice.index.into(), SLICE_MAX)?;
    for (what, counted) in [
        ("scheduled", slice.scheduled),
        ("sent", slice.sent),
        ("ok", slice.ok),
        ("slow", slice.slow),
    ] {
        count(what, counted)?;
    }
    slice.errors.values().try_for_each(|errors| count("errors", *errors))?;
    for (what, latencies) in [
        ("response", &slice.response),
        ("service", &slice.service),
        ("failed", &slice.failed),
        ("lateness", &slice.lateness),
        ("dispatch_lateness", &slice.dispatch_lateness),
    ] {
        histogram(what, latencies)?;
    }
    Ok(())
}

fn operation(operation: &Operation) -> Checked {
    time_ns("invoked_ns", operation.invoked_ns)?;
    maybe(time_ns, "completed_ns", operation.completed_ns)?;
    // A step is put on the clients' clock, and may have begun before it.
    operation
        .steps
        .iter()
        .try_for_each(|step| at_most("at_ns", step.at_ns, i64::MAX as u64))
}

/// Every event stands on a lane, and every arrow goes from one lane to another.
fn diagram(diagram: &Diagram) -> Checked {
    let lanes = diagram.lanes.len();
    at_most("the number of lanes", lanes as u64, DIAGRAM_MAX as u64)?;
    at_most("the number of events", diagram.events.len() as u64, DIAGRAM_MAX as u64)?;
    time_ns("began_ns", diagram.began_ns)?;
    for event in &diagram.events {
        time_ns("at_ns", event.at_ns)?;
        index("lane", event.lane, lanes)?;
        let Some(arrow) = event.arrow else { continue };
        index("from", arrow.from, lanes)?;
        index("to", arrow.to, lanes)?;
        if arrow.from == arrow.to || ![arrow.from, arrow.to].contains(&event.lane) {
            return Err(format!(
                "an arrow goes from lane {} to {}, at an event of lane {}",
                arrow.from, arrow.to, event.lane
            ));
        }
    }
    Ok(())
}

fn search_step(step: &SearchStep) -> Checked {
    figure("rate_per_s", step.rate_per_s)?;
    maybe(ms, "latency_ms", step.latency_ms)?;
    share("error_share", step.error_share)
}

fn point(point: &SimulatedPoint) -> Checked {
    figure("fullest", point.fullest)?;
    for (what, value) in [
        ("lost", point.lost),
        ("mean_ms", point.mean_ms),
        ("p99_ms", point.p99_ms),
        ("busiest_over_mean", point.busiest_over_mean),
        ("slow_share", point.slow_share),
    ] {
        maybe(figure, what, value)?;
    }
    Ok(())
}
