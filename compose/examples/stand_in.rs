//! Behaves towards its starter as `lab serve` does, without any of the services: for this crate's tests.
//!
//! `stand_in serve NAME [--die-with-parent PID | --once-recorded]` reads the same environment, says the same line on its port, and
//! answers `/health` and `/ready`; `serve balancer` spreads requests and takes the same administration requests; `serve`
//! of a server of others becomes the host's own in the very way in which `lab` does, `serve link` is the very link of `lab`,
//! and `health NAME` asks as `lab health` does.
//! Two variables exist only here: `IGNORE_TERM` lets it ignore SIGTERM, `SILENT` lets it never listen.

use std::collections::BTreeMap;
use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use compose::Host;
use compose::servers::redis::Redis;
use compose::servers::{self, Backing, Seat, Server};
use contract::{Program, UpstreamEntry, UpstreamStatus};
use serde::Deserialize;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

const POLICIES: [&str; 2] = ["round_robin", "least_connections"];

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let service = match words.as_slice() {
        ["keep"] => return Ok(compose::keep(std::io::stdin())?),
        ["health", service] => return Ok(compose::health::ask(service.parse().map_err(|_| "no such service")?)?),
        ["serve", service, ..] => *service,
        _ => return Err(format!("not understood: {words:?}").into()),
    };
    if let Some(server) = server(service) {
        at_its_seat(|seat| server.prepare(seat))??;
    }
    match words.as_slice() {
        ["serve", _, "--die-with-parent", parent] => die_with_parent(parent.parse()?, service)?,
        ["serve", _, "--once-recorded"] if !compose::is_recorded(std::io::stdin())? => {
            return Err("the lab ended".into());
        }
        _ => {}
    }
    if let Ok(wait) = env::var("WORK_WAIT_MS") {
        wait.parse::<f64>().map_err(|error| format!("WORK_WAIT_MS: {error}"))?;
    }
    if let Some(server) = server(service) {
        return Err(at_its_seat(|seat| server.take_over(&Host::of_process(), seat))?.into());
    }
    if service == "link" {
        return Ok(chassis::run(chassis::Settings::from_env(Program::Link)?, link::serve)?);
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(service))
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: i32, service: &str) -> Result<(), Failure> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    let signal = server(service).map_or(Signal::KILL, Server::orphan_signal);
    set_parent_process_death_signal(Some(signal))?;
    // Had it died before the line above, no signal would come.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) == Some(parent) {
        Ok(())
    } else {
        Err("the parent died".into())
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(parent: i32, _service: &str) -> Result<(), Failure> {
    std::thread::spawn(move || {
        while rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()) == Some(parent) {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::process::exit(1);
    });
    Ok(())
}

/// Does something with the place of a server of others that this process is to become.
fn at_its_seat<T>(act: impl FnOnce(&Seat<'_>) -> T) -> Result<T, Failure> {
    let (instance, folder, environment) = (env::var("INSTANCE")?, env::current_dir()?, env::vars().collect());
    Ok(act(&Seat {
        instance: &instance,
        address: address()?,
        folder: &folder,
        environment: &environment,
    }))
}

/// The server of others that a service is.
fn server(service: &str) -> Option<&'static dyn Server> {
    service.parse().ok().and_then(servers::of)
}

fn address() -> Result<SocketAddr, Failure> {
    Ok(SocketAddr::new(host()?, env::var("PORT")?.parse()?))
}

fn host() -> Result<IpAddr, Failure> {
    Ok(env::var("HOST").map_or(Ok(Ipv4Addr::LOCALHOST.into()), |host| host.parse())?)
}

async fn serve(service: &str) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    if env::var_os("SILENT").is_some() {
        terminate.recv().await;
        return Ok(());
    }
    let port: u16 = env::var("PORT")?.parse()?;
    let instance: &'static str = env::var("INSTANCE")?.leak();
    let name = HeaderValue::from_static(instance);
    let router = if service == "balancer" { balancer()? } else { plain() };
    let router = router.layer(from_fn(move |request: Request, next: Next| {
        let name = name.clone();
        async move {
            let mut response = next.run(request).await;
            // Through a balancer, the name of the instance behind it stays.
            response.headers_mut().entry("x-instance").or_insert(name);
            response
        }
    }));
    let listener = tokio::net::TcpListener::bind(SocketAddr::new(host()?, port)).await?;
    let port = listener.local_addr()?.port();
    println!(
        "{}",
        json!({"level": "INFO", "message": "listening", "instance": instance, "port": port})
    );
    let ended = async move {
        terminate.recv().await;
        if env::var_os("IGNORE_TERM").is_some() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, router).with_graceful_shutdown(ended).await?;
    println!("{}", json!({"level": "INFO", "message": "ended", "instance": instance}));
    Ok(())
}

#[derive(Deserialize)]
struct Wait {
    ms: u64,
}

fn plain() -> Router {
    let slow = |Query(wait): Query<Wait>| async move {
        tokio::time::sleep(Duration::from_millis(wait.ms)).await;
        "done"
    };
    Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/ready", get(ready))
        .route("/slow", get(slow))
        .route("/metrics", get(metrics))
}

/// In the text format of Prometheus.
async fn metrics() -> &'static str {
    "stands_in 1\n"
}

