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
use crate::prometheus::Exposition;

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
    let answer = answer.map_err(|error| why(&error))?;
    let field = &probe.field;
    if is_exposition(&answer) {
        let text = http::text(answer).await.map_err(|error| error.to_string())?;
        let sum = Exposition::read(&text).sum(field);
        return sum.ok_or_else(|| format!("the answer has no metric {field}"));
    }
    let body: serde_json::Value = http::json(answer).await.map_err(|error| error.to_string())?;
    number_at(&body, field).ok_or_else(|| format!("the answer has no number `{field}`"))
}

/// Whether an answer is metrics in the text format of Prometheus, or in OpenMetrics.
fn is_exposition(answer: &reqwest::Response) -> bool {
    let content_type = answer.headers().get(reqwest::header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["text/plain", "application/openmetrics-text"]
        .iter()
        .any(|kind| text.starts_with(kind))
}

/// The number in a field of an answer, or behind a JSON pointer: a truth is 1 or 0, and a list as much as its elements.
fn number_at(body: &serde_json::Value, field: &str) -> Option<f64> {
    let value = if field.starts_with('/') {
        body.pointer(field)
    } else {
        body.get(field)
    };
    match value? {
        serde_json::Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        serde_json::Value::Array(elements) => Some(elements.len() as f64),
        value => value.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_a_name_or_a_pointer() {
        let body = json!({"a": 1.5, "b": {"c": [4, 5, 6]}, "d": true, "/e": 7, "f": "8"});
        for (field, number) in [
            ("a", Some(1.5)),
            ("/a", Some(1.5)),
            ("/b/c/1", Some(5.0)),
            ("/b/c", Some(3.0)),
            ("d", Some(1.0)),
            // A name that begins with a slash is written as RFC 6901 says.
            ("/e", None),
            ("/~1e", Some(7.0)),
            ("f", None),
            ("b", None),
            ("b/c", None),
            ("/b/x", None),
        ] {
            assert_eq!(number_at(&body, field), number, "{field}");
        }
    }
}
