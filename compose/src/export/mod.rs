//! A system as files that other tools start: a Compose file, and manifests for Kubernetes.

mod compose_file;
mod file;
mod kubernetes;
mod secret;
mod server;
mod units;

pub use file::{ExportedFile, IMAGE};
pub use secret::{for_compose as compose_secret, for_kubernetes as kubernetes_secret};

use crate::error::Error;
use crate::servers::{self, Server};
use crate::topology::{ServiceSpec, SystemSpec, named_system};

/// A named system with everything around it: the Redis that gateways may count in, the Kafka through which orders are told
/// of, and the PostgreSQL in which services keep their data, and the
/// Prometheus that watches them all. Links stay out, here and in what is exported: they are there for
/// a lab that makes them slow or cuts them, and no lab drives what is exported.
///
/// # Errors
/// A usage error for a name that no system has.
pub fn whole_system(name: &str) -> Result<SystemSpec, Error> {
    let mut system = named_system(name)?;
    let used = servers::ALL.into_iter().filter(|server| server.backing().is_some());
    for program in used.rev().map(Server::program) {
        if !system.has(program) {
            system.services.insert(0, ServiceSpec::new(program));
        }
    }
    let watching = servers::ALL.into_iter().filter(|server| server.watches());
    for program in watching.map(Server::program) {
        if !system.has(program) {
            system.services.push(ServiceSpec::new(program));
        }
    }
    Ok(system)
}

/// The Compose file of a system, and what it mounts.
///
/// # Errors
/// When the description is invalid.
pub fn compose(system: &SystemSpec) -> Result<Vec<ExportedFile>, Error> {
    compose_file::files(system)
}

/// The manifests of a system for Kubernetes, in one file.
///
/// # Errors
/// When the description is invalid.
pub fn kubernetes(system: &SystemSpec) -> Result<Vec<ExportedFile>, Error> {
    kubernetes::files(system)
}
