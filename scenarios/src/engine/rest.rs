//! What is left when everything is over: conservation laws hold at rest, so rest is seen and not slept for.

use std::collections::BTreeMap;
use std::time::Duration;

use compose::{InstanceState, http};
use history::{Completion, Operation};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;

use super::budget::Budget;
use super::error::RunError;
use super::scrape;
use super::scrape::why;
use super::turn::Turn;
use crate::event::{EventKind, Phase};
use crate::plan::{ClientsSpec, ReadingSpec};
use crate::prometheus::Exposition;

/// The longest wait for the last request to leave the services.
const QUIET_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Class → key → what it held at rest.
pub(super) type Readings = BTreeMap<String, BTreeMap<String, f64>>;

/// Waits until no service is answering anything, and reads every key of every class that asks for it. A class whose
/// rest was not seen, or one of whose keys could not be read, is missing: its laws cannot be judged then.
pub(super) async fn read(turn: &mut Turn<'_>, operations: &[Operation], budget: Budget) -> Result<Readings, RunError> {
    turn.bus.emit(EventKind::Phase {
        phase: Phase::Probing,
        expected_s: 0.0,
    });
    let http =
        http::client(TIMEOUT).map_err(|error| RunError::Unexpected(format!("cannot make an HTTP client: {error}")))?;
    let mut readings = Readings::new();
    let open = operations
        .iter()
        .any(|operation| operation.outcome == Completion::Unknown);
    if open && let Err(why) = quiet(turn, &http, budget).await {
        turn.bus.emit(EventKind::Warning {
            text: format!("the system did not come to rest: {why}"),
        });
        return Ok(readings);
    }
    for spec in &turn.arm.clients {
        let Some(reading) = &spec.quiescent else { continue };
        let door = turn.system.front_door(&spec.service)?;
        match read_keys(&http, &door, spec, reading, budget).await {
            Ok(keys) => readings.entry(spec.class.clone()).or_default().extend(keys),
            Err(why) => turn.bus.emit(EventKind::Warning {
                text: format!("{}: {why}", spec.class),
            }),
        }
    }
    for (class, readings) in &readings {
        turn.bus.emit(EventKind::Quiescent {
            class: class.clone(),
            readings: readings.clone(),
        });
    }
    Ok(readings)
}

/// Waits until every running instance says that it is answering nobody.
async fn quiet(turn: &Turn<'_>, http: &reqwest::Client, budget: Budget) -> Result<(), String> {
    let within = budget
        .for_one(QUIET_WITHIN)
        .ok_or("there was no time left to ask the instances")?;
    let deadline = Instant::now() + within;
    loop {
        let mut busy = Vec::new();
        for instance in turn.system.instances().await {
            let asked = instance.state == InstanceState::Ready
                && instance.role == compose::Role::Instance
                && instance.url.as_ref().is_some_and(|url| url.scheme() == "http");
            let Some(url) = instance.url.filter(|_| asked) else {
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now()).max(LOOK_EVERY);
            match in_flight(http, &url, left.min(TIMEOUT)).await {
                Ok(0) => {}
                Ok(count) => busy.push(format!("{} is answering {count}", instance.name)),
                Err(why) => busy.push(format!("{}: {why}", instance.name)),
            }
        }
        if busy.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(busy.join("; "));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn in_flight(http: &reqwest::Client, instance: &Url, within: Duration) -> Result<u32, String> {
    let text = scrape::metrics(http, instance, within).await?;
    scrape::in_flight(&Exposition::read(&text))
}

async fn read_keys(
    http: &reqwest::Client,
    door: &Url,
    spec: &ClientsSpec,
    reading: &ReadingSpec,
    budget: Budget,
) -> Result<BTreeMap<String, f64>, String> {
    let mut readings = BTreeMap::new();
    for wave in 1..=spec.waves {
        for client in 1..=spec.count {
            let key = ClientsSpec::fill(&spec.key, client, wave);
            if readings.contains_key(&key) {
                continue;
            }
            let path = ClientsSpec::fill(&reading.path, client, wave);
            let within = budget
                .for_one(TIMEOUT)
                .ok_or_else(|| format!("there was no time left to read {path}"))?;
            let value = read_one(http, door, &path, reading.field.as_deref(), within)
                .await
                .map_err(|why| format!("{path} could not be read at rest: {why}"))?;
            readings.insert(key, value);
        }
    }
    Ok(readings)
}

async fn read_one(
    http: &reqwest::Client,
    door: &Url,
    path: &str,
    field: Option<&str>,
    within: Duration,
) -> Result<f64, String> {
    let url = door.join(path).map_err(|error| error.to_string())?;
    let answer = http.get(url).timeout(within).send().await;
    let body: Value = match answer.and_then(reqwest::Response::error_for_status) {
        Ok(answer) => http::json(answer).await.map_err(|error| error.to_string())?,
        Err(error) => return Err(why(&error)),
    };
    match field {
        Some(field) => body
            .get(field)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("the answer has no number `{field}`")),
        None => body
            .as_array()
            .map(|elements| elements.len() as f64)
            .ok_or_else(|| "the answer is not a list".to_owned()),
    }
}
