//! Starting one instance: what it is told, and its place in the system.

use std::path::Path;

use contract::environment::LINK_PORT;
use contract::{Program, UpstreamEntry};
use time::OffsetDateTime;
use url::Url;

use super::platform::{Exit, Handle, LaunchRequest, Launched, OnExit, Platform};
use super::slot::{Mark, Slot, log_path};
use super::system::{RunningSystem, State};
use crate::backend::{InstanceEvent, InstanceEventKind, Role};
use crate::error::Error;
use crate::scraped::SCRAPED;
use crate::servers::{self, Server};
use crate::topology::{ServiceSpec, SystemSpec, balancer_name, instance_name};
use crate::wiring::{Environment, balancer_environment, instance_environment, link_environment};

impl<C: Platform> RunningSystem<C> {
    /// Starts one instance; `port` 0 takes a free one.
    pub(super) async fn launch(&self, service: &str, role: Role, index: u32, port: u16) -> Result<String, Error> {
        let (request, launched_at) = (self.request(service, role, index, port)?, std::time::Instant::now());
        let (name, program, log) = (request.name.clone(), request.program, request.log.clone());
        let log_start = request.log_start;
        let asked = Some(request.port).filter(|port| *port != 0);
        let link_port = self.state().slot(&name).ok().and_then(|slot| slot.link_port);
        let Launched { handle, port } = self.platform.launch(request).await?;
        let slot = Slot {
            name: name.clone(),
            service: service.to_owned(),
            program,
            role,
            index,
            handle,
            mark: Mark::Starting,
            port: port.or(asked),
            link_port,
            started: OffsetDateTime::now_utc(),
            launched: launched_at,
            log,
            log_start,
        };
        {
            let mut state = self.state();
            state.place(slot.clone());
            self.persist(&mut state)?;
        }
        slot.handle.recorded();
        if let Some(pid) = slot.handle.pid() {
            self.emit(&slot, InstanceEventKind::Started { pid });
        }
        Ok(name)
    }

    fn request(&self, service: &str, role: Role, index: u32, port: u16) -> Result<LaunchRequest, Error> {
        let state = self.state();
        let spec = state.service(service)?;
        let program = match role {
            Role::Instance => spec.service,
            Role::Balancer => spec.front_door_program(),
            Role::Link => Program::Link,
        };
        let name = slot_name(&state.record.spec, service, role, index);
        let is_front_door = spec.front_door_name() == name;
        let is_entry_door = is_front_door && state.record.spec.entry == service;
        let port = if port == 0 && is_entry_door {
            state.record.entry_port.unwrap_or(0)
        } else {
            port
        };
        let log = log_path(&state.record.folder, &name);
        Ok(LaunchRequest {
            environment: match role {
                Role::Link => self.link_environment(&state, index, &name, port)?,
                _ => self.environment(&state, spec, role, &name, port)?,
            },
            limits: spec.limits.filter(|_| role == Role::Instance),
            log_start: length(&log).map_err(Error::file("write", &log))?,
            log,
            on_exit: self.on_exit(&name, service),
            record: state.record.clone(),
            service: service.to_owned(),
            program,
            is_front_door,
            port,
            name,
        })
    }

    fn environment(
        &self,
        state: &State<C::Handle>,
        spec: &ServiceSpec,
        role: Role,
        instance: &str,
        port: u16,
    ) -> Result<Environment, Error> {
        match (role, &spec.balancer) {
            (Role::Balancer, Some(balancer)) => {
                let base = self.platform.surroundings(instance, balancer.kind.program(), port);
                let upstreams = self.upstreams_of(state, spec);
                Ok(balancer_environment(base, spec, &balancer.policy, &upstreams))
            }
            _ => {
                let base = self.platform.surroundings(instance, spec.service, port);
                let callees = state.record.spec.callees(spec)?;
                let told = callees.into_iter().filter_map(|(program, callee)| {
                    let door = self.door_for(state, spec, callee)?;
                    Some(match servers::of(program).and_then(Server::backing) {
                        Some(backing) => backing.told(&state.record.tenant(program), &spec.name, &door),
                        None => vec![(program.url_variable(), written(&door))],
                    })
                });
                let database = self.platform.database(&state.record, &spec.name);
                let mut environment = instance_environment(base, spec, database, told.flatten());
                if servers::watches(spec.service) {
                    environment.insert(SCRAPED.to_owned(), self.scraped(state));
                }
                Ok(environment)
            }
        }
    }

