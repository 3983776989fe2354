//! What is done to single instances of a running system.

use std::time::Duration;

use contract::LinkConditions;
use tokio::time::{Instant, sleep};

use super::admin::{self, BalancerAdmin};
use super::front::{Admin, Front};
use super::nginx::NginxAdmin;
use super::platform::{Handle, Platform};
use super::slot::{Mark, Slot};
use super::start::is_free;
use super::system::RunningSystem;
use crate::backend::{InstanceEventKind, Role};
use crate::error::Error;
use crate::servers::{self, Server};
use crate::topology::{BalancerKind, BalancerSpec, balancer_name};

/// How long a port may stay in use after its process has ended.
const PORT_TIMEOUT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

impl<C: Platform> RunningSystem<C> {
    pub(super) async fn pause_instance(&self, instance: &str) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let slot = self.running(instance, "pause")?;
        self.pauses().insert(slot.name.clone());
        if let Err(error) = slot.handle.pause(instance).await {
            self.pauses().remove(instance);
            return Err(error);
        }
        self.mark(&slot, Mark::Paused)?;
        self.emit(&slot, InstanceEventKind::Paused);
        Ok(())
    }

    pub(super) async fn resume_instance(&self, instance: &str) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let slot = self.running(instance, "resume")?;
        slot.handle.resume(instance).await?;
        self.pauses().remove(instance);
        if slot.mark == Mark::Paused {
            self.mark(&slot, Mark::Ready)?;
            self.emit(&slot, InstanceEventKind::Resumed);
        }
        Ok(())
    }

    pub(super) async fn kill_instance(&self, instance: &str) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let slot = self.running(instance, "kill")?;
        slot.handle.kill(instance).await?;
        self.mark(&slot, Mark::Killed)?;
        self.emit(&slot, InstanceEventKind::Killed);
        Ok(())
    }

    pub(super) async fn restart_instance(&self, instance: &str) -> Result<(), Error> {
        let exclusive = self.exclusive("restart").await?;
        let slot = self.state().slot(instance)?.clone();
        self.stop(vec![slot.clone()], Instant::now() + self.stop_timeout)
            .await?;
        let deadline = Instant::now() + PORT_TIMEOUT;
        for port in slot.port.into_iter().chain(slot.link_port) {
            while !is_free(port) {
                if Instant::now() >= deadline {
                    return Err(Error::PortTaken {
                        instance: slot.name,
                        port,
                    });
                }
                sleep(LOOK_EVERY).await;
            }
        }
        self.launch(&slot.service, slot.role, slot.index, slot.port.unwrap_or(0))
            .await?;
        // Whoever was paused has gone, and another stands in its place.
        self.pauses().remove(instance);
        // Who takes long to be ready holds up nobody, unless other labs write the same record.
        let _exclusive = Some(exclusive).filter(|_| self.detached);
        self.start_up(instance, Instant::now() + self.ready_timeout).await?;
        self.look_up_again(&slot).await
    }

    /// A balancer that looks names up when it reads its configuration is told again: an instance that was started again may
    /// have another address behind its name.
    async fn look_up_again(&self, slot: &Slot<C::Handle>) -> Result<(), Error> {
        if slot.role == Role::Balancer || !self.platform.has_names() {
            return Ok(());
        }
        let instances = {
            let state = self.state();
            let spec = state.service(&slot.service)?;
            if !servers::of(spec.front_door_program()).is_some_and(Server::needs_addresses) {
                return Ok(());
            }
            spec.instances
        };
        let list = self.upstreams(&slot.service, instances, instances);
        self.balancer_of(&slot.service)?.set_upstreams(&list).await
    }

    pub(super) async fn limit_instance(&self, instance: &str, cores: Option<f64>) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let slot = self.running(instance, "limit")?;
        slot.handle.limit_cpu(instance, cores).await
    }

    pub(super) async fn connect_instance(&self, instance: &str, connected: bool) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let slot = self.running(instance, if connected { "connect" } else { "disconnect" })?;
        slot.handle.connect(instance, connected).await
    }

    pub(super) async fn change_link(&self, from: &str, to: &str, conditions: LinkConditions) -> Result<(), Error> {
        let _locked = self.lock_record().await?;
        let name = {
            let state = self.state();
            let links = &state.record.spec.links;
            let Some(link) = links.iter().find(|link| link.from == from && link.to == to) else {
                return Err(Error::UnknownLink {
                    name: format!("{from}->{to}"),
                    known: links.iter().map(|link| format!("{}->{}", link.from, link.to)).collect(),
                });
            };
            link.name()
        };
        let url = self.running(&name, "change")?.url();
        admin::set_conditions(self.platform.http(), url, &name, &conditions).await?;
        let mut state = self.state();
        let mut links = state.record.spec.links.iter_mut();
        if let Some(link) = links.find(|link| link.from == from && link.to == to) {
            link.conditions = conditions;
        }
        self.persist(&mut state)
    }

    pub(super) async fn change_policy(&self, service: &str, policy: &str) -> Result<(), Error> {
        let _exclusive = self.exclusive("change the policy of").await?;
        self.balancer_of(service)?.set_policy(policy).await?;
        let mut state = self.state();
        if let Some(balancer) = state.service_mut(service).and_then(|spec| spec.balancer.as_mut()) {
            policy.clone_into(&mut balancer.policy);
        }
        self.persist(&mut state)
    }

    /// The running balancer of a service.
    pub(super) fn balancer_of<'a>(&'a self, service: &'a str) -> Result<Front<'a, C>, Error> {
        let balancer = self.state().service(service)?.balancer.clone();
        let Some(BalancerSpec { kind, membership, .. }) = balancer else {
            return Err(Error::NoBalancer {
                service: service.to_owned(),
            });
        };
        let slot = self.running(&balancer_name(service), "reach")?;
        let admin = match kind {
            BalancerKind::Nginx => Admin::Nginx(NginxAdmin::new(self, slot, service)),
            BalancerKind::Lab => Admin::Lab(BalancerAdmin {
                http: self.platform.http(),
                url: slot.url().ok_or_else(|| Error::Balancer {
                    service: service.to_owned(),
                    what: "anything",
                    reason: "it does not listen".to_owned(),
                })?,
                service,
            }),
        };
        Ok(Front { admin, membership })
    }

    fn running(&self, instance: &str, action: &'static str) -> Result<Slot<C::Handle>, Error> {
        let slot = self.state().slot(instance)?.clone();
        let state = slot.state();
        if state.is_running() {
            Ok(slot)
        } else {
            Err(Error::NotRunning {
                instance: slot.name,
                action,
                state: state.to_string(),
            })
        }
    }

    /// Notes what was done to a process, unless another has taken its place meanwhile.
    fn mark(&self, marked: &Slot<C::Handle>, mark: Mark) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(slot) = state.slot_mut(&marked.name)
            && slot.handle.platform_id() == marked.handle.platform_id()
        {
            slot.mark = mark;
        }
        self.persist(&mut state)
    }
}
