//! Telling an nginx something: its configuration is written anew, and it is asked to read it.
//!
//! Its new worker serves new connections; the old one finishes the requests that it has, with the old configuration.

use std::time::Duration;

use contract::UpstreamEntry;
use tokio::time::{Instant, sleep};

use super::log::tail;
use super::platform::{Handle, Platform};
use super::renewal::{Renewal, stamp};
use super::slot::Slot;
use super::system::RunningSystem;
use crate::error::Error;
use crate::http;
use crate::servers::nginx::{Nginx, READY, lacking};
use crate::wiring::{Environment, POLICY, UPSTREAMS, balancer_environment};

/// How long a new configuration may take to be in force; a new process starts for it.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(20);
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// For a tenth of a second nginx lets the old worker take connections beside the new one: so many answers by the new one
/// take longer than that.
const ANSWERS_IN_A_ROW: u32 = 8;
/// The master and the worker that serves.
const PROCESSES: usize = 2;

/// An nginx and the service behind it.
pub(super) struct NginxAdmin<'a, C: Platform> {
    system: &'a RunningSystem<C>,
    slot: Slot<C::Handle>,
    service: &'a str,
    /// What it was told last, if anything.
    told: Option<Environment>,
}

impl<'a, C: Platform> NginxAdmin<'a, C> {
    pub(super) const fn new(system: &'a RunningSystem<C>, slot: Slot<C::Handle>, service: &'a str) -> Self {
        Self {
            system,
            slot,
            service,
            told: None,
        }
    }

    /// Replaces the list by those that get new requests.
    pub(super) async fn set_upstreams(&mut self, upstreams: &[UpstreamEntry]) -> Result<(), Error> {
        let listed = upstreams.iter().filter(|upstream| upstream.healthy);
        let listed: Vec<String> = listed.map(UpstreamEntry::to_string).collect();
        let mut environment = self.environment()?;
        environment.insert(UPSTREAMS.to_owned(), listed.join(","));
        self.renew(environment).await
    }

    /// Takes another policy, where nginx has it.
    pub(super) async fn set_policy(&mut self, policy: &str) -> Result<(), Error> {
        let spec = self.system.state().service(self.service)?.clone();
        if let Some(reason) = lacking(policy, &spec.env) {
            return Err(Error::PolicyRefused {
                service: self.service.to_owned(),
                policy: policy.to_owned(),
                reason: format!("it is an nginx: {reason}"),
            });
        }
        let mut environment = self.environment()?;
        environment.insert(POLICY.to_owned(), policy.to_owned());
        self.renew(environment).await
    }

    /// Whether a worker is still finishing what it had before the last change.
    pub(super) async fn has_old_workers(&self) -> bool {
        let processes = self.slot.handle.processes().await;
        processes.is_some_and(|processes| processes > PROCESSES)
    }

    /// What it would be told if it were started now.
    fn environment(&self) -> Result<Environment, Error> {
        let state = self.system.state();
        let spec = state.service(self.service)?;
        let policy = spec.balancer.as_ref().map_or("", |balancer| balancer.policy.as_str());
        let upstreams = self.system.upstreams_of(&state, spec);
        Ok(balancer_environment(Environment::new(), spec, policy, &upstreams))
    }

    /// Gives it a configuration and waits until that is in force. The one that it has already costs nothing.
    async fn renew(&mut self, environment: Environment) -> Result<(), Error> {
        if self.told.as_ref() == Some(&environment) {
            return Ok(());
        }
        let log_end = self.slot.log.metadata().map_or(0, |metadata| metadata.len());
        let renewal = Renewal {
            record: self.system.state().record.clone(),
            name: self.slot.name.clone(),
            server: &Nginx,
            port: self.slot.port.unwrap_or_default(),
            environment,
            stamp: stamp(),
        };
        self.system.platform.renew(&self.slot.handle, &renewal).await?;
        let deadline = Instant::now() + RENEWAL_TIMEOUT;
        let mut in_a_row = 0;
        while in_a_row < ANSWERS_IN_A_ROW {
            let is_new = self.stamp_in_force().await.as_deref() == Some(&renewal.stamp);
            in_a_row = if is_new { in_a_row + 1 } else { 0 };
            if self.slot.handle.exit().is_some() || Instant::now() >= deadline {
                return Err(Error::Balancer {
                    service: self.service.to_owned(),
                    what: "its new configuration",
                    reason: format!("it does not take it:\n{}", tail(&self.slot.log, log_end)),
                });
            }
            sleep(LOOK_EVERY).await;
        }
        self.told = Some(renewal.environment);
        Ok(())
    }

    async fn stamp_in_force(&self) -> Option<String> {
        let mut url = self.slot.url()?;
        url.set_path(READY);
        // A connection that stays open would be answered by the old worker.
        let request = self.system.platform.http().get(url).header("connection", "close");
        let answer = request.timeout(ASK_TIMEOUT).send().await.ok()?;
        http::text(answer).await.ok()
    }
}
