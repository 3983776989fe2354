//! How other tools start the servers of others.

use crate::error::Error;
use crate::servers::{self, Exported, Exporting, Server};
use crate::topology::{ServiceSpec, SystemSpec};
use crate::wiring::Environment;

/// How a service that is a server of others is started by another tool: what it is, and what that tool is to know.
pub(super) fn exported(
    system: &SystemSpec,
    service: &ServiceSpec,
    told: &Environment,
) -> Result<Option<(&'static dyn Server, Exported)>, Error> {
    let Some(server) = servers::of(service.service) else {
        return Ok(None);
    };
    let callers: Vec<String> = system
        .ways()?
        .into_iter()
        .filter(|(_, callee)| *callee == service.name)
        .map(|(caller, _)| caller.to_owned())
        .collect();
    let exported = server.exported(&Exporting {
        name: &service.name,
        callers: &callers,
        told,
    });
    Ok(exported.map(|exported| (server, exported)))
}
