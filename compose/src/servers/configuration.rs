//! The file that a server of this machine is configured by.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use contract::Program;

use super::error::ServerError;
use super::seat::{Place, Seat};
use super::server::Server;
use crate::error::Error;
use crate::takeover;
use crate::wiring::Environment;

/// The folder of an instance within its run's, which holds what the server needs.
pub(crate) fn folder(run: &Path, program: Program, instance: &str) -> PathBuf {
    run.join(program.as_str()).join(instance)
}

/// The file within that folder.
pub(crate) const FILE: &str = "server.conf";

/// Writes the configuration of an instance of this machine into its folder, whole or not at all.
///
/// # Errors
/// A usage error when the server cannot do what is asked for, an environment error when the file cannot be written.
pub(crate) fn write(
    folder: &Path,
    server: &dyn Server,
    instance: &str,
    place: &Place<'_>,
    environment: &Environment,
    stamp: Option<&str>,
) -> Result<(), Error> {
    let file = folder.join(FILE);
    let Some(configured) = server.configured() else {
        return Ok(());
    };
    let text = configured
        .render(place, environment, stamp)
        .map_err(|reason| ServerError::Cannot {
            instance: instance.to_owned(),
            server: server.name(),
            reason,
        })?;
    let fresh = folder.join("new.conf");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&fresh, text))
        .and_then(|()| fs::rename(&fresh, &file))
        .map_err(Error::file("write", &file))
}

/// Turns this process into a server that reads such a file, which is written first. The command is told the folder with
/// it and where to listen. Returns only when it failed.
pub(super) fn become_server(
    program: &Path,
    server: &dyn Server,
    seat: &Seat<'_>,
    command: impl FnOnce(&Path, SocketAddr) -> Command,
) -> Error {
    takeover::become_server(seat.instance, server.program(), program, seat.address, |address| {
        let folder = folder(seat.folder, server.program(), seat.instance);
        let place = Place::on_this_machine(address);
        write(&folder, server, seat.instance, &place, seat.environment, None)?;
        Ok(command(&folder, address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::nginx::Nginx;

    #[test]
    fn a_configuration_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::on_this_machine("127.0.0.1:8080".parse().unwrap());
        let told = |policy: &str, stamp| {
            let environment = Environment::from([("POLICY".to_owned(), policy.to_owned())]);
            write(folder.path(), &Nginx, "users-balancer", &place, &environment, stamp)
        };
        let text = || fs::read_to_string(folder.path().join(FILE)).unwrap();
        told("round_robin", None).unwrap();
        let first = text();
        told("maglev", None).unwrap_err();
        assert_eq!(text(), first);
        told("least_connections", Some("2")).unwrap();
        assert!(text().contains("least_conn;"));
    }
}
