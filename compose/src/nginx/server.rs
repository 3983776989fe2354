//! An nginx of this machine as an instance of a system.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use contract::Program;

use super::config::{FILE, Place, render};
use crate::backend::Environment;
use crate::error::Error;
use crate::host;
use crate::takeover::Reserved;

/// The folder within a run's folder that holds what nginx needs, by instance.
const FOLDER: &str = "nginx";

/// The folder of an instance within its run's.
fn folder(run: &Path, instance: &str) -> PathBuf {
    run.join(FOLDER).join(instance)
}

/// Turns this process into an nginx with one worker: same process id, same parent, same log. It balances as this
/// process's environment says, which is the one that the lab's own balancer would get, and keeps its files in `folder`.
/// It listens at `address`, where port 0 is any free one, and says so as every service does.
///
/// Returns only when it failed, with an environment error.
pub fn become_server(program: &Path, instance: &str, address: SocketAddr, run: &Path) -> Error {
    let failed = |source| Error::Program {
        instance: instance.to_owned(),
        program: program.to_owned(),
        source,
    };
    let reserved = match Reserved::announce(instance, Program::Nginx, address) {
        Ok(reserved) => reserved,
        Err(error) => return error,
    };
    // What is no text is none of what a balancer is told.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if let Err(error) = write(run, instance, reserved.address, &environment, None) {
        return error;
    }
    let folder = folder(run, instance);
    failed(
        Command::new(program)
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(folder.join(FILE))
            .exec(),
    )
}

/// Writes the configuration of an instance of this machine, whole or not at all.
pub(crate) fn write(
    run: &Path,
    instance: &str,
    listen: SocketAddr,
    environment: &Environment,
    stamp: Option<&str>,
) -> Result<(), Error> {
    let folder = folder(run, instance);
    let file = folder.join(FILE);
    let place = Place {
        listen,
        // As root it would make somebody else of its worker, who may not enter the folder.
        user: rustix::process::geteuid().is_root().then_some("root"),
    };
    let text = render(&place, environment, stamp).map_err(|reason| Error::NginxCannot {
        instance: instance.to_owned(),
        reason,
    })?;
    let fresh = folder.join("new.conf");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&fresh, text))
        .and_then(|()| fs::rename(&fresh, &file))
        .map_err(Error::file("write", &file))
}

/// The version that an nginx says it has, such as `1.22.1`; `None` when it does not say one in time.
pub async fn version(program: &Path) -> Option<String> {
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

    #[test]
    fn a_configuration_is_replaced_as_a_whole() {
        let run = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:8080".parse().unwrap();
        let with = |policy: &str| Environment::from([("POLICY".to_owned(), policy.to_owned())]);
        write(run.path(), "users-balancer", listen, &with("round_robin"), None).unwrap();
        let file = folder(run.path(), "users-balancer").join(FILE);
        let first = fs::read_to_string(&file).unwrap();
        write(run.path(), "users-balancer", listen, &with("maglev"), None).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
        write(
            run.path(),
            "users-balancer",
            listen,
            &with("least_connections"),
            Some("2"),
        )
        .unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains("least_conn;"));
    }
}
