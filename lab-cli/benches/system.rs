//! How fast a whole system starts, and what it carries: `cargo bench -p lab-cli`.
//!
//! Prints, from one run on this machine: the time of `lab list`, the time from nothing to all services ready (six services,
//! three gateways, a balancer), the rate and latency of `GET /api/users` through one gateway, and the memory of each service under
//! that load. The figures of the original (NestJS) stand beside them: 0.7k requests/s and 120 to 167 MB a service.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::{Backend, ProcessBackend, ServiceSpec, System, SystemSpec, UpOptions, topology::named_system};
use contract::Program;

/// What the original carried, measured on a machine of two cores.
const ORIGINAL_PER_S: f64 = 700.0;
const STARTS: u32 = 7;
const LISTS: u32 = 50;
const CONNECTIONS: usize = 64;
const LOAD_S: f64 = 5.0;
const ROUNDS: usize = 3;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Outcome<()> {
    let state = tempfile::tempdir()?;
    catalogue(state.path())?;
    let backend = ProcessBackend::new(env!("CARGO_BIN_EXE_lab"))?;
    startup(&backend, state.path()).await?;
    throughput(&backend, state.path()).await
}

/// How soon the catalogue is listed, the start of the program included.
fn catalogue(state: &Path) -> Outcome<()> {
    let mut times_ms = Vec::new();
    for _ in 0..LISTS {
        let began = Instant::now();
        let listed = Command::new(env!("CARGO_BIN_EXE_lab"))
            .arg("list")
            .env("LAB_STATE", state)
            .output()?;
        times_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        if !listed.status.success() {
            return Err("`lab list` failed".into());
        }
    }
    println!("`lab list`, {LISTS} times");
    println!(
        "  median {:>6.1} ms   worst {:>6.1} ms",
        median(&mut times_ms),
        times_ms[times_ms.len() - 1]
    );
    Ok(())
}

async fn startup(backend: &ProcessBackend, state: &Path) -> Outcome<()> {
    let mut spec = named_system("full")?;
    for service in &mut spec.services {
        if service.service == Program::Gateway {
            *service = service.clone().balanced(3, "round_robin");
        }
    }
    let mut starts_ms = Vec::new();
    let mut stops_ms = Vec::new();
    for number in 0..STARTS {
        let id = format!("start-{number}");
        let began = Instant::now();
        let system = backend
            .up(spec.clone(), UpOptions::new(&id, state.join(&id), state))
            .await?;
        starts_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        let began = Instant::now();
        system.down().await?;
        stops_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    println!("full system, {} processes, {STARTS} starts", spec.process_count());
    println!(
        "  up    median {:>6.0} ms   worst {:>6.0} ms",
        median(&mut starts_ms),
        starts_ms[starts_ms.len() - 1]
    );
    println!(
        "  down  median {:>6.0} ms   worst {:>6.0} ms",
        median(&mut stops_ms),
        stops_ms[stops_ms.len() - 1]
    );
    Ok(())
}

async fn throughput(backend: &ProcessBackend, state: &Path) -> Outcome<()> {
    let spec = SystemSpec {
        name: "one gateway".to_owned(),
        services: vec![
            ServiceSpec::new(Program::Users),
            ServiceSpec::new(Program::Orders),
            ServiceSpec::new(Program::Payments),
            ServiceSpec::new(Program::Inventory),
            ServiceSpec::new(Program::Analytics),
            ServiceSpec::new(Program::Gateway),
        ],
        entry: "gateway".to_owned(),
        links: Vec::new(),
    };
    let system = backend
        .up(spec, UpOptions::new("load", state.join("load"), state))
        .await?;
    let mut rates = Vec::new();
    let mut last = load::Totals::default();
    for _ in 0..ROUNDS {
        last = drive(&system).await?;
        let class = last.class("users").ok_or("the generator counted nothing")?;
        if class.ok != class.sent {
            return Err(format!(
                "{} of {} requests failed: {:?}",
                class.sent - class.ok,
                class.sent,
                class.errors
            )
            .into());
        }
        rates.push(class.ok as f64 / LOAD_S);
    }
    let rate = median(&mut rates);
    let all = last.class("users").map(load::ClassTotals::all).unwrap_or_default();
    println!("\nGET /api/users through one gateway, {CONNECTIONS} connections, {ROUNDS} × {LOAD_S:.0} s");
    println!(
        "  {rate:>8.0} requests/s   {:.0} times the original's {ORIGINAL_PER_S:.0}",
        rate / ORIGINAL_PER_S
    );
    println!(
        "  p50 {:.2} ms   p99 {:.2} ms",
        all.response.quantile_ms(0.5).unwrap_or(0.0),
        all.response.quantile_ms(0.99).unwrap_or(0.0)
    );
    println!("\nmemory after that load (the original: 120 to 167 MB a service)");
    for stats in system.stats().await {
        let megabytes = stats.resident_bytes.unwrap_or(0) as f64 / 1e6;
        println!("  {:<14} {megabytes:>6.1} MB", stats.instance);
    }
    system.down().await?;
    Ok(())
}

async fn drive(system: &Arc<dyn System>) -> Outcome<load::Totals> {
    let stream = load::Stream {
        class: "users".to_owned(),
        target: system.entry(),
        request: load::Request::get("/api/users"),
        pace: load::Pace::Closed {
            connections: CONNECTIONS,
            think_ms: 0.0,
            for_s: LOAD_S,
            requests_max: None,
        },
        timeout: Duration::from_secs(5),
        slow_over_ms: None,
        collect: None,
        seed: 1,
        start_s: 0.0,
    };
    let running = load::start(load::LoadPlan::new(vec![stream]))?;
    Ok(tokio::task::spawn_blocking(move || running.join()).await?)
}

/// Sorts and takes the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
