//! Work that goes on without a request: events on their way. Its end is seen and not slept for.

use std::time::Duration;

use compose::servers;
use compose::{Instance, InstanceState, Role, http};
use contract::Pending;
use futures_util::future::join_all;
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

use super::budget::Budget;
use super::error::RunError;
use super::scrape::why;
use super::turn::Turn;
use crate::event::{EventKind, FACTS_OF_SETTLING, Phase};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest wait for one answer: who asks a broker may take a while.
const TIMEOUT: Duration = Duration::from_secs(6);

/// Tells which servers a system has, where that matters for what it shows.
pub(super) fn note(turn: &mut Turn<'_>) {
    for service in &turn.system.spec().services {
        let sentence = servers::of(service.service).and_then(|server| server.sentence(&service.env));
        if let Some(text) = sentence {
            turn.bus.emit(EventKind::Note { text });
        }
    }
}

/// Waits, as long as the plan says at most, until no event is on its way any more, in a system with a server that carries
/// them: every instance says so, twice in a row and with nothing done in between (see [`Pending`]). Says whether that was seen.
pub(super) async fn wait(turn: &mut Turn<'_>, budget: Budget) -> Result<bool, RunError> {
    if !servers::carry_events(&turn.arm.system) || turn.stop.is_cancelled() {
        return Ok(true);
    }
    let within = Duration::from_secs_f64(turn.settle_s());
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Settling,
        expected_s: 0.0,
    });
    let http =
        http::client(TIMEOUT).map_err(|error| RunError::Unexpected(format!("cannot make an HTTP client: {error}")))?;
    let began = Instant::now();
    let mut before = None;
    let (settled, open) = loop {
        let seen = look(turn, &http, budget).await;
        let stuck = turn.stuck();
        match &seen {
            Ok(Pending { open: 0, .. }) if before.as_ref() == Some(&seen) => break (true, Some(0)),
            _ if began.elapsed() >= within || turn.stop.is_cancelled() || stuck.is_some() => {
                let why = match (stuck, &seen) {
                    (Some(stuck), _) => format!("was not waited for: {stuck}"),
                    (None, Ok(pending)) => format!("did not come to rest in time: {} things are open", pending.open),
                    (None, Err(why)) => format!("did not come to rest in time: {why}"),
                };
                turn.bus.emit(EventKind::Warning {
                    text: format!("{}: the system {why}", turn.arm.name),
                });
                break (false, seen.ok().map(|pending| pending.open));
            }
            _ => {}
        }
        before = Some(seen);
        turn.forward();
        sleep(LOOK_EVERY).await;
    };
    // What nobody could say is not nothing: it has no value.
    let values = [Some(began.elapsed().as_secs_f64()), open.map(|open| open as f64)];
    for (name, value) in FACTS_OF_SETTLING.into_iter().zip(values) {
        turn.bus.emit(EventKind::Fact {
            name: name.to_owned(),
            values: value.into_iter().collect(),
        });
    }
    Ok(settled)
}

/// What all running instances have still to do, and how much they have done; an error when one does not say.
async fn look(turn: &Turn<'_>, http: &reqwest::Client, budget: Budget) -> Result<Pending, String> {
    let instances = turn.system.instances().await;
    let down = instances
        .iter()
        .find(|instance| instance.state != InstanceState::Ready && turn.arm.revived.contains(&instance.service));
    if let Some(down) = down {
        return Err(format!("{} is on its way back", down.name));
    }
    let asked = instances.iter().filter(|instance| {
        instance.state == InstanceState::Ready
            && instance.role == Role::Instance
            && instance.url.as_ref().is_some_and(|url| url.scheme() == "http")
    });
    let Some(within) = budget.for_one(TIMEOUT) else {
        return Err("there was no time left to ask".to_owned());
    };
    let answers = join_all(asked.map(|instance| ask(instance, http, within))).await;
    answers
        .into_iter()
        .try_fold(Pending::default(), |sum, answer| Ok(sum + answer?))
}

async fn ask(instance: &Instance, http: &reqwest::Client, within: Duration) -> Result<Pending, String> {
    let failed = |why: String| format!("{}: {why}", instance.name);
    let Some(url) = instance.url.as_ref().and_then(|url| url.join("/pending").ok()) else {
        return Ok(Pending::default());
    };
    let answer = http
        .get(url)
        .timeout(within)
        .send()
        .await
        .map_err(|error| failed(why(&error)))?;
    match answer.status() {
        StatusCode::OK => http::json(answer).await.map_err(|error| failed(error.to_string())),
        // It does nothing without being asked.
        StatusCode::NOT_FOUND => Ok(Pending::default()),
        status => Err(failed(format!("/pending answers {status}"))),
    }
}
