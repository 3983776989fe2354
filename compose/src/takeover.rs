//! How a process of the lab becomes a server of this machine: the port is taken first and told in the log, then the
//! server's program takes the process over.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use contract::Program;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// Turns this process into the server that a command starts, which is made once the port is taken and told, and is given
/// where to listen. `program` is what the command runs, for errors.
///
/// Returns only when it failed, with an environment error.
pub(crate) fn become_server(
    instance: &str,
    server: Program,
    program: &Path,
    address: SocketAddr,
    command: impl FnOnce(SocketAddr) -> Result<Command, Error>,
) -> Error {
    let reserved = match Reserved::announce(instance, server, address) {
        Ok(reserved) => reserved,
        Err(error) => return error,
    };
    match command(reserved.address) {
        Ok(mut command) => Error::Program {
            instance: instance.to_owned(),
            program: program.to_owned(),
            source: command.exec(),
        },
        Err(error) => error,
    }
}

/// A port that nobody else is given.
///
/// On Linux a socket that is bound and never listens goes along into the server, and with `SO_REUSEADDR` on both (which
/// Redis and nginx set) the server can listen beside it, while the kernel gives the port to nobody who asks for any.
pub(crate) struct Reserved {
    /// Where the server is to listen.
    pub(crate) address: SocketAddr,
    _socket: Option<OwnedFd>,
}

impl Reserved {
    /// Takes the port of `address`, 0 being any free one, and says in the line by which every service does that
    /// `instance` listens there.
    ///
    /// # Errors
    /// An environment error when the port is not to be had.
    pub(crate) fn announce(instance: &str, program: Program, address: SocketAddr) -> Result<Self, Error> {
        let reserved = Self::take(instance, address)?;
        reserved.say(instance, program);
        Ok(reserved)
    }

    /// Takes the port of `address`, 0 being any free one, for `instance`.
    ///
    /// # Errors
    /// An environment error when the port is not to be had.
    pub(crate) fn take(instance: &str, address: SocketAddr) -> Result<Self, Error> {
        let (reserved, port) = reserve(address).map_err(|source| Error::Listen {
            instance: instance.to_owned(),
            address,
            source,
        })?;
        Ok(Self {
            address: SocketAddr::new(address.ip(), port),
            // Elsewhere two sockets cannot be bound to one port like this, so the server would be refused its own.
            _socket: cfg!(target_os = "linux").then_some(reserved),
        })
    }

    /// Says in the line by which every service does that `instance` listens there.
    pub(crate) fn say(&self, instance: &str, program: Program) {
        say(instance, program, self.address);
    }
}

/// Takes a port without listening on it. The descriptor stays open when this process becomes another program.
fn reserve(address: SocketAddr) -> io::Result<(OwnedFd, u16)> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let reserved = socket(family, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&reserved, true)?;
    bind(&reserved, &address)?;
    let bound = SocketAddr::try_from(getsockname(&reserved)?)?;
    Ok((reserved, bound.port()))
}

fn say(instance: &str, program: Program, address: SocketAddr) {
    let line = json!({
        "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        "level": "INFO",
        "message": "listening",
        "instance": instance,
        "service": program,
        "port": address.port(),
        "host": address.ip(),
        "pid": std::process::id(),
    });
    // A closed stdout is no reason not to serve.
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[cfg(target_os = "linux")]
    #[test]
    fn a_reserved_port_is_given_to_nobody_who_asks_for_any_and_can_still_be_listened_on() {
        let (_reserved, port) = reserve(ANY_PORT).unwrap();
        let others: Vec<_> = (0..200).map(|_| reserve(ANY_PORT).unwrap()).collect();
        assert!(others.iter().all(|(_, other)| *other != port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a server listens beside it");
    }

    #[test]
    fn a_port_that_is_listened_on_cannot_be_reserved() {
        let taken = TcpListener::bind(ANY_PORT).unwrap();
        let error = reserve(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
