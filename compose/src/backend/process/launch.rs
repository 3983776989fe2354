//! Starting the process of one instance.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use contract::{Program, environment};

use super::admission;
use super::child::OwnChild;
use super::marker;
use super::own_data::data_folder;
use super::tools::Tools;
use crate::backend::core::LaunchRequest;
use crate::error::Error;
use crate::servers::{self, Server};
use crate::wiring::Environment;

/// The only variables of the lab's own environment that instances see: what a program needs to run at all. The rest
/// would make the same scenario behave differently from one shell to the next.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

impl Tools {
    pub(super) fn spawn(&self, request: LaunchRequest) -> Result<Arc<OwnChild>, Error> {
        let command = self.command(&request).map_err(Error::file("write", &request.log))?;
        self.spawner
            .spawn(command, request.on_exit)
            .map_err(|source| Error::Program {
                instance: request.name,
                program: self.program.clone(),
                source,
            })
    }

    fn command(&self, request: &LaunchRequest) -> std::io::Result<Command> {
        let log = File::options().create(true).append(true).open(&request.log)?;
        let errors = log.try_clone()?;
        let die_with = (!request.record.detached).then(std::process::id);
        let variable = servers::of(request.program).and_then(Server::own_data);
        let data = variable.map(|variable| (variable, data_folder(&request.record, &request.name)));
        let mut command = Command::new(&self.program);
        command
            .args(arguments(request.program, die_with))
            .env_clear()
            .envs(&request.environment)
            .envs(data)
            .env(marker::VARIABLE, marker::of(&request.record))
            .current_dir(&request.record.folder)
            .stdin(match die_with {
                Some(_) => Stdio::null(),
                // It waits there until it is written down.
                None => Stdio::piped(),
            })
            .stdout(log)
            .stderr(errors)
            // A group of its own: Ctrl-C in the terminal reaches the lab alone, which ends its children in order.
            .process_group(0);
        Ok(command)
    }
}

/// What every process gets.
pub(super) fn surroundings(instance: &str, port: u16) -> Environment {
    let own = [
        (environment::PORT, port.to_string()),
        (environment::HOST, "127.0.0.1".to_owned()),
        (environment::INSTANCE, instance.to_owned()),
    ];
    let passed_on = PASSED_ON
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    passed_on
        .chain(own.map(|(name, value)| (name.to_owned(), value)))
        .collect()
}

/// What follows the program's name: it ends with the lab, or, where it is to outlive it, waits until it is written down.
fn arguments(service: Program, die_with: Option<u32>) -> Vec<String> {
    let bound = match die_with {
        Some(parent) => vec!["--die-with-parent".to_owned(), parent.to_string()],
        None => vec![admission::ARGUMENT.to_owned()],
    };
    [vec!["serve".to_owned(), service.to_string()], bound].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_s_own_environment_does_not_reach_instances() {
        let environment = surroundings("gateway-1", 0);
        let allowed = |name: &str| PASSED_ON.contains(&name) || ["PORT", "HOST", "INSTANCE"].contains(&name);
        assert!(environment.keys().all(|name| allowed(name)), "{environment:?}");
        // Cargo sets this one for every test.
        assert!(std::env::var("CARGO_PKG_NAME").is_ok() && !environment.contains_key("CARGO_PKG_NAME"));
    }

    #[test]
    fn an_instance_is_told_its_port_and_name() {
        let environment = surroundings("gateway-1", 8080);
        assert_eq!(environment["PORT"], "8080");
        assert_eq!(environment["INSTANCE"], "gateway-1");
        assert_eq!(environment["HOST"], "127.0.0.1");
    }

    #[test]
    fn a_child_ends_with_the_lab_or_waits_until_it_is_written_down() {
        assert_eq!(arguments(Program::Users, None), ["serve", "users", "--once-recorded"]);
        assert_eq!(
            arguments(Program::Users, Some(7)),
            ["serve", "users", "--die-with-parent", "7"]
        );
    }
}
