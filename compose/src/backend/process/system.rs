//! A running system: its state, and the trait by which others reach it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use super::record::SystemRecord;
use super::slot::Slot;
use super::{Tools, log};
use crate::backend::{
    BoxFuture, EventSink, Instance, InstanceEvent, InstanceEventKind, InstanceStats, LogChunk, Role, System,
};
use crate::error::Error;
use crate::redis::without_password;
use crate::topology::{ServiceSpec, SystemSpec};

/// A system of processes.
pub(super) struct ProcessSystem {
    pub(super) tools: Tools,
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
    state: Mutex<State>,
}

pub(super) struct State {
    /// The record as last written; its list of instances is made anew from the slots at each write.
    pub(super) record: SystemRecord,
    pub(super) slots: Vec<Slot>,
}

impl State {
    pub(super) fn service(&self, service: &str) -> Result<&ServiceSpec, Error> {
        self.record.spec.service(service).ok_or_else(|| Error::UnknownService {
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

    pub(super) fn slot(&self, instance: &str) -> Result<&Slot, Error> {
        self.slots
            .iter()
            .find(|slot| slot.name == instance)
            .ok_or_else(|| self.no_slot(instance))
    }

    fn no_slot(&self, instance: &str) -> Error {
        let mut services = self.record.spec.services.iter();
        let external = services.find_map(|service| {
            let url = self.record.external(service)?;
            service.instance_names().any(|name| name == instance).then_some(url)
        });
        match external {
            Some(url) => Error::External {
                instance: instance.to_owned(),
                url: without_password(url.as_str()),
            },
            None => Error::UnknownInstance {
                name: instance.to_owned(),
                known: self.slots.iter().map(|slot| slot.name.clone()).collect(),
            },
        }
    }

    pub(super) fn slot_mut(&mut self, instance: &str) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.name == instance)
    }

    /// Puts a slot where the specification has it: by service, instances by number, the balancer last.
    pub(super) fn place(&mut self, slot: Slot) {
        self.slots.retain(|other| other.name != slot.name);
        self.slots.push(slot);
        let services = &self.record.spec.services;
        let position = |alias: &str| services.iter().position(|service| service.name == alias);
        self.slots
            .sort_by_key(|slot| (position(&slot.service), slot.role, slot.index));
    }

    /// The instances of a service that have an address, by number.
    pub(super) fn instances_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Slot> + 'a {
        self.slots
            .iter()
            .filter(move |slot| slot.service == service && slot.role == Role::Instance)
    }

    /// Where callers of a service reach it; `None` before it listens.
    pub(super) fn front_door(&self, service: &ServiceSpec) -> Option<Url> {
        if let Some(url) = self.record.external(service) {
            return Some(url.clone());
        }
        let name = service.front_door_name();
        self.slots.iter().find(|slot| slot.name == name).and_then(Slot::url)
    }
}

impl ProcessSystem {
    pub(super) fn new(tools: Tools, record: SystemRecord, attached: bool) -> Self {
        Self {
            tools,
            attached,
            detached: record.detached,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_millis(record.stop_timeout_ms),
            events: None,
            operation: tokio::sync::Mutex::new(()),
            over: AtomicBool::new(false),
            state: Mutex::new(State {
                record,
                slots: Vec::new(),
            }),
        }
    }

    /// The state; never held across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the record, unless it belongs to a lab that is still writing it.
    pub(super) fn persist(&self, state: &mut State) -> Result<(), Error> {
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

    pub(super) fn emit(&self, slot: &Slot, kind: InstanceEventKind) {
        if let Some(events) = &self.events {
            events(InstanceEvent {
                instance: slot.name.clone(),
                service: slot.service.clone(),
                kind,
            });
        }
    }
}

impl System for ProcessSystem {
    fn run_id(&self) -> String {
        self.state().record.run_id.clone()
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
            self.refresh();
            self.state().slots.iter().map(Slot::shown).collect()
        })
    }

    fn stats(&self) -> BoxFuture<'_, Vec<InstanceStats>> {
        Box::pin(async move {
            let running: Vec<Slot> = self
                .state()
                .slots
                .iter()
                .filter(|slot| slot.state().is_running())
                .cloned()
                .collect();
            running.iter().map(Slot::stats).collect()
        })
    }

    fn log<'a>(&'a self, instance: &'a str, from: u64) -> BoxFuture<'a, Result<LogChunk, Error>> {
        Box::pin(async move {
            let path = self.state().slot(instance)?.log.clone();
            log::read(&path, from).map_err(Error::file("read", &path))
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

    fn down(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.bring_down())
    }
}

impl Drop for ProcessSystem {
    /// Ends what nobody could end any more. Waiting for it is left to the threads that wait for each child.
    fn drop(&mut self) {
        let state = self.state();
        let lives_on = self.attached || (self.detached && state.record.complete);
        if lives_on || self.is_over() {
            return;
        }
        for slot in &state.slots {
            // Nobody is left to tell of an error; with the lab's own end the kernel ends the child.
            let _ = slot.handle.kill();
        }
        let _ = state.record.remove();
    }
}
