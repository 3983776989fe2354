//! What an instance says of itself in its metrics.

use std::time::Duration;

use compose::http;
use url::Url;

use crate::prometheus::Exposition;

/// The gauge by which every service says how many requests it is answering.
const IN_FLIGHT: &str = "http_requests_in_flight";

/// Why a request failed, without the address: that of an instance is no help.
pub(super) fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else {
        error.to_string()
    }
}

/// The text of the metrics of the instance at this address.
///
/// # Errors
/// Why there is none within this time.
pub(super) async fn metrics(http: &reqwest::Client, instance: &Url, within: Duration) -> Result<String, String> {
    let url = instance.join("/metrics").map_err(|error| error.to_string())?;
    let asked = http.get(url).timeout(within).send().await;
    http::text(asked.map_err(|error| why(&error))?)
        .await
        .map_err(|error| error.to_string())
}

/// Requests that it is answering; the one that asks for this does not count.
///
/// # Errors
/// When it does not tell.
pub(super) fn in_flight(exposed: &Exposition<'_>) -> Result<u32, String> {
    let all = exposed.value(IN_FLIGHT).filter(|all| all.is_finite());
    let all = all.ok_or_else(|| format!("its metrics have no {IN_FLIGHT}"))?;
    Ok(all.max(0.0) as u32)
}
