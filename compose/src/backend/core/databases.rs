//! The databases of services on a PostgreSQL: there before any service starts.

use contract::Program;
use tokio::time::Instant;

use super::platform::Platform;
use super::record::SystemRecord;
use super::system::RunningSystem;
use crate::error::Error;
use crate::postgres::make_databases;
use contract::redact;

impl<C: Platform> RunningSystem<C> {
    /// Waits until those of these instances that are a PostgreSQL are ready, and makes the databases in them. Gives the
    /// other instances, for which nobody has waited yet.
    pub(super) async fn with_databases(&self, launched: Vec<String>, deadline: Instant) -> Result<Vec<String>, Error> {
        let mut others = Vec::with_capacity(launched.len());
        for name in launched {
            let slot = self.state().slot(&name)?.clone();
            if slot.program != Program::Postgres {
                others.push(name);
                continue;
            }
            self.ready(&name, deadline).await?;
            let slot = self.state().slot(&name)?.clone();
            let databases = self.state().record.databases_in(&slot.service);
            if let Some(url) = slot.url() {
                let wait = deadline.saturating_duration_since(Instant::now());
                make_databases(&url, &databases, wait)
                    .await
                    .map_err(|reason| Error::Databases { instance: name, reason })?;
            }
        }
        Ok(others)
    }

    /// The same on the PostgreSQL of somebody else, if the system uses one.
    pub(super) async fn databases_elsewhere(&self, record: &SystemRecord, deadline: Instant) -> Result<(), Error> {
        let Some(url) = &record.external_postgres else {
            return Ok(());
        };
        let servers = record.spec.services.iter();
        let servers = servers.filter(|service| service.service == Program::Postgres);
        let databases: Vec<String> = servers.flat_map(|server| record.databases_in(&server.name)).collect();
        let wait = deadline.saturating_duration_since(Instant::now());
        make_databases(url, &databases, wait)
            .await
            .map_err(|reason| Error::PostgresUnusable {
                url: redact(url.as_str()),
                reason,
            })
    }
}
