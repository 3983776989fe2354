//! A running system: its state, and the trait by which others reach it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::LinkConditions;
use url::Url;

use super::log;
use super::platform::{Handle, Platform, Shared};
use super::record::SystemRecord;
use super::slot::Slot;
use crate::backend::{
    BoxFuture, EventSink, Instance, InstanceEvent, InstanceEventKind, InstanceState, InstanceStats, LogChunk, Role,
    System,
};
use crate::error::Error;
use crate::servers::{self, Server};
use crate::topology::{ServiceSpec, SystemSpec};
use contract::redact;

/// A system whose instances one platform has started.
pub(in crate::backend) struct RunningSystem<C: Platform> {
    pub(super) platform: Shared<C>,
    /// Whether another lab started it.
    pub(super) attached: bool,
    pub(super) detached: bool,
    pub(super) ready_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) events: Option<EventSink>,
    /// Held by operations that take longer than a signal, so that they follow one another.
    pub(super) operation: tokio::sync::Mutex<()>,
    /// Set when the system is brought down; whoever still waits for an instance gives up.
    pub(super) over: AtomicBool,
    /// Instances that somebody asked to pause, from before they are until after they go on.
    pauses: Mutex<BTreeSet<String>>,
    state: Mutex<State<C::Handle>>,
}

pub(super) struct State<H> {
    /// The record as last written; its list of instances is made anew from the slots at each write.
    pub(super) record: SystemRecord,
    pub(super) slots: Vec<Slot<H>>,
}

impl<H: Handle> State<H> {
    pub(super) fn service(&self, service: &str) -> Result<&ServiceSpec, Error> {
        self.record.spec.service(service).ok_or_else(|| Error::UnknownProgram {
            name: service.to_owned(),
            known: self
                .record
                .spec
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect(),
        })
    }

    pub(super) fn service_mut(&mut self, service: &str) -> Option<&mut ServiceSpec> {
        self.record.spec.services.iter_mut().find(|spec| spec.name == service)
    }

    pub(super) fn slot(&self, instance: &str) -> Result<&Slot<H>, Error> {
        self.slots
            .iter()
            .find(|slot| slot.name == instance)
            .ok_or_else(|| self.no_slot(instance))
    }

    fn no_slot(&self, instance: &str) -> Error {
        let mut services = self.record.spec.services.iter();
        let external = services.find_map(|service| {
            let url = self.record.external(service)?;
            let is_meant = service.instance_names().any(|name| name == instance);
            let variable = servers::of(service.service).and_then(Server::backing)?.variable();
            is_meant.then_some((variable, url))
        });
        match external {
            Some((variable, url)) => Error::External {
                instance: instance.to_owned(),
                variable,
                url: redact(url.as_str()),
            },
            None => Error::UnknownInstance {
                name: instance.to_owned(),
                known: self.slots.iter().map(|slot| slot.name.clone()).collect(),
            },
        }
    }

    pub(super) fn slot_mut(&mut self, instance: &str) -> Option<&mut Slot<H>> {
        self.slots.iter_mut().find(|slot| slot.name == instance)
    }

    /// Puts a slot where the specification has it: by service, instances by number, the balancer last.
    pub(super) fn place(&mut self, slot: Slot<H>) {
        self.slots.retain(|other| other.name != slot.name);
        self.slots.push(slot);
        let services = &self.record.spec.services;
        let position = |alias: &str| services.iter().position(|service| service.name == alias);
        self.slots
            .sort_by_key(|slot| (position(&slot.service), slot.role, slot.index));
    }

    /// The instances of a service that have an address, by number.
    pub(super) fn instances_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Slot<H>> + 'a {
        self.slots
            .iter()
            .filter(move |slot| slot.service == service && slot.role == Role::Instance)
    }

    /// Where callers of a service reach it; `None` before it listens.
    pub(super) fn front_door(&self, service: &ServiceSpec) -> Option<Url> {
        if let Some(url) = self.record.external(service) {
            return Some(url);
        }
        let name = service.front_door_name();
        self.slots.iter().find(|slot| slot.name == name).and_then(Slot::url)
    }
}

impl<C: Platform> RunningSystem<C> {
    pub(super) fn new(platform: Shared<C>, record: SystemRecord, attached: bool) -> Self {
        Self {
            platform,
            attached,
            detached: record.detached,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_millis(record.stop_timeout_ms),
            events: None,
            operation: tokio::sync::Mutex::new(()),
            over: AtomicBool::new(false),
            pauses: Mutex::default(),
            state: Mutex::new(State {
                record,
                slots: Vec::new(),
            }),
        }
    }

