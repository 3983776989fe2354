//! A Prometheus of this machine as an instance of a system.

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::Program;

use crate::error::Error;
use crate::host;
use crate::servers::configuration::{self, FILE};
use crate::servers::{Seat, Server, ServerError};

const PROGRAM: &str = "prometheus";
const ABSENT: ServerError = ServerError::Absent {
    program: Program::Prometheus,
    words: "there is no prometheus on this machine; install it (apt-get install prometheus)",
};

/// The host's program.
pub(super) fn program(host: &host::Host) -> Result<PathBuf, ServerError> {
    host.program(PROGRAM).ok_or(ABSENT)
}

/// What a Prometheus is started with: the file that it is configured by, where it keeps what it collects, and where it
/// listens.
pub(super) fn arguments(configuration: &Path, data: &Path, listen: &str) -> Vec<String> {
    vec![
        format!("--config.file={}", configuration.display()),
        format!("--storage.tsdb.path={}", data.display()),
        format!("--web.listen-address={listen}"),
    ]
}

/// Turns this process into a Prometheus, which keeps its files in the folder of its system. Returns only when it failed.
pub(super) fn become_server(program: &Path, prometheus: &dyn Server, seat: &Seat<'_>) -> Error {
    configuration::become_server(program, prometheus, seat, |folder, address| {
        let mut command = Command::new(program);
        command.args(arguments(&folder.join(FILE), &seat.data(), &address.to_string()));
        command
    })
}

/// The version that a Prometheus says it has, such as `2.42.0`; `None` when it does not say one in time.
pub(super) async fn version(program: &Path) -> Option<String> {
    let output = host::version_output(program, "--version").await?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> Option<String> {
    let (_, after) = text.split_once("version ")?;
    let version = after.split([' ', '+', ',']).next()?;
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_program_the_package_is_named() {
        let message = program(&host::Host::default()).unwrap_err().to_string();
        assert!(message.contains("apt-get install prometheus"), "{message}");
    }

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        let debian = "prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5+deb12u1)\n";
        assert_eq!(version_in(debian).as_deref(), Some("2.42.0"));
        let official = "prometheus, version 3.1.0 (branch: HEAD, revision: 7086161)\n";
        assert_eq!(version_in(official).as_deref(), Some("3.1.0"));
        assert_eq!(version_in("prometheus"), None);
    }
}
