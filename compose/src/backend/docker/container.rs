//! A container that was started, as the lab's own or as another lab's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::models::{
    ContainerInspectResponse, ContainerUpdateBody, EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::{KillContainerOptionsBuilder, StatsOptionsBuilder};
use contract::Program;
use futures_util::StreamExt;
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::engine::{Engine, is_conflict, is_missing};
use super::error::DockerError;
use super::exit::exit_of;
use super::recorded::{self, Start};
use crate::backend::InstanceStats;
use crate::backend::core::{Exit, Handle};
use crate::error::Error;
use crate::servers;
use crate::stamp::ProcessStamp;

/// How long a killed container may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(20);
const NANOS_PER_CORE: f64 = 1e9;

/// How the log of a container gets into its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogKeeper {
    /// This lab follows it.
    Follow,
    /// Whoever wants to read it fetches what is missing.
    Fetch,
    /// Another lab follows it.
    Other,
}

/// A container.
#[derive(Clone)]
pub(super) struct Container(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) id: String,
    started: String,
    pid: Option<u32>,
    /// The network that the instances share, and its names there.
    network: String,
    aliases: Vec<String>,
    keeper: LogKeeper,
    pub(super) expected: AtomicBool,
    pub(super) exit: watch::Sender<Option<Exit>>,
}

/// What a container is known by before it is looked at.
pub(super) struct Identity {
    pub(super) engine: Engine,
    pub(super) id: String,
    pub(super) network: String,
    pub(super) aliases: Vec<String>,
    pub(super) keeper: LogKeeper,
}

impl Container {
    /// A container that was started just now. Even where it has ended already, that is told once its log is there.
    pub(super) fn started(identity: Identity, shown: ContainerInspectResponse) -> Self {
        let state = shown.state.unwrap_or_default();
        let pid = state
            .pid
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|pid| *pid != 0);
        Self::new(identity, state.started_at.unwrap_or_default(), pid, None)
    }

    /// A container as the engine shows it now.
    pub(super) fn seen(identity: Identity, shown: ContainerInspectResponse) -> Self {
        let state = shown.state.unwrap_or_default();
        let running = state.running.unwrap_or(false);
        let exit = (!running).then(|| exit_of(state.exit_code.unwrap_or_default()));
        let pid = state
            .pid
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|pid| *pid != 0);
        Self::new(identity, state.started_at.unwrap_or_default(), pid, exit)
    }

    /// A container that is not there any more.
    pub(super) fn gone(identity: Identity, started: String) -> Self {
        Self::new(identity, started, None, Some(Exit::default()))
    }

    fn new(identity: Identity, started: String, pid: Option<u32>, exit: Option<Exit>) -> Self {
        Self(Arc::new(Inner {
            engine: identity.engine,
            id: identity.id,
            started,
            pid,
            network: identity.network,
            aliases: identity.aliases,
            keeper: identity.keeper,
            expected: AtomicBool::new(false),
            exit: watch::Sender::new(exit),
        }))
    }

    pub(super) fn id(&self) -> &str {
        &self.0.id
    }

    pub(super) fn keeper(&self) -> LogKeeper {
        self.0.keeper
    }

    async fn signal(&self, signal: Signal, doing: &'static str) -> Result<(), Error> {
        let (id, signal) = (self.0.id.clone(), signal.as_raw().to_string());
        let kill = |docker: Docker| async move {
            let options = KillContainerOptionsBuilder::default().signal(&signal).build();
            ignore_ended(docker.kill_container(&id, Some(options)).await)
        };
        self.0.engine.call(doing, kill).await
    }
}

impl Container {
    /// Asks a server to read its configuration again.
    pub(super) async fn reload(&self) -> Result<(), Error> {
        self.signal(Signal::HUP, "tell a container to read its configuration")
            .await
    }
}

impl Handle for Container {
    fn platform_id(&self) -> Value {
        recorded::value_of(Start {
            id: self.0.id.clone(),
            started: self.0.started.clone(),
        })
    }

    fn pid(&self) -> Option<u32> {
        self.0.pid
    }

    fn exit(&self) -> Option<Exit> {
        *self.0.exit.borrow()
    }

    async fn is_paused(&self) -> bool {
        let id = self.0.id.clone();
        let inspect = |docker: Docker| async move { docker.inspect_container(&id, None).await };
        let shown = self.0.engine.call("look at a container", inspect).await;
        shown.is_ok_and(|shown| shown.state.and_then(|state| state.paused).unwrap_or(false))
    }

    /// Frozen by the engine, or stopped by a signal where its process can be seen from here.
    async fn stands_still(&self) -> bool {
        let stopped = self
            .0
            .pid
            .filter(|pid| is_of(*pid, &self.0.id))
            .and_then(ProcessStamp::of);
        stopped.is_some_and(|process| process.is_stopped()) || self.is_paused().await
    }

    async fn pause(&self, _instance: &str) -> Result<(), Error> {
        let id = self.0.id.clone();
        // Pausing what is paused is a conflict and no error.
        let pause = |docker: Docker| async move {
            ignore(docker.pause_container(&id).await, |text| {
                text.contains("already paused")
            })
        };
        self.0.engine.call("pause a container", pause).await
    }

    async fn resume(&self, _instance: &str) -> Result<(), Error> {
        let id = self.0.id.clone();
        let resume = |docker: Docker| async move {
            ignore(docker.unpause_container(&id).await, |text| {
                // One that was let go on by somebody else meanwhile, or has ended.
                ["not paused", "running process", "stopped container"]
                    .iter()
                    .any(|held| text.contains(held))
            })
        };
        self.0.engine.call("resume a container", resume).await
    }

