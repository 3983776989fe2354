//! Bringing a system up, and starting single instances of one that runs.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use contract::ServiceName;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};
use url::Url;

use super::Tools;
use super::child::Exit;
use super::log::{PortFinder, tail};
use super::readiness::{Heard, ask};
use super::record::{SystemRecord, check_run_id};
use super::slot::{Mark, Slot};
use super::system::ProcessSystem;
use crate::backend::{InstanceEventKind, InstanceState, Role, UpOptions};
use crate::error::Error;
use crate::redis::{RedisLookup, RedisSource, ping, without_password};
use crate::topology::{StartPlan, SystemSpec};

/// How often a log is looked at for the port.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long to wait between two questions for readiness: at first, and at most.
const ASK_EVERY_MIN: Duration = Duration::from_millis(2);
const ASK_EVERY_MAX: Duration = Duration::from_millis(10);
/// How long a Redis that the user named may take to give a sign of life.
const EXTERNAL_REDIS_TIMEOUT: Duration = Duration::from_secs(3);

impl ProcessSystem {
    /// Starts a system and waits until it is ready.
    pub(super) async fn start(tools: Tools, spec: SystemSpec, options: UpOptions) -> Result<Self, Error> {
        let plan = StartPlan::new(&spec)?;
        let external_redis = external_redis(&tools.redis, &spec).await?;
        let system = Self::prepare(tools, spec, external_redis, options)?;
        match system.start_all(&plan).await {
            Ok(()) => Ok(system),
            Err(error) => {
                system.abandon().await;
                Err(error)
            }
        }
    }

    /// Everything before the first process: folders, the record, the entry's port.
    fn prepare(tools: Tools, spec: SystemSpec, external_redis: Option<Url>, options: UpOptions) -> Result<Self, Error> {
        check_run_id(&options.run_id)?;
        let absolute = |path: &Path| std::path::absolute(path).map_err(Error::file("find", path));
        let folder = absolute(&options.folder)?;
        let mut record = SystemRecord::new(options.run_id, folder.clone(), absolute(&options.state_folder)?, spec);
        record.detached = options.detach;
        record.stop_timeout_ms = u64::try_from(options.stop_timeout.as_millis()).unwrap_or(u64::MAX);
        record.entry_port = options.entry_port;
        record.external_redis = external_redis;
        if record.path().exists() {
            return Err(Error::RunIdTaken {
                run_id: record.run_id.clone(),
                record: record.path(),
            });
        }
        for subfolder in [folder.join("logs"), folder.join("data")] {
            fs::create_dir_all(&subfolder).map_err(Error::file("create", &subfolder))?;
        }
        if let (Some(port), Some(entry)) = (options.entry_port, record.spec.service(&record.spec.entry))
            && !is_free(port)
        {
            return Err(Error::PortTaken {
                instance: entry.front_door_name(),
                port,
            });
        }
        record.write()?;
        let mut system = Self::new(tools, record, false);
        system.ready_timeout = options.ready_timeout;
        system.stop_timeout = options.stop_timeout;
        system.events = options.events;
        Ok(system)
    }

    /// Addresses go upwards level by level, so each level waits for the ports of the one below; readiness of all is
    /// waited for at the end, at once.
    async fn start_all(&self, plan: &StartPlan) -> Result<(), Error> {
        let deadline = Instant::now() + self.ready_timeout;
        let record = self.state().record.clone();
        let services = &record.spec.services;
        let mut names = Vec::new();
        for level in &plan.levels {
            let mut instances = Vec::new();
            let mut balancers = Vec::new();
            let of_level = level.iter().map(|&index| &services[index]);
            for service in of_level.filter(|service| record.external(service).is_none()) {
                for index in 1..=service.instances {
                    instances.push((service, Role::Instance, index));
                }
                if service.balancer.is_some() {
                    balancers.push((service, Role::Balancer, 0));
                }
            }
            for group in [instances, balancers] {
                let mut launched = Vec::with_capacity(group.len());
                for (service, role, index) in group {
                    launched.push(self.launch(&service.name, role, index, 0)?);
                }
                self.for_all(&launched, |name| self.listening(name, deadline)).await?;
                names.extend(launched);
            }
        }
        self.for_all(&names, |name| self.ready(name, deadline)).await?;
        let mut state = self.state();
        state.record.complete = true;
        self.persist(&mut state)
    }

