//! A Redis server of this machine as an instance of a system.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// How long a program may take to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(2);

/// Turns this process into a Redis server: same process id, same parent, same log, same binding of its life to its
/// parent's on Linux. It listens at `address`, where port 0 is any free one, and keeps nothing on disk.
///
/// Which port that is, it says beforehand on stdout, in the line by which every service does. On Linux nobody else
/// gets the port in between: a socket that is bound and never listens goes along into the server, and with
/// `SO_REUSEADDR` on both (which Redis sets) the server can listen beside it, while the kernel gives the port to
/// nobody who asks for any.
///
/// Returns only when it failed, with an environment error.
pub fn become_server(program: &Path, instance: &str, address: SocketAddr) -> Error {
    let (reserved, port) = match reserve(address) {
        Ok(reserved) => reserved,
        Err(source) => {
            return Error::Listen {
                instance: instance.to_owned(),
                address,
                source,
            };
        }
    };
    // Elsewhere two sockets cannot be bound to one port like this, so the server would be refused its own.
    let _reserved = cfg!(target_os = "linux").then_some(reserved);
    announce(instance, SocketAddr::new(address.ip(), port));
    let source = command(program, SocketAddr::new(address.ip(), port)).exec();
    Error::Program {
        instance: instance.to_owned(),
        program: program.to_owned(),
        source,
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

/// Says where it is going to listen.
fn announce(instance: &str, address: SocketAddr) {
    let line = json!({
        "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        "level": "INFO",
        "message": "listening",
        "instance": instance,
        "service": "redis",
        "port": address.port(),
        "host": address.ip(),
        "pid": std::process::id(),
    });
    // A closed stdout is no reason not to serve.
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn command(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--port", &address.port().to_string()])
        .args(["--bind", &address.ip().to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        // A server reads what a file of this name holds, also one that never writes: no such file is there.
        .args(["--dbfilename", &format!("none-{}.rdb", std::process::id())]);
    if !address.ip().is_loopback() {
        // In a container, every client is from outside, and the network is its protection.
        command.args(["--protected-mode", "no"]);
    }
    command
}

/// The version that a Redis program says it has, such as `7.0.15`; `None` when it does not say one in time.
pub async fn version(program: &Path) -> Option<String> {
    let output = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(VERSION_TIMEOUT, output).await.ok()?.ok()?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> Option<String> {
    let word = text.split_ascii_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn the_version_is_read_from_what_the_programs_say() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n";
        let valkey = "Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=2\n";
        assert_eq!(version_in(redis).as_deref(), Some("7.0.15"));
        assert_eq!(version_in(valkey).as_deref(), Some("8.0.1"));
        assert_eq!(version_in("something else"), None);
    }

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
