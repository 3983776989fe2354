//! Bringing a system up, and starting single instances of one that runs.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use super::files::check_run_id;
use super::log::{PortFinder, Ports, tail};
use super::platform::{Exit, Handle, Platform, Shared};
use super::readiness::{Heard, Unready, ask};
use super::record::{Sources, SystemRecord};
use super::slot::{Mark, Slot};
use super::system::RunningSystem;
use crate::backend::{InstanceEventKind, InstanceState, Role, UpOptions};
use crate::error::Error;
use crate::servers;
use crate::topology::{ServiceSpec, StartPlan, SystemSpec};

/// How often a log is looked at for the port.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long to wait between two questions for readiness: at first, and at most.
const ASK_EVERY_MIN: Duration = Duration::from_millis(2);
const ASK_EVERY_MAX: Duration = Duration::from_millis(10);

/// One instance of a start: of which service, and which.
type Start<'a> = (&'a ServiceSpec, Role, u32);

impl<C: Platform> RunningSystem<C> {
    /// Starts a system and waits until it is ready.
    pub(in crate::backend) async fn start(
        platform: Shared<C>,
        spec: SystemSpec,
        options: UpOptions,
    ) -> Result<Self, Error> {
        let plan = StartPlan::new(&spec)?;
        let sources = platform.sources(&spec).await?;
        let system = Self::prepare(platform, spec, sources, options)?;
        match system.start_all(&plan).await {
            Ok(()) => Ok(system),
            Err(error) => {
                system.abandon().await;
                Err(error)
            }
        }
    }

    /// Everything before the first instance: folders, the record, the entry's port.
    fn prepare(platform: Shared<C>, spec: SystemSpec, sources: Sources, options: UpOptions) -> Result<Self, Error> {
        check_run_id(&options.run_id)?;
        let absolute = |path: &Path| std::path::absolute(path).map_err(Error::file("find", path));
        let folder = absolute(&options.folder)?;
        let state_folder = absolute(&options.state_folder)?;
        let mut record = SystemRecord::new(platform.name(), options.run_id, folder.clone(), state_folder, spec)?;
        record.detached = options.detach;
        record.stop_timeout_ms = u64::try_from(options.stop_timeout.as_millis()).unwrap_or(u64::MAX);
        record.entry_port = options.entry_port;
        record.note(sources);
        record.platform = platform.place();
        if record.path().exists() {
            return Err(Error::RunIdTaken {
                run_id: record.run_id.clone(),
                record: record.path(),
            });
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
        let mut system = Self::new(platform, record, false);
        system.ready_timeout = options.ready_timeout;
        system.stop_timeout = options.stop_timeout;
        system.events = options.events;
        // Only now, when the record says whose they are: a lab that is killed meanwhile leaves nothing that nobody finds.
        for subfolder in [folder.join("logs"), folder.join("data")] {
            fs::create_dir_all(&subfolder).map_err(Error::file("create", &subfolder))?;
        }
        Ok(system)
    }

    /// Launches everything and waits until it is ready. Readiness is waited for at the end, of all at once.
    async fn start_all(&self, plan: &StartPlan) -> Result<(), Error> {
        let deadline = Instant::now() + self.ready_timeout;
        let record = self.state().record.clone();
        self.platform.prepare(&record).await?;
        self.furnished_elsewhere(&record, deadline).await?;
        let mut names = Vec::new();
        for group in self.groups(&record, plan) {
            let launches = group
                .iter()
                .map(|(service, role, index)| self.launch(&service.name, *role, *index, 0));
            let launched = try_join_all(launches).await?;
            self.for_all(&launched, |name| self.listening(name, deadline)).await?;
            names.extend(self.furnished(launched, deadline).await?);
        }
        self.for_all(&names, |name| self.ready(name, deadline)).await?;
        let mut state = self.state();
        state.record.complete = true;
        self.persist(&mut state)
    }

    /// What is launched together. Where addresses are known only once somebody listens, they go upwards level by level,
    /// so each level waits for the ports of the one below, instances for those of their links, and balancers for those of
    /// their instances.
    fn groups<'a>(&self, record: &'a SystemRecord, plan: &StartPlan) -> Vec<Vec<Start<'a>>> {
        let services = &record.spec.services;
        let mut groups = Vec::new();
        for level in &plan.levels {
            let mut links = Vec::new();
            let mut instances = Vec::new();
            let mut balancers = Vec::new();
            let of_level = level.iter().map(|&index| &services[index]);
            for service in of_level.filter(|service| record.external(service).is_none()) {
                for (number, _) in record.spec.links_from(&service.name) {
                    links.push((service, Role::Link, number));
                }
                for index in 1..=service.instances {
                    instances.push((service, Role::Instance, index));
                }
                if service.balancer.is_some() {
                    balancers.push((service, Role::Balancer, 0));
                }
            }
            groups.extend([links, instances, balancers]);
        }
        // A name must be somebody's by the time that a server needs its address.
        if self.platform.has_names() && !servers::within(&record.spec).any(|(server, _)| server.needs_addresses()) {
            // Databases are made before anybody opens them.
            let is_first = |start: &Start<'_>| servers::has_furniture(start.0.service);
            let (first, rest) = groups.concat().into_iter().partition(is_first);
            vec![first, rest]
        } else {
            groups
        }
    }

    /// Launches instances of a service and waits until they are ready.
    pub(super) async fn start_instances(&self, service: &str, indices: &[u32]) -> Result<(), Error> {
        let deadline = Instant::now() + self.ready_timeout;
        let launches = indices
            .iter()
            .map(|&index| self.launch(service, Role::Instance, index, 0));
        let names = try_join_all(launches).await?;
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
        if self.platform.has_names() {
            return Ok(());
        }
        let mut finder = PortFinder::new(slot.log_start);
        loop {
            self.still_starting(&slot).await?;
            if let Some(ports) = finder.look(&slot.log).map_err(Error::file("read", &slot.log))? {
                self.set_ports(instance, ports)?;
                self.emit(&slot, InstanceEventKind::Listening { port: ports.port });
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(vec![format!("{instance} has not said on which port it listens")]));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn set_ports(&self, instance: &str, Ports { port, link_port }: Ports) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(slot) = state.slot_mut(instance) {
            slot.port = Some(port);
            slot.link_port = link_port;
        }
        self.persist(&mut state)
    }

    /// Waits until an instance answers that it is ready.
    pub(super) async fn ready(&self, instance: &str, deadline: Instant) -> Result<(), Error> {
        let slot = self.state().slot(instance)?.clone();
        let mut heard = Heard::default();
        let mut pause = ASK_EVERY_MIN;
        // Without a line in the log that is waited for, the first answer shows that it listens.
        let mut port = slot.port.filter(|_| self.platform.has_names());
        loop {
            self.still_starting(&slot).await?;
            let answer = ask(self.platform.http(), slot.program, slot.url()).await;
            if !matches!(answer, Err(Unready::Silent(_)))
                && let Some(port) = port.take()
            {
                self.emit(&slot, InstanceEventKind::Listening { port });
            }
            let Err(unready) = answer else {
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
    async fn still_starting(&self, slot: &Slot<C::Handle>) -> Result<(), Error> {
        if let Some(Exit { code, signal }) = slot.handle.exit() {
            self.platform
                .settle_log(&slot.handle, &slot.log, slot.log_start)
                .await?;
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

/// Whether a service could listen on this port now.
pub(in crate::backend) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
