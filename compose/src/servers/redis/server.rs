//! A Redis server of this machine as an instance of a system.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use contract::Program;

use crate::error::Error;
use crate::host;
use crate::servers::Seat;
use crate::takeover;

/// What it remembers goes with it.
pub(super) const NOTHING_ON_DISK: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// Turns this process into a Redis server, which keeps nothing on disk. Returns only when it failed.
pub(super) fn become_server(program: &Path, seat: &Seat<'_>) -> Error {
    takeover::become_server(seat.instance, Program::Redis, program, seat.address, |address| {
        Ok(command(program, address))
    })
}

fn command(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--port", &address.port().to_string()])
        .args(["--bind", &address.ip().to_string()])
        .args(NOTHING_ON_DISK)
        .args(["--daemonize", "no"])
        // A server reads what a file of this name holds, also one that never writes: no such file is there.
        .args(["--dbfilename", &format!("none-{}.rdb", std::process::id())]);
    if !address.ip().is_loopback() {
        // In a container, every client is from outside, and the network is its protection.
        command.args(["--protected-mode", "no"]);
    }
    command
}

/// The version that a Redis program says it has, such as `7.0.15`; `None` when it does not say one in time.
pub(super) async fn version(program: &Path) -> Option<String> {
    let output = host::version_output(program, "--version").await?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> Option<String> {
    let word = text.split_ascii_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_programs_say() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n";
        let valkey = "Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=2\n";
        assert_eq!(version_in(redis).as_deref(), Some("7.0.15"));
        assert_eq!(version_in(valkey).as_deref(), Some("8.0.1"));
        assert_eq!(version_in("something else"), None);
    }
}
