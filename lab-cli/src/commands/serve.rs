//! `lab serve`: one service in the foreground. This is what backends start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chassis::Settings;
use compose::kafka::become_broker;
use compose::{BrokerKind, KafkaLookup, KafkaSource, NginxLookup, PostgresLookup, RedisLookup, nginx, postgres, redis};
use contract::Program;
use contract::environment::{KAFKA_ADVERTISED_HOST, KAFKA_BROKER, PGDATA};
use messaging::built_in;

use crate::failure::{Exit, Failure};

/// Runs a service until it is told to end.
///
/// # Errors
/// A wrong name or setting; a port that is taken; a database that cannot be opened; a server of others that is not
/// installed.
pub fn run(service: &str, die_with_parent: Option<u32>) -> Result<Exit, Failure> {
    let name = named(service)?;
    let settings = Settings::from_env(name).map_err(|error| Failure::usage(error.to_string()))?;
    if name == Program::Postgres {
        postgres::step_down(&data_of(&settings))?;
    }
    if let Some(parent) = die_with_parent {
        bind_life_to(parent, name)?;
    }
    let served = match name {
        Program::Users => chassis::run(settings, users::serve),
        Program::Orders => chassis::run(settings, orders::serve),
        Program::Payments => chassis::run(settings, payments::serve),
        Program::Inventory => chassis::run(settings, inventory::serve),
        Program::Analytics => chassis::run(settings, analytics::serve),
        Program::Gateway => chassis::run(settings, gateway::serve),
        Program::Balancer => chassis::run(settings, balancer::serve),
        Program::Link => chassis::run(settings, link::serve),
        Program::Redis => return Err(become_redis(&settings)),
        Program::Nginx => return Err(become_nginx(&settings)),
        Program::Postgres => return Err(become_postgres(&settings)),
        Program::Kafka => kafka(settings)?,
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

/// Becomes the host's Redis server, so what was bound to this process is bound to it.
/// Returns only when it cannot.
fn become_redis(settings: &Settings) -> Failure {
    match RedisLookup::of_process().program() {
        Ok(program) => {
            let address = SocketAddr::new(settings.host, settings.port);
            redis::become_server(&program, &settings.instance, address).into()
        }
        Err(none) => none.into(),
    }
}

/// Becomes the host's nginx, which keeps its files in the folder that this process runs in.
/// Returns only when it cannot.
fn become_nginx(settings: &Settings) -> Failure {
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => return Failure::environment(format!("the folder that this process runs in is gone: {error}")),
    };
    match NginxLookup::of_process().program() {
        Ok(program) => {
            let address = SocketAddr::new(settings.host, settings.port);
            nginx::become_server(&program, &settings.instance, address, &folder).into()
        }
        Err(none) => none.into(),
    }
}

/// Becomes the host's PostgreSQL server. Returns only when it cannot.
fn become_postgres(settings: &Settings) -> Failure {
    match PostgresLookup::of_process().program() {
        Ok(program) => {
            let address = SocketAddr::new(settings.host, settings.port);
            postgres::become_server(&program, &settings.instance, address, &data_of(settings)).into()
        }
        Err(none) => none.into(),
    }
}

/// Where a PostgreSQL keeps its data.
fn data_of(settings: &Settings) -> PathBuf {
    match settings.environment.get(PGDATA) {
        Some(data) => PathBuf::from(data),
        None => Path::new("data").join(&settings.instance),
    }
}

/// Runs the built-in broker, or becomes Apache Kafka, as the environment says.
fn kafka(settings: Settings) -> Result<Result<(), chassis::ServeError>, Failure> {
    let kind = BrokerKind::of_text(settings.environment.get(KAFKA_BROKER).unwrap_or_default())?;
    let KafkaSource::Apache(kafka) = KafkaLookup::of_process().own(kind)? else {
        return Ok(chassis::run(settings, built_in::serve));
    };
    let address = SocketAddr::new(settings.host, settings.port);
    let own = match settings.host {
        host if host.is_unspecified() => "127.0.0.1".to_owned(),
        host => host.to_string(),
    };
    let advertised = settings.environment.get(KAFKA_ADVERTISED_HOST).unwrap_or(&own);
    let folder = Path::new("data").join(&settings.instance);
    Err(become_broker(&kafka, &settings.instance, address, advertised, &folder).into())
}

/// Asks the kernel to kill this process when its parent dies, even by SIGKILL and even while it is stopped itself.
#[cfg(target_os = "linux")]
fn bind_life_to(parent: u32, program: Program) -> Result<(), Failure> {
    let signal = match program {
        // Killed, it could not take its worker along.
        Program::Nginx => rustix::process::Signal::TERM,
        // Killed, it could not give back what it has of the kernel's; this is its word for: at once.
        Program::Postgres => rustix::process::Signal::QUIT,
        _ => rustix::process::Signal::KILL,
    };
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
