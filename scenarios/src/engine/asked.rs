//! What an instance is asked to do to itself: no backend takes part in it.

use std::time::Duration;

use compose::{Instance, System, http};
use url::Url;

/// The longest wait for an instance to take what it is asked.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Leaves the request open behind itself: the answer comes when the burn is over.
pub(super) async fn burn(system: &dyn System, instance: &str, ms: u64) -> Result<(), String> {
    let url = address(system, instance, &format!("/api/blocking?ms={ms}")).await?;
    let burning = client(TIMEOUT + Duration::from_millis(ms))?.get(url).send();
    tokio::spawn(async move {
        // Whether it burnt is seen by everybody who waits for it.
        let _ = burning.await;
    });
    Ok(())
}

/// Makes the declared work of an instance take so many times as long.
pub(super) async fn slow(system: &dyn System, instance: &str, slowness: f64) -> Result<(), String> {
    let url = address(system, instance, "/work").await?;
    let body = serde_json::json!({ "slowness": slowness });
    let answer = client(TIMEOUT)?.put(url).json(&body).send().await;
    match answer.map_err(|error| error.to_string())?.status() {
        status if status.is_success() => Ok(()),
        reqwest::StatusCode::NOT_FOUND => Err(format!("{instance} has no declared work that could be slower")),
        status => Err(format!("{instance} answers {status}")),
    }
}

async fn address(system: &dyn System, name: &str, path: &str) -> Result<Url, String> {
    let found = |instance: &Instance| instance.name == name && instance.state.is_running();
    let instance = system.instances().await.into_iter().find(found);
    instance
        .and_then(|instance| instance.url)
        .and_then(|url| url.join(path).ok())
        .ok_or_else(|| format!("{name} does not run"))
}

fn client(timeout: Duration) -> Result<reqwest::Client, String> {
    http::client(timeout).map_err(|error| error.to_string())
}
