//! Questions put to the system after the load.

use std::time::Duration;

use compose::http;

use super::budget::Budget;
use super::error::RunError;
use super::gauges;
use super::scrape::why;
use super::turn::Turn;
use crate::event::EventKind;
use crate::plan::ProbeSpec;

/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Asks every probe and emits its answers; an answer that cannot be had is a warning, and its value is missing.
/// All questions share one budget, so that one who answers nobody does not hold the run up for each of them.
pub(super) async fn ask_all(turn: &mut Turn<'_>, budget: Budget) -> Result<(), RunError> {
    let client =
        http::client(TIMEOUT).map_err(|error| RunError::Unexpected(format!("cannot make an HTTP client: {error}")))?;
    for probe in &turn.arm.probes {
        let door = turn.system.front_door(&probe.service)?;
        let url = door
            .join(&probe.path)
            .map_err(|error| RunError::Unexpected(format!("{}: {error}", probe.path)))?;
        let mut values = Vec::new();
        for _ in 0..probe.times {
            let Some(within) = budget.for_one(TIMEOUT).filter(|_| turn.stuck().is_none()) else {
                missed(turn, probe, "there was no time left to ask").await;
                break;
            };
            match ask(&client, probe, url.clone(), within).await {
                Ok(value) => values.push(value),
                Err(why) => missed(turn, probe, &why).await,
            }
            turn.forward();
        }
        turn.bus.emit(EventKind::Fact {
            name: probe.name.clone(),
            values,
        });
    }
    Ok(())
}

/// Tells that an answer could not be had, and who answers nobody at that time.
async fn missed(turn: &mut Turn<'_>, probe: &ProbeSpec, why: &str) {
    let silent = gauges::silent(turn.system.as_ref()).await;
    let mut text = format!("probe {}: {why}", probe.name);
    if !silent.is_empty() {
        text.push_str(&format!("; {} did not answer", silent.join(" and ")));
    }
    turn.bus.emit(EventKind::Warning { text });
}

async fn ask(client: &reqwest::Client, probe: &ProbeSpec, url: url::Url, within: Duration) -> Result<f64, String> {
    let method = probe
        .method
        .parse()
        .map_err(|_| format!("{} is not a method", probe.method))?;
    let answer = client
        .request(method, url)
        .timeout(within)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let body: serde_json::Value = match answer {
        Ok(answer) => http::json(answer).await.map_err(|error| error.to_string())?,
        Err(error) => return Err(why(&error)),
    };
    let field = &probe.field;
    body.get(field)
        .and_then(serde_json::Value::as_f64)
        .ok_or_else(|| format!("the answer has no number `{field}`"))
}
