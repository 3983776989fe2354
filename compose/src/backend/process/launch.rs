//! Starting the process of one instance.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use contract::ServiceName;
use contract::environment::REDIS_PREFIX;
use time::OffsetDateTime;
use url::Url;

use super::child::{Exit, OnExit};
use super::command::{Environment, arguments, balancer_environment, instance_environment};
use super::handle::Handle;
use super::slot::{Mark, Slot, log_path};
use super::system::{ProcessSystem, State};
use crate::backend::{InstanceEvent, InstanceEventKind, Role};
use crate::error::Error;
use crate::topology::{ServiceSpec, balancer_name, instance_name};

impl ProcessSystem {
    /// Starts the process of one instance; `port` 0 takes a free one.
    pub(super) fn launch(&self, service: &str, role: Role, index: u32, port: u16) -> Result<String, Error> {
        let mut state = self.state();
        let spec = state.service(service)?;
        let program = match role {
            Role::Instance => spec.service,
            Role::Balancer => ServiceName::Balancer,
        };
        let is_entry_door =
            state.record.spec.entry == service && spec.front_door_name() == slot_name(service, role, index);
        let port = if port == 0 && is_entry_door {
            state.record.entry_port.unwrap_or(0)
        } else {
            port
        };
        let name = slot_name(service, role, index);
        let log = log_path(&state.record.folder, &name);
        let (file, log_start) = open_log(&log).map_err(Error::file("write", &log))?;
        let environment = environment(&state, spec, role, &name, port)?;
        let command = self.command(&state, program, environment, file)?;
        let on_exit = self.on_exit(&name, service);
        let launched = std::time::Instant::now();
        let child = self
            .tools
            .spawner
            .spawn(command, on_exit)
            .map_err(|source| Error::Program {
                instance: name.clone(),
                program: self.tools.program.clone(),
                source,
            })?;
        let pid = child.stamp.pid;
        let slot = Slot {
            name: name.clone(),
            service: service.to_owned(),
            program,
            role,
            index,
            handle: Handle::Own(child),
            mark: Mark::Starting,
            port: Some(port).filter(|port| *port != 0),
            started: OffsetDateTime::now_utc(),
            launched,
            log,
            log_start,
        };
        state.place(slot.clone());
        self.persist(&mut state)?;
        drop(state);
        self.emit(&slot, InstanceEventKind::Started { pid });
        Ok(name)
    }

    fn command(
        &self,
        state: &State,
        program: ServiceName,
        environment: Environment,
        log: File,
    ) -> Result<Command, Error> {
        let die_with = (!self.detached).then(std::process::id);
        let errors = log.try_clone().map_err(Error::file("write", &state.record.folder))?;
        let mut command = Command::new(&self.tools.program);
        command
            .args(arguments(program, die_with))
            .env_clear()
            .envs(environment)
            .current_dir(&state.record.folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A group of its own: Ctrl-C in the terminal reaches the lab alone, which ends its children in order.
            .process_group(0);
        Ok(command)
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

fn slot_name(service: &str, role: Role, index: u32) -> String {
    match role {
        Role::Instance => instance_name(service, index),
        Role::Balancer => balancer_name(service),
    }
}

fn environment(state: &State, spec: &ServiceSpec, role: Role, instance: &str, port: u16) -> Result<Environment, Error> {
    let written = |url: Url| url.as_str().trim_end_matches('/').to_owned();
    match (role, &spec.balancer) {
        (Role::Balancer, Some(balancer)) => {
            // Instances beyond the specification are still being started, or are leaving.
            let listed = state
                .instances_of(&spec.name)
                .filter(|slot| slot.index <= spec.instances);
            let upstreams = listed.filter_map(|slot| Some((slot.name.clone(), written(slot.url()?))));
            Ok(balancer_environment(spec, &balancer.policy, port, upstreams))
        }
        _ => {
            let callees = state.record.spec.callees(spec)?;
            let uses_redis = callees.iter().any(|(name, _)| *name == ServiceName::Redis);
            let prefix = uses_redis.then(|| (REDIS_PREFIX, state.record.redis_prefix()));
            let urls = callees
                .into_iter()
                .filter_map(|(name, callee)| Some((name.url_variable(), written(state.front_door(callee)?))));
            Ok(instance_environment(
                spec,
                instance,
                port,
                urls.chain(prefix),
                &state.record.folder.join("data"),
            ))
        }
    }
}

/// Opens a log for appending; the second value is where the new part begins.
fn open_log(path: &Path) -> std::io::Result<(File, u64)> {
    let file = File::options().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}