    /// The environment of a link, which goes to the callee's front door.
    fn link_environment(
        &self,
        state: &State<C::Handle>,
        number: u32,
        instance: &str,
        port: u16,
    ) -> Result<Environment, Error> {
        let link = &state.record.spec.links[number as usize - 1];
        let mut base = self.platform.surroundings(instance, Program::Link, port);
        let before = state.slot(instance).ok().and_then(|slot| slot.link_port);
        base.entry(LINK_PORT.to_owned())
            .or_insert_with(|| before.unwrap_or(0).to_string());
        let callee = state.service(&link.to)?;
        let to = self.inner_door(state, callee).map(|door| {
            let usual = || servers::inner_port(callee.front_door_program());
            let port = door.port_or_known_default().unwrap_or_else(usual);
            format!("{}:{port}", door.host_str().unwrap_or_default())
        });
        Ok(link_environment(base, link, to))
    }

    /// Where the instances of one service reach another: over the link between them, if there is one.
    fn door_for(&self, state: &State<C::Handle>, caller: &ServiceSpec, callee: &ServiceSpec) -> Option<Url> {
        let mut door = self.inner_door(state, callee)?;
        let mut links = state.record.spec.links_from(&caller.name);
        let Some((_, link)) = links.find(|(_, link)| link.to == callee.name) else {
            return Some(door);
        };
        let port = state.slot(&link.name()).ok().and_then(|slot| slot.link_port);
        let (host, port) = self.platform.link_address(&link.name(), port)?;
        door.set_host(Some(&host)).ok()?;
        door.set_port(Some(port)).ok()?;
        Some(door)
    }

    /// Where the instances of a system reach a service.
    fn inner_door(&self, state: &State<C::Handle>, service: &ServiceSpec) -> Option<Url> {
        if let Some(url) = state.record.external(service) {
            return Some(url);
        }
        let port = state.slot(&service.front_door_name()).ok().and_then(|slot| slot.port);
        self.platform
            .inner_url(&service.name, service.front_door_program(), port)
    }

    /// The instances that the balancer of a service is told of at its start, with their addresses. Those beyond the
    /// specification are still being started, or are leaving.
    pub(super) fn upstreams_of(&self, state: &State<C::Handle>, spec: &ServiceSpec) -> Vec<UpstreamEntry> {
        let upstream = |(index, name): (u32, String)| {
            let slot = state.slot(&name).ok();
            let nobody = || slot.is_none_or(|slot| !slot.state().is_running());
            let needs_addresses = servers::of(spec.front_door_program()).is_some_and(Server::needs_addresses);
            if self.platform.has_names() && needs_addresses && nobody() {
                return None;
            }
            let url = self
                .platform
                .inner_url(&name, spec.service, slot.and_then(|slot| slot.port))?;
            Some(UpstreamEntry {
                name,
                url: written(&url),
                weight: spec.balancer.as_ref().map_or(1, |balancer| balancer.weight(index)),
                healthy: true,
            })
        };
        (1..).zip(spec.instance_names()).filter_map(upstream).collect()
    }

    fn on_exit(&self, instance: &str, service: &str) -> OnExit {
        let events = self.events.clone();
        let (instance, service) = (instance.to_owned(), service.to_owned());
        Box::new(move |Exit { code, signal }, expected| {
            if let Some(events) = events {
                let kind = InstanceEventKind::Exited { code, signal, expected };
                events(InstanceEvent {
                    instance,
                    service,
                    kind,
                });
            }
        })
    }
}

/// An address as services are told it: without the slash that stands for no path.
fn written(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn slot_name(system: &SystemSpec, service: &str, role: Role, index: u32) -> String {
    match role {
        Role::Instance => instance_name(service, index),
        Role::Balancer => balancer_name(service),
        Role::Link => system.links[index as usize - 1].name(),
    }
}

/// How long a file is; one that is not there yet is empty.
fn length(path: &Path) -> std::io::Result<u64> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
