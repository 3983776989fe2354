//! The balancer's own endpoints, under a prefix that no instance uses; everything else belongs to the instances.

use balance::{PolicyKind, REGISTRY};
use contract::limits::BODY_BYTES_MAX;
use contract::{UpstreamEntry, UpstreamStatus};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::Balancer;
use crate::body::ResponseBody;
use crate::config::{self, UpstreamConfig};
use crate::problem::{json, problem, text_answer};
use crate::upload::{RequestBody, UploadError};
use crate::upstream::{Standing, Upstream};

/// Paths that begin with this are the balancer's own.
pub const PREFIX: &str = "/_balancer/";

const JSON: &str = "application/json";

/// The body of `PUT /_balancer/policy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyChange {
    policy: String,
}

/// The body of `GET /_balancer/policy`.
#[derive(Debug, Serialize)]
struct PolicyStatus {
    policy: &'static str,
    allowed: Vec<&'static str>,
}

/// Answers a request whose path begins with [`PREFIX`].
pub async fn answer(balancer: &Balancer, request: Request<Incoming>) -> Response<ResponseBody> {
    let path = request.uri().path().trim_start_matches(PREFIX).to_owned();
    let is_put = request.method() == Method::PUT;
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = match path.as_str() {
        "health" if is_get => Ok(json(StatusCode::OK, JSON, &serde_json::json!({"status": "ok"}))),
        "ready" if is_get => ready(balancer),
        "metrics" if is_get => Ok(metrics(balancer)),
        "upstreams" if is_get => Ok(upstreams(balancer)),
        "upstreams" if is_put => put_upstreams(balancer, request).await,
        "policy" if is_get => Ok(policy(balancer)),
        "policy" if is_put => put_policy(balancer, request).await,
        "health" | "ready" | "metrics" | "upstreams" | "policy" => Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{PREFIX}{path} does not take {}", request.method()),
        )),
        _ => Err(Refusal(
            StatusCode::NOT_FOUND,
            "the balancer has health, ready, metrics, upstreams and policy".to_owned(),
        )),
    };
    balancer.sign(response.unwrap_or_else(|Refusal(status, detail)| problem(status, detail)))
}

type Answered = Result<Response<ResponseBody>, Refusal>;

/// A request that is not done: status and detail of its problem document.
struct Refusal(StatusCode, String);

