//! What servers hold for services: there before any service starts.

use tokio::time::Instant;

use super::platform::Platform;
use super::record::SystemRecord;
use super::system::RunningSystem;
use crate::error::Error;
use crate::servers::{self, Backing, Server, ServerError};

impl<C: Platform> RunningSystem<C> {
    /// Waits until those of these instances that have to be furnished are ready, and furnishes them. Gives the other
    /// instances, for which nobody has waited yet.
    pub(super) async fn furnished(&self, launched: Vec<String>, deadline: Instant) -> Result<Vec<String>, Error> {
        let mut others = Vec::with_capacity(launched.len());
        for name in launched {
            let slot = self.state().slot(&name)?.clone();
            let Some((_, backing, what)) = servers::of(slot.program).and_then(to_furnish) else {
                others.push(name);
                continue;
            };
            self.ready(&name, deadline).await?;
            let slot = self.state().slot(&name)?.clone();
            let record = self.state().record.clone();
            if let Some(url) = slot.url() {
                let (tenant, callers) = (record.tenant(slot.program), record.callers_of(&slot.service));
                let wait = deadline.saturating_duration_since(Instant::now());
                backing
                    .furnish(&tenant, &url, &callers, wait)
                    .await
                    .map_err(|reason| ServerError::Refuses {
                        instance: name,
                        what,
                        reason,
                    })?;
            }
        }
        Ok(others)
    }

    /// The same for servers that the user named, if the system uses any.
    pub(super) async fn furnished_elsewhere(&self, record: &SystemRecord, deadline: Instant) -> Result<(), Error> {
        for service in &record.spec.services {
            let server = servers::of(service.service).and_then(to_furnish);
            let (Some((server, backing, _)), Some(url)) = (server, record.external(service)) else {
                continue;
            };
            let (tenant, callers) = (record.tenant(service.service), record.callers_of(&service.name));
            let wait = deadline.saturating_duration_since(Instant::now());
            backing
                .furnish(&tenant, &url, &callers, wait)
                .await
                .map_err(|reason| servers::unusable(server, url.as_str(), &reason))?;
        }
        Ok(())
    }
}

/// A server that has to be furnished, with what.
fn to_furnish(server: &'static dyn Server) -> Option<(&'static dyn Server, &'static dyn Backing, &'static str)> {
    let backing = server.backing()?;
    Some((server, backing, backing.furniture()?))
}
