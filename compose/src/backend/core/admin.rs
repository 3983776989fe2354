//! Talking to balancers and links over their administration interfaces.

use std::time::Duration;

use contract::LinkConditions;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::http;
use crate::wiring::Upstream;

/// How long one request to an administration interface may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an unexpected answer is worth showing.
const SHOWN_CHARS_MAX: usize = 200;
const UPSTREAMS: &str = "/_balancer/upstreams";
const POLICY: &str = "/_balancer/policy";

#[derive(Deserialize)]
struct UpstreamStatus {
    name: String,
    in_flight: u32,
}

/// The client for all that is asked of instances over HTTP.
pub(in crate::backend) fn client() -> Result<reqwest::Client, reqwest::Error> {
    http::client(REQUEST_TIMEOUT)
}

/// A balancer and the service behind it.
pub(super) struct BalancerAdmin<'a> {
    pub(super) http: &'a reqwest::Client,
    /// The balancer's base address.
    pub(super) url: Url,
    /// The alias of the service behind it, for messages.
    pub(super) service: &'a str,
}

impl BalancerAdmin<'_> {
    /// Replaces the list of instances.
    pub(super) async fn set_upstreams(&self, upstreams: &[Upstream]) -> Result<(), Error> {
        const WHAT: &str = "its instances";
        let response = self.put(UPSTREAMS, WHAT, &upstreams).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(self.failed(WHAT, format!("it answers {status}{}", shown(response).await))),
        }
    }

    /// Changes the policy; one that the balancer does not know is the user's error.
    pub(super) async fn set_policy(&self, policy: &str) -> Result<(), Error> {
        const WHAT: &str = "its policy";
        let response = self.put(POLICY, WHAT, &serde_json::json!({ "policy": policy })).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status if status.is_client_error() => Err(Error::PolicyRefused {
                service: self.service.to_owned(),
                policy: policy.to_owned(),
                reason: detail(response).await.unwrap_or_else(|| status.to_string()),
            }),
            status => Err(self.failed(WHAT, format!("it answers {status}{}", shown(response).await))),
        }
    }

    /// How many requests the named instances have in flight, all together.
    pub(super) async fn in_flight(&self, names: &[String]) -> Result<u32, Error> {
        const WHAT: &str = "to count its requests";
        let response = self
            .http
            .get(self.at(UPSTREAMS))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| self.failed(WHAT, error.to_string()))?;
        let statuses: Vec<UpstreamStatus> = http::json(response)
            .await
            .map_err(|error| self.failed(WHAT, error.to_string()))?;
        Ok(statuses
            .iter()
            .filter(|status| names.contains(&status.name))
            .map(|status| status.in_flight)
            .sum())
    }

    async fn put(&self, path: &str, what: &'static str, body: &impl Serialize) -> Result<reqwest::Response, Error> {
        let request = self.http.put(self.at(path)).json(body);
        request.send().await.map_err(|error| {
            let reason = if error.is_timeout() {
                "it does not answer".to_owned()
            } else {
                error.to_string()
            };
            self.failed(what, reason)
        })
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    fn failed(&self, what: &'static str, reason: String) -> Error {
        Error::Balancer {
            service: self.service.to_owned(),
            what,
            reason,
        }
    }
}

/// Tells the proxy of a link what it is to do to connections; conditions that it does not take are the user's error.
pub(super) async fn set_conditions(
    http: &reqwest::Client,
    url: Option<Url>,
    link: &str,
    conditions: &LinkConditions,
) -> Result<(), Error> {
    let failed = |reason: String| Error::Link {
        link: link.to_owned(),
        reason,
    };
    let mut url = url.ok_or_else(|| failed("it does not listen".to_owned()))?;
    url.set_path("/conditions");
    let request = http.put(url).json(conditions);
    let response = request.send().await.map_err(|error| failed(error.to_string()))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status if status.is_client_error() => Err(Error::ConditionsRefused {
            link: link.to_owned(),
            reason: detail(response).await.unwrap_or_else(|| status.to_string()),
        }),
        status => Err(failed(format!("it answers {status}{}", shown(response).await))),
    }
}

/// What a problem document says happened, with its causes.
async fn detail(response: reqwest::Response) -> Option<String> {
    let problem: contract::Problem = http::json(response).await.ok()?;
    let parts = std::iter::once(problem.detail)
        .chain(problem.causes)
        .filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join("; ")).filter(|detail| !detail.is_empty())
}

/// What an unexpected answer says, shortened and put behind a colon.
pub(super) async fn shown(response: reqwest::Response) -> String {
    match detail(response).await {
        Some(detail) => format!(": {}", detail.chars().take(SHOWN_CHARS_MAX).collect::<String>()),
        None => String::new(),
    }
}