    async fn terminate(&self, instance: &str, program: Program) -> Result<(), Error> {
        self.0.expected.store(true, Ordering::Release);
        self.signal(servers::end_signal(program), "stop a container").await?;
        // A frozen container hears it once it goes on.
        if self.exit().is_none() && self.is_paused().await {
            self.resume(instance).await?;
        }
        Ok(())
    }

    async fn kill(&self, _instance: &str) -> Result<(), Error> {
        self.0.expected.store(true, Ordering::Release);
        self.signal(Signal::KILL, "kill a container").await?;
        if self.exited_by(Instant::now() + KILL_TIMEOUT).await {
            Ok(())
        } else {
            let reason = format!("it still runs {} s later", KILL_TIMEOUT.as_secs());
            Err(DockerError::Engine {
                doing: "kill a container",
                reason,
            }
            .into())
        }
    }

    async fn exited_by(&self, deadline: Instant) -> bool {
        let mut exit = self.0.exit.subscribe();
        // The sender lives as long as this handle, so only the deadline can make it fail.
        timeout_at(deadline, exit.wait_for(Option::is_some)).await.is_ok()
    }

    async fn processes(&self) -> Option<usize> {
        let id = self.0.id.clone();
        let ask = |docker: Docker| async move { docker.top_processes(&id, None).await };
        let answer = self
            .0
            .engine
            .call("list the processes of a container", ask)
            .await
            .ok()?;
        Some(answer.processes?.len())
    }

    async fn stats(&self, instance: &str) -> InstanceStats {
        let id = self.0.id.clone();
        let ask = |docker: Docker| async move {
            let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
            docker.stats(&id, Some(options)).next().await.transpose()
        };
        let stats = self
            .0
            .engine
            .call("tell what a container uses", ask)
            .await
            .ok()
            .flatten();
        let cpu_ns = stats
            .as_ref()
            .and_then(|stats| stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage);
        let memory = stats.and_then(|stats| stats.memory_stats);
        let resident_bytes = memory.and_then(|memory| {
            let detail = memory.stats.unwrap_or_default();
            // What a process touched, without the files that the kernel keeps for it: cgroups 1 and 2 name it differently.
            detail
                .get("rss")
                .or_else(|| detail.get("anon"))
                .copied()
                .or(memory.usage)
        });
        InstanceStats {
            instance: instance.to_owned(),
            cpu_ms: cpu_ns.map(|nanoseconds| nanoseconds / 1_000_000),
            resident_bytes,
        }
    }

    async fn limit_cpu(&self, _instance: &str, cores: Option<f64>) -> Result<(), Error> {
        let id = self.0.id.clone();
        let limit = |docker: Docker| async move {
            // The engine knows no way back to "no limit", and accepts none above what there is.
            let all = docker.info().await?.ncpu.unwrap_or(1);
            #[allow(clippy::cast_precision_loss, reason = "no machine has 2^52 cores")]
            let cores = cores.unwrap_or(f64::INFINITY).min(all as f64);
            let update = ContainerUpdateBody {
                nano_cpus: Some(nano_cpus(cores)),
                ..ContainerUpdateBody::default()
            };
            docker.update_container(&id, update).await
        };
        self.0.engine.call("limit a container", limit).await
    }

    async fn connect(&self, _instance: &str, connected: bool) -> Result<(), Error> {
        let (id, network, aliases) = (self.0.id.clone(), self.0.network.clone(), self.0.aliases.clone());
        let change = |docker: Docker| async move {
            if connected {
                let request = connect_request(id, aliases);
                ignore(docker.connect_network(&network, request).await, |text| {
                    text.contains("already")
                })
            } else {
                let request = NetworkDisconnectRequest {
                    container: id,
                    force: Some(true),
                };
                let answer = docker.disconnect_network(&network, request).await;
                ignore(answer, |text| text.contains("is not connected"))
            }
        };
        let doing = if connected {
            "connect a container"
        } else {
            "disconnect a container"
        };
        self.0.engine.call(doing, change).await
    }
}

/// The wish to put a container on a network under these names.
pub(super) fn connect_request(container: String, aliases: Vec<String>) -> NetworkConnectRequest {
    NetworkConnectRequest {
        container,
        endpoint_config: Some(EndpointSettings {
            aliases: Some(aliases),
            ..EndpointSettings::default()
        }),
    }
}

/// Processor time as the engine counts it.
#[allow(clippy::cast_possible_truncation, reason = "cores are far fewer than 2^33")]
pub(super) fn nano_cpus(cores: f64) -> i64 {
    (cores * NANOS_PER_CORE).round() as i64
}

/// Whether a process of this machine is that of a container: an engine elsewhere counts its processes by itself.
fn is_of(pid: u32, container: &str) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup"));
    groups.is_ok_and(|groups| groups.contains(container))
}

/// That a container has ended already, or is gone, is what was wanted.
fn ignore_ended(answer: Result<(), Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if is_missing(&fault) || is_conflict(&fault) => Ok(()),
        answer => answer,
    }
}

/// Ignores what the engine refuses with such words.
fn ignore(answer: Result<(), Fault>, such: impl Fn(&str) -> bool) -> Result<(), Fault> {
    match answer {
        Err(Fault::DockerResponseServerError { message, .. }) if such(&message) => Ok(()),
        answer => answer,
    }
}