    /// The state; never held across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State<C::Handle>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Instances that were asked to pause; never held across an await.
    pub(super) fn pauses(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance that stands still unasked, by name.
    async fn still_unasked(&self, slot: &Slot<C::Handle>) -> Option<String> {
        // Asked before and after: a pause that begins or ends meanwhile is none of a stranger's.
        let asked = || self.pauses().contains(&slot.name);
        if asked() || !slot.handle.stands_still().await || asked() {
            return None;
        }
        Some(slot.name.clone())
    }

    /// Writes the record, unless it belongs to a lab that is still writing it.
    pub(super) fn persist(&self, state: &mut State<C::Handle>) -> Result<(), Error> {
        if self.attached && !self.detached {
            return Ok(());
        }
        state.record.instances = state.slots.iter().map(Slot::to_record).collect();
        state.record.revision += 1;
        state.record.write()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn emit(&self, slot: &Slot<C::Handle>, kind: InstanceEventKind) {
        if let Some(events) = &self.events {
            events(InstanceEvent {
                instance: slot.name.clone(),
                service: slot.service.clone(),
                kind,
            });
        }
    }
}

impl<C: Platform> System for RunningSystem<C> {
    fn run_id(&self) -> String {
        self.state().record.run_id.clone()
    }

    fn backend(&self) -> &'static str {
        self.platform.name()
    }

    fn spec(&self) -> SystemSpec {
        self.state().record.spec.clone()
    }

    fn front_door(&self, service: &str) -> Result<Url, Error> {
        let state = self.state();
        state.front_door(state.service(service)?).ok_or_else(|| Error::Gone {
            run_id: state.record.run_id.clone(),
        })
    }

    fn named_by_the_user(&self, service: &str) -> Vec<Url> {
        let state = self.state();
        state
            .service(service)
            .map_or_else(|_| Vec::new(), |service| state.record.externals(service))
    }

    fn entry(&self) -> Url {
        let state = self.state();
        let spec = &state.record.spec;
        // A system is only handed out once its front door listens, and slots keep their ports.
        spec.service(&spec.entry)
            .and_then(|entry| state.front_door(entry))
            .expect("a running system's entry has an address")
    }

    fn instances(&self) -> BoxFuture<'_, Vec<Instance>> {
        Box::pin(async move {
            self.refresh().await;
            self.state().slots.iter().map(Slot::shown).collect()
        })
    }

    fn stats(&self) -> BoxFuture<'_, Vec<InstanceStats>> {
        Box::pin(async move {
            let slots = self.state().slots.clone();
            let running = slots.iter().filter(|slot| slot.state().is_running());
            futures_util::future::join_all(running.map(|slot| slot.handle.stats(&slot.name))).await
        })
    }

    fn standing_still(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async move {
            let slots = self.state().slots.clone();
            let ready = slots.iter().filter(|slot| slot.state() == InstanceState::Ready);
            let found = futures_util::future::join_all(ready.map(|slot| self.still_unasked(slot))).await;
            found.into_iter().flatten().collect()
        })
    }

    fn log<'a>(&'a self, instance: &'a str, from: u64) -> BoxFuture<'a, Result<LogChunk, Error>> {
        Box::pin(async move {
            let slot = self.state().slot(instance)?.clone();
            self.platform
                .settle_log(&slot.handle, &slot.log, slot.log_start)
                .await?;
            log::read(&slot.log, from).map_err(Error::file("read", &slot.log))
        })
    }

    fn scale<'a>(&'a self, service: &'a str, instances: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.scale_service(service, instances))
    }

    fn pause<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.pause_instance(instance))
    }

    fn resume<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.resume_instance(instance))
    }

    fn kill<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.kill_instance(instance))
    }

    fn restart<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.restart_instance(instance))
    }

    fn set_policy<'a>(&'a self, service: &'a str, policy: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.change_policy(service, policy))
    }

    fn set_link<'a>(
        &'a self,
        from: &'a str,
        to: &'a str,
        conditions: LinkConditions,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.change_link(from, to, conditions))
    }

    fn limit_cpu<'a>(&'a self, instance: &'a str, cores: Option<f64>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.limit_instance(instance, cores))
    }

    fn connect<'a>(&'a self, instance: &'a str, connected: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.connect_instance(instance, connected))
    }

    fn down(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.bring_down())
    }
}

impl<C: Platform> Drop for RunningSystem<C> {
    /// Ends what nobody could end any more.
    fn drop(&mut self) {
        let state = self.state();
        let lives_on = self.attached || (self.detached && state.record.complete);
        if lives_on || self.is_over() {
            return;
        }
        let handles = state.slots.iter().map(|slot| slot.handle.clone()).collect();
        self.platform.let_go(state.record.clone(), handles);
    }
}
