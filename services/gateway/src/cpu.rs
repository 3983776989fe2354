//! Work for the processor: on the event loop, where it holds everybody up, or beside it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use axum::extract::State;
use chassis::{CpuWork, Failure, Json, Query, burn};
use contract::limits::BURN_MS_MAX;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::instance::Instance;

const BLOCKING_MS_DEFAULT: u64 = 1_000;
const CPU_BOUND_MS_DEFAULT: u64 = 100;

/// A number by which one process is told from all others, wherever they run: in containers, all have the same id. Every
/// reader of JSON keeps a number of 53 bits.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()) >> 11);

#[derive(Clone)]
pub(crate) struct Cpu {
    place: CpuWork,
    /// More threads than cores would only take time from one another.
    cores: Arc<Semaphore>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    /// CPU time, in milliseconds.
    ms: Option<u64>,
}

impl Cpu {
    pub(crate) fn new(place: CpuWork) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            place,
            cores: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Burns CPU time and gives what was used.
    async fn burn(&self, duration: Duration) -> Result<Duration, Failure> {
        match self.place {
            CpuWork::Inline => Ok(burn(duration)),
            CpuWork::Offloaded => {
                let core = Arc::clone(&self.cores)
                    .acquire_owned()
                    .await
                    .map_err(Failure::internal)?;
                // The core is given back when the work is done, even if the client has gone: the work goes on.
                let work = move || {
                    let used = burn(duration);
                    drop(core);
                    used
                };
                tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
            }
        }
    }
}

pub(crate) async fn blocking(
    State(cpu): State<Cpu>,
    State(instance): State<Instance>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Failure> {
    work(&cpu, &instance, asked.ms.unwrap_or(BLOCKING_MS_DEFAULT)).await
}

pub(crate) async fn cpu_bound(
    State(cpu): State<Cpu>,
    State(instance): State<Instance>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Failure> {
    work(&cpu, &instance, asked.ms.unwrap_or(CPU_BOUND_MS_DEFAULT)).await
}

pub(crate) async fn non_blocking(State(instance): State<Instance>) -> Json<Value> {
    Json(json!({"instance": instance, "process": *PROCESS}))
}

async fn work(cpu: &Cpu, instance: &Instance, ms: u64) -> Result<Json<Value>, Failure> {
    if ms > BURN_MS_MAX {
        return Err(Failure::bad_request(format!(
            "ms must be between 0 and {BURN_MS_MAX}, not {ms}"
        )));
    }
    let started = Instant::now();
    let used = cpu.burn(Duration::from_millis(ms)).await?;
    Ok(Json(json!({
        "instance": instance,
        "process": *PROCESS,
        "cpu_ms": used.as_secs_f64() * 1_000.0,
        "elapsed_ms": started.elapsed().as_secs_f64() * 1_000.0,
    })))
}
