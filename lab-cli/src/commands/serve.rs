//! `lab serve`: one service in the foreground. This is what backends start.

use std::net::SocketAddr;
use std::path::Path;

use chassis::Settings;
use compose::servers::{self, Seat, Server};
use compose::{Environment, Error, Host};
use contract::Program;
use messaging::built_in;

use crate::failure::{Exit, Failure};

/// Runs a service until it is told to end.
///
/// # Errors
/// A wrong name or setting; a port that is taken; a database that cannot be opened; a server of others that is not
/// installed.
pub fn run(service: &str, die_with_parent: Option<u32>, once_recorded: bool) -> Result<Exit, Failure> {
    if once_recorded {
        wait_until_recorded()?;
    }
    let name = named(service)?;
    let settings = Settings::from_env(name).map_err(|error| Failure::usage(error.to_string()))?;
    let (host, server) = (Host::of_process(), servers::of(name));
    // What is no text is none of what a server is told.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if let Some(server) = server {
        server.prepare(&seat(&settings, Path::new(""), &environment))?;
    }
    if let Some(parent) = die_with_parent {
        bind_life_to(parent, name)?;
    }
    if let Some(server) = server
        && !server.stands_in(&host, &environment).map_err(Error::from)?
    {
        return Err(become_server(server, &host, &settings, &environment));
    }
    let served = match name {
        Program::Users => chassis::run(settings, users::serve),
        Program::Orders => chassis::run(settings, orders::serve),
        Program::Payments => chassis::run(settings, payments::serve),
        Program::Inventory => chassis::run(settings, inventory::serve),
        Program::Analytics => chassis::run(settings, analytics::serve),
        Program::Gateway => chassis::run(settings, gateway::serve),
        Program::Whoami => chassis::run(settings, whoami::serve),
        Program::Balancer => chassis::run(settings, balancer::serve),
        Program::Link => chassis::run(settings, link::serve),
        Program::Kafka => chassis::run(settings, built_in::serve),
        Program::Redis => chassis::run(settings, key_value::serve),
        _ => return Err(Failure::unexpected(format!("nothing stands in for {name}"))),
    };
    served.map(|()| Exit::Pass).map_err(|error| match error {
        chassis::ServeError::Settings(error) => Failure::usage(error.to_string()),
        other => Failure::environment(other.to_string()),
    })
}

/// Asks the instance that listens at `PORT`; engines do this in its container.
///
/// # Errors
/// A wrong name; an instance that is not well.
pub fn health(service: &str) -> Result<Exit, Failure> {
    compose::health::ask(named(service)?)
        .map(|()| Exit::Pass)
        .map_err(|reason| Failure::environment(format!("{service} is not well: {reason}")))
}

fn named(service: &str) -> Result<Program, Failure> {
    service.parse().map_err(|_| {
        let known: Vec<&str> = Program::ALL.iter().map(|name| name.as_str()).collect();
        Failure::usage(format!("there is no service `{service}`")).hint(scenarios::format::suggestion(service, known))
    })
}

/// Becomes a server of others, so what was bound to this process is bound to it. Returns only when it cannot.
fn become_server(server: &dyn Server, host: &Host, settings: &Settings, environment: &Environment) -> Failure {
    match std::env::current_dir() {
        Ok(folder) => server.take_over(host, &seat(settings, &folder, environment)).into(),
        Err(error) => Failure::environment(format!("the folder that this process runs in is gone: {error}")),
    }
}

fn seat<'a>(settings: &'a Settings, folder: &'a Path, environment: &'a Environment) -> Seat<'a> {
    Seat {
        instance: &settings.instance,
        address: SocketAddr::new(settings.host, settings.port),
        folder,
        environment,
    }
}

/// Waits until the lab that started this process has written it down, so that it cannot get lost.
fn wait_until_recorded() -> Result<(), Failure> {
    match compose::is_recorded(std::io::stdin()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::environment("the lab that started this process has ended")),
        Err(error) => Err(Failure::unexpected(format!(
            "cannot hear the lab that started this process: {error}"
        ))),
    }
}

/// Asks the kernel to kill this process when its parent dies, even by SIGKILL and even while it is stopped itself.
#[cfg(target_os = "linux")]
fn bind_life_to(parent: u32, program: Program) -> Result<(), Failure> {
    let signal = servers::of(program).map_or(rustix::process::Signal::KILL, Server::orphan_signal);
    rustix::process::set_parent_process_death_signal(Some(signal))
        .map_err(|error| Failure::unexpected(format!("cannot bind this process to its parent: {error}")))?;
    // The parent may have died before the kernel was asked.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if now == Some(parent) {
        Ok(())
    } else {
        Err(Failure::environment("the process that started this one is gone"))
    }
}

/// Elsewhere the kernel cannot be asked: a thread looks whether the parent is still there.
#[cfg(not(target_os = "linux"))]
fn bind_life_to(parent: u32, _program: Program) -> Result<(), Failure> {
    std::thread::spawn(move || {
        loop {
            let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
            if now != Some(parent) {
                std::process::exit(i32::from(Exit::Environment.number()));
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    });
    Ok(())
}
