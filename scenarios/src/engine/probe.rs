//! Questions put to the system after the load.

use std::time::Duration;

use compose::{System, http};

use super::RunError;
use super::bus::Bus;
use crate::event::EventKind;
use crate::plan::ProbeSpec;

/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Asks every probe and emits its answers; an answer that cannot be had is a warning, and its value is missing.
pub(super) async fn ask_all(probes: &[ProbeSpec], system: &dyn System, bus: &mut Bus) -> Result<(), RunError> {
    let client =
        http::client(TIMEOUT).map_err(|error| RunError::Unexpected(format!("cannot make an HTTP client: {error}")))?;
    for probe in probes {
        let door = system.front_door(&probe.service)?;
        let url = door
            .join(&probe.path)
            .map_err(|error| RunError::Unexpected(format!("{}: {error}", probe.path)))?;
        let mut values = Vec::new();
        for _ in 0..probe.times {
            match ask(&client, probe, url.clone()).await {
                Ok(value) => values.push(value),
                Err(why) => bus.emit(EventKind::Warning {
                    text: format!("probe {}: {why}", probe.name),
                }),
            }
        }
        bus.emit(EventKind::Fact {
            name: probe.name.clone(),
            values,
        });
    }
    Ok(())
}

async fn ask(client: &reqwest::Client, probe: &ProbeSpec, url: url::Url) -> Result<f64, String> {
    let method = probe
        .method
        .parse()
        .map_err(|_| format!("{} is no method", probe.method))?;
    let answer = client
        .request(method, url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let body: serde_json::Value = match answer {
        Ok(answer) => http::json(answer).await.map_err(|error| error.to_string())?,
        Err(error) => return Err(error.to_string()),
    };
    let field = &probe.field;
    body.get(field)
        .and_then(serde_json::Value::as_f64)
        .ok_or_else(|| format!("the answer has no number `{field}`"))
}