fn ready(balancer: &Balancer) -> Answered {
    let (standings, panics) = balancer.routing.standings(balancer.now());
    let is_used = |standing: &&Standing| standing.listed && (panics || !standing.out);
    let in_rotation = standings.iter().filter(is_used).count();
    if in_rotation == 0 {
        let detail = "no instance is in rotation".to_owned();
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let status = serde_json::json!({"status": "ready", "in_rotation": in_rotation});
    Ok(json(StatusCode::OK, JSON, &status))
}

fn upstreams(balancer: &Balancer) -> Response<ResponseBody> {
    let now = balancer.now();
    let statuses: Vec<_> = balancer
        .routing
        .upstreams()
        .iter()
        .map(|upstream| {
            let endpoint = upstream.endpoint();
            let standing = upstream.standing(now, &balancer.options.health);
            UpstreamStatus {
                name: upstream.name().to_owned(),
                in_flight: upstream.in_flight(),
                url: Some(upstream.url()),
                weight: Some(endpoint.weight),
                healthy: Some(endpoint.healthy),
                state: Some(standing.word().to_owned()),
                requests: Some(upstream.requests()),
                failures: Some(upstream.failures()),
                ejections: Some(upstream.ejections()),
            }
        })
        .collect();
    json(StatusCode::OK, JSON, &statuses)
}

async fn put_upstreams(balancer: &Balancer, request: Request<Incoming>) -> Answered {
    let entries: Vec<UpstreamEntry> = read_json(balancer, request).await?;
    let upstreams: Result<Vec<_>, _> = entries.iter().map(UpstreamConfig::try_from).collect();
    let upstreams = upstreams
        .and_then(config::checked)
        .map_err(|error| unprocessable(&error))?;
    balancer.replace_upstreams(&upstreams);
    tracing::info!(count = upstreams.len(), "upstream list replaced");
    Ok(self::upstreams(balancer))
}

fn policy(balancer: &Balancer) -> Response<ResponseBody> {
    let status = PolicyStatus {
        policy: balancer.routing.policy().name(),
        allowed: REGISTRY.iter().map(PolicyKind::name).collect(),
    };
    json(StatusCode::OK, JSON, &status)
}

async fn put_policy(balancer: &Balancer, request: Request<Incoming>) -> Answered {
    let change: PolicyChange = read_json(balancer, request).await?;
    let kind: PolicyKind = change.policy.parse().map_err(|error| unprocessable(&error))?;
    balancer.routing.replace_policy(kind);
    tracing::info!(policy = kind.name(), "policy replaced");
    Ok(policy(balancer))
}

fn unprocessable(error: &impl std::error::Error) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

async fn read_json<T: DeserializeOwned>(balancer: &Balancer, request: Request<Incoming>) -> Result<T, Refusal> {
    // A page of another site can make a browser send any other type unasked, and this one not.
    let is_json = chassis::is_json(request.headers());
    let upload = RequestBody::new(request.into_body(), false, balancer.options.client_limits.stall);
    let body = Limited::new(upload, BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let detail = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            return Refusal(StatusCode::PAYLOAD_TOO_LARGE, detail);
        }
        let status = match error.downcast_ref() {
            Some(UploadError::Stalled) => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal(status, format!("the body could not be read: {error}"))
    })?;
    if !is_json {
        let detail = format!("the body must be sent as {JSON}");
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    contract::json::from_slice(&body.to_bytes()).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal(status, format!("the body does not fit: {error}"))
    })
}

/// Counts are copied when they are asked for, so that requests pay nothing for it, and an instance that is gone is gone from here.
fn metrics(balancer: &Balancer) -> Response<ResponseBody> {
    let text = observability::render_with(|| {
        describe();
        for upstream in balancer.routing.upstreams() {
            record(balancer, &upstream);
        }
    });
    text_answer(StatusCode::OK, observability::PROMETHEUS_TEXT, text)
}

fn describe() {
    metrics::describe_counter!("balancer_requests_total", "Requests that an instance was picked for.");
    metrics::describe_counter!(
        "balancer_failures_total",
        "Requests that an instance did not answer wholly: refused, timed out or broken off."
    );
    metrics::describe_counter!(
        "balancer_ejections_total",
        "How often an instance was taken out for its failures."
    );
    metrics::describe_gauge!("balancer_in_rotation", "Whether an instance gets requests: 1 or 0.");
    metrics::describe_gauge!(
        "balancer_latency_ewma_seconds",
        "Moving average of how long an instance takes to answer."
    );
    metrics::describe_gauge!(
        "balancer_in_flight",
        "Requests that an instance was picked for and whose answer has not ended."
    );
}

fn record(balancer: &Balancer, upstream: &Upstream) {
    let label = upstream.name().to_owned();
    metrics::counter!("balancer_requests_total", "upstream" => label.clone()).absolute(upstream.requests());
    metrics::counter!("balancer_failures_total", "upstream" => label.clone()).absolute(upstream.failures());
    metrics::counter!("balancer_ejections_total", "upstream" => label.clone()).absolute(upstream.ejections());
    let standing = upstream.standing(balancer.now(), &balancer.options.health);
    let in_rotation = f64::from(u8::from(standing.listed && !standing.out));
    metrics::gauge!("balancer_in_rotation", "upstream" => label.clone()).set(in_rotation);
    metrics::gauge!("balancer_latency_ewma_seconds", "upstream" => label.clone())
        .set(upstream.endpoint().latency_ewma.as_secs_f64());
    metrics::gauge!("balancer_in_flight", "upstream" => label).set(f64::from(upstream.in_flight()));
}
