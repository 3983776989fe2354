//! An nginx of this machine as an instance of a system.

use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::host;
use crate::servers::configuration::{self, FILE};
use crate::servers::{Seat, Server};

/// Turns this process into an nginx with one worker. It balances as this process's environment says, which is the one that
/// the lab's own balancer would get, and keeps its files in the folder of its system. Returns only when it failed.
pub(super) fn become_server(program: &Path, nginx: &dyn Server, seat: &Seat<'_>) -> Error {
    configuration::become_server(program, nginx, seat, |folder, _| {
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(folder.join(FILE));
        command
    })
}

/// The version that an nginx says it has, such as `1.22.1`; `None` when it does not say one in time.
pub(super) async fn version(program: &Path) -> Option<String> {
    let output = host::version_output(program, "-v").await?;
    // It says so on stderr.
    version_in(&String::from_utf8_lossy(&output.stderr))
}

fn version_in(text: &str) -> Option<String> {
    let (_, after) = text.split_once("nginx/")?;
    after.split_ascii_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        assert_eq!(version_in("nginx version: nginx/1.22.1\n").as_deref(), Some("1.22.1"));
        assert_eq!(
            version_in("nginx version: nginx/1.18.0 (Ubuntu)\n").as_deref(),
            Some("1.18.0")
        );
        assert_eq!(version_in("openresty"), None);
    }
}