/// Ready when all that it calls are there.
async fn ready() -> Response {
    let addresses: BTreeMap<String, String> = env::vars()
        .filter(|(name, _)| name.ends_with("_URL") && name != "DATABASE_URL")
        .collect();
    for (name, address) in addresses {
        if let Err(error) = answers(&address).await {
            return problem(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{name} does not answer: {error}"),
            );
        }
    }
    "ready".into_response()
}

async fn answers(address: &str) -> Result<(), Failure> {
    if address.starts_with("redis://") {
        return Ok(Redis.ping(&address.parse()?, Duration::from_secs(1)).await?);
    }
    let http = compose::http::client(Duration::from_secs(10))?;
    http.get(format!("{address}/health")).send().await?;
    Ok(())
}

fn problem(status: StatusCode, detail: String) -> Response {
    (status, Json(contract::Problem::new(status.as_u16(), "Problem", detail))).into_response()
}

#[derive(Clone)]
struct Listed {
    /// It picks in turn, whatever the weights.
    entry: UpstreamEntry,
    in_flight: Arc<AtomicU32>,
}

struct Balancer {
    http: reqwest::Client,
    upstreams: Mutex<Vec<Listed>>,
    policy: Mutex<String>,
    turn: AtomicU32,
}

#[derive(Deserialize)]
struct Policy {
    policy: String,
}

fn balancer() -> Result<Router, Failure> {
    let listed = env::var("UPSTREAMS").unwrap_or_default();
    let upstream = |entry: &str| {
        Ok::<_, Failure>(Listed {
            entry: entry.parse()?,
            in_flight: Arc::default(),
        })
    };
    let upstreams = listed
        .split(',')
        .filter(|entry| !entry.is_empty())
        .map(upstream)
        .collect::<Result<_, _>>()?;
    let state = Arc::new(Balancer {
        http: compose::http::client(Duration::from_secs(60))?,
        upstreams: Mutex::new(upstreams),
        policy: Mutex::new(env::var("POLICY")?),
        turn: AtomicU32::new(0),
    });
    Ok(Router::new()
        .route("/_balancer/health", get(|| async { "ok" }))
        .route("/_balancer/ready", get(|| async { "ready" }))
        .route("/_balancer/metrics", get(metrics))
        .route("/_balancer/upstreams", get(upstreams_shown).put(upstreams_set))
        .route("/_balancer/policy", get(policy_shown).put(policy_set))
        .fallback(forward)
        .with_state(state))
}

async fn upstreams_shown(State(balancer): State<Arc<Balancer>>) -> Json<Vec<UpstreamStatus>> {
    let upstreams = balancer.upstreams.lock().expect("no holder panics");
    // It tells only what a balancer has to tell.
    let status = |upstream: &Listed| UpstreamStatus {
        name: upstream.entry.name.clone(),
        in_flight: upstream.in_flight.load(Ordering::SeqCst),
        url: None,
        weight: None,
        healthy: None,
        state: None,
        requests: None,
        failures: None,
        ejections: None,
    };
    Json(upstreams.iter().map(status).collect())
}

async fn upstreams_set(State(balancer): State<Arc<Balancer>>, Json(entries): Json<Vec<UpstreamEntry>>) -> StatusCode {
    let mut upstreams = balancer.upstreams.lock().expect("no holder panics");
    let known = |entry: &UpstreamEntry| {
        upstreams
            .iter()
            .find(|upstream| upstream.entry.name == entry.name && upstream.entry.url == entry.url)
    };
    let upstream = |entry: UpstreamEntry| Listed {
        in_flight: known(&entry)
            .map(|upstream| Arc::clone(&upstream.in_flight))
            .unwrap_or_default(),
        entry,
    };
    let replaced = entries.into_iter().map(upstream).collect();
    *upstreams = replaced;
    StatusCode::OK
}

async fn policy_shown(State(balancer): State<Arc<Balancer>>) -> Json<serde_json::Value> {
    Json(json!({ "policy": *balancer.policy.lock().expect("no holder panics") }))
}

async fn policy_set(State(balancer): State<Arc<Balancer>>, Json(change): Json<Policy>) -> Response {
    if !POLICIES.contains(&change.policy.as_str()) {
        let detail = format!(
            "there is no policy {:?}; there are {}",
            change.policy,
            POLICIES.join(", ")
        );
        return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
    }
    *balancer.policy.lock().expect("no holder panics") = change.policy;
    StatusCode::OK.into_response()
}

async fn forward(State(balancer): State<Arc<Balancer>>, request: Request) -> Response {
    let healthy: Vec<Listed> = {
        let upstreams = balancer.upstreams.lock().expect("no holder panics");
        upstreams
            .iter()
            .filter(|upstream| upstream.entry.healthy)
            .cloned()
            .collect()
    };
    if healthy.is_empty() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let upstream = &healthy[balancer.turn.fetch_add(1, Ordering::Relaxed) as usize % healthy.len()];
    upstream.in_flight.fetch_add(1, Ordering::SeqCst);
    let answer = balancer
        .http
        .get(format!("{}{}", upstream.entry.url, request.uri()))
        .send()
        .await;
    upstream.in_flight.fetch_sub(1, Ordering::SeqCst);
    let Ok(answer) = answer else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut headers = HeaderMap::new();
    if let Some(instance) = answer.headers().get("x-instance") {
        headers.insert("x-instance", instance.clone());
    }
    (answer.status(), headers).into_response()
}
