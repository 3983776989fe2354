//! A layer-7 load balancer: takes HTTP/1.1 requests and passes each to one of several instances of a service.
//!
//! Connections are kept alive on both sides, bodies are streamed in both directions, and the list of instances and the policy over
//! it (from the crate `balance`) may be changed while requests run. All paths belong to the instances, `/health` and `/ready` among
//! them; the balancer's own endpoints are under [`ADMIN_PREFIX`]:
//!
//! | Endpoint | Answer |
//! |---|---|
//! | `GET /_balancer/health` | 200 while the process runs |
//! | `GET /_balancer/ready` | 200 while some instance is in rotation, else 503 |
//! | `GET /_balancer/metrics` | Prometheus text, with requests, failures and in-flight count of each instance |
//! | `GET /_balancer/upstreams` | the same as JSON: `[{name, url, weight, healthy, in_flight, requests, failures}]` |
//! | `PUT /_balancer/upstreams` | takes `[{"name", "url", "weight"?, "healthy"?}]` in place of the list; what is in flight ends undisturbed |
//! | `GET`, `PUT /_balancer/policy` | `{"policy": "least_connections"}`, swapped while traffic flows |
//!
//! `healthy` in the first list is what the list says; `state` is what comes of it: `in`, `warming`, `ejected`, `down` or `draining`.
//!
//! Off unless asked for by the variables that this crate names: passive and active health, with a limit of ejections and a panic
//! threshold; slow start; retries on another instance; sticky sessions; a list of instances in a file.
//!
//! They ask for no credentials: whoever can send requests can also change the list, so listen where that is meant.
//!
//! Not supported: HTTP/2, TLS, protocol upgrades (the `Upgrade` field is removed, and an answer that switches protocols refused),
//! tunnels (`CONNECT` is refused) and transfer codings other than chunked (refused both ways).

mod address;
mod admin;
mod authority;
mod avoid;
mod balancer;
mod batched;
mod body;
mod config;
mod connection;
mod exchange;
mod failure;
mod framing;
mod headers;
mod health;
mod heard;
mod interim;
mod membership;
mod options;
mod probe;
mod problem;
mod proxy;
mod routing;
mod server;
mod sticky;
mod target;
mod upload;
mod upstream;

use std::sync::Arc;

use chassis::{ServeError, Settings};

pub use admin::PREFIX as ADMIN_PREFIX;
pub use balancer::Balancer;
pub use config::{Config, POLICY, UPSTREAM_RESPONSE_TIMEOUT_MS, UPSTREAMS, UpstreamConfig, UpstreamError};
pub use health::HealthRules;
pub use options::{
    EJECT_MAX_PERCENT, EJECT_MS, HASH_ON, HEAD_TIMEOUT_MS, HashOn, IDLE_TIMEOUT_MS, NOBODY_WELL, Options,
    PANIC_PERCENT, PASSIVE_FAILURES, PROBE_EVERY_MS, PROBE_PATH, PROBE_TIMEOUT_MS, PROBES_IN_ROW, Probes, RETRIES,
    SLOW_START_MS, STALL_TIMEOUT_MS, STICKY_COOKIE, UPSTREAMS_FILE,
};
pub use server::run;

/// Runs the balancer as the settings say until they ask for the end, then lets the requests under way finish, for
/// [`chassis::GRACE`] at most.
///
/// # Errors
/// When a setting is wrong or the address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let config = Config::read(&settings.environment)?;
    let balancer = Balancer::new(&config, &settings.instance).map_err(|_| {
        settings
            .environment
            .refuse(contract::environment::INSTANCE, "plain text in one line")
    })?;
    let listener = chassis::bind(settings.host, settings.port).await?;
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    observability::install();
    let probes = observability::spawn_probes();
    tracing::info!(
        port,
        host = %settings.host,
        pid = std::process::id(),
        policy = config.policy.name(),
        upstreams = config.upstreams.len(),
        "listening"
    );
    let unfinished = run(Arc::new(balancer), listener, &settings.shutdown).await;
    probes.abort();
    if unfinished > 0 {
        tracing::warn!(
            connections = unfinished,
            "closed with requests that did not finish in time"
        );
    }
    Ok(())
}