    /// Launches instances of a service and waits until they are ready.
    pub(super) async fn start_instances(&self, service: &str, indices: &[u32]) -> Result<(), Error> {
        let deadline = Instant::now() + self.ready_timeout;
        let mut names = Vec::with_capacity(indices.len());
        for &index in indices {
            names.push(self.launch(service, Role::Instance, index, 0)?);
        }
        self.for_all(&names, |name| self.start_up(name, deadline)).await
    }

    /// Waits until a launched instance listens and is ready.
    pub(super) async fn start_up(&self, instance: &str, deadline: Instant) -> Result<(), Error> {
        self.listening(instance, deadline).await?;
        self.ready(instance, deadline).await
    }

    /// Waits for something of every instance at once. The first that fails ends it, except that all those which are
    /// merely late, and so fail at the same deadline, are named together.
    async fn for_all<'a, F: Future<Output = Result<(), Error>>>(
        &self,
        instances: &'a [String],
        wait: impl Fn(&'a str) -> F,
    ) -> Result<(), Error> {
        let mut waits: FuturesUnordered<_> = instances.iter().map(|instance| wait(instance)).collect();
        let mut late = Vec::new();
        while let Some(result) = waits.next().await {
            match result {
                Err(Error::NotReady { waiting, .. }) => late.extend(waiting),
                other => other?,
            }
        }
        late.sort();
        if late.is_empty() {
            Ok(())
        } else {
            Err(self.not_ready(late))
        }
    }

    /// Waits until an instance has said on which port it listens.
    async fn listening(&self, instance: &str, deadline: Instant) -> Result<(), Error> {
        let slot = self.state().slot(instance)?.clone();
        let mut finder = PortFinder::new(slot.log_start);
        loop {
            self.still_starting(&slot)?;
            if let Some(port) = finder.look(&slot.log).map_err(Error::file("read", &slot.log))? {
                self.set_port(instance, port)?;
                self.emit(&slot, InstanceEventKind::Listening { port });
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(vec![format!("{instance} has not said on which port it listens")]));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn set_port(&self, instance: &str, port: u16) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(slot) = state.slot_mut(instance) {
            slot.port = Some(port);
        }
        self.persist(&mut state)
    }

    /// Waits until an instance answers that it is ready.
    async fn ready(&self, instance: &str, deadline: Instant) -> Result<(), Error> {
        let slot = self.state().slot(instance)?.clone();
        let mut heard = Heard::default();
        let mut pause = ASK_EVERY_MIN;
        loop {
            self.still_starting(&slot)?;
            let Err(unready) = ask(&self.tools.http, &slot).await else {
                break;
            };
            let reason = heard.reason(unready);
            if Instant::now() >= deadline {
                return Err(self.not_ready(vec![format!("{instance}: {reason}")]));
            }
            sleep(pause).await;
            pause = (pause * 2).min(ASK_EVERY_MAX);
        }
        let start_ms = slot.launched.elapsed().as_secs_f64() * 1000.0;
        if let Some(slot) = self.state().slot_mut(instance)
            && slot.mark == Mark::Starting
        {
            slot.mark = Mark::Ready;
        }
        self.emit(&slot, InstanceEventKind::Ready { start_ms });
        Ok(())
    }

    /// An error as soon as waiting for an instance has become pointless.
    fn still_starting(&self, slot: &Slot) -> Result<(), Error> {
        if let Some(Exit { code, signal }) = slot.handle.exit() {
            return Err(Error::ExitedAtStart {
                instance: slot.name.clone(),
                state: InstanceState::Exited { code, signal }.to_string(),
                log: slot.log.clone(),
                tail: tail(&slot.log, slot.log_start),
            });
        }
        if self.is_over() {
            Err(Error::Gone {
                run_id: self.state().record.run_id.clone(),
            })
        } else {
            Ok(())
        }
    }

    fn not_ready(&self, waiting: Vec<String>) -> Error {
        Error::NotReady {
            timeout_ms: u64::try_from(self.ready_timeout.as_millis()).unwrap_or(u64::MAX),
            waiting,
        }
    }
}

/// The Redis that the user named, where the system needs one; an error, before anything was started, where it needs one
/// and there is none.
async fn external_redis(lookup: &RedisLookup, spec: &SystemSpec) -> Result<Option<Url>, Error> {
    if !spec.has(ServiceName::Redis) {
        return Ok(None);
    }
    match lookup.find()? {
        RedisSource::Server { .. } => Ok(None),
        RedisSource::Url(url) => match ping(&url, EXTERNAL_REDIS_TIMEOUT).await {
            Ok(()) => Ok(Some(url)),
            Err(reason) => Err(Error::RedisUnusable {
                url: without_password(url.as_str()),
                reason,
            }),
        },
    }
}

/// Whether a service could listen on this port now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
