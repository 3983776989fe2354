//! Servers of others that a system may have. Each is described once, in a file or folder of its own; whoever starts, asks,
//! packs, exports or ends one reads its description.
//!
//! To add one, add its description and one line in [`ALL`].

mod backing;
mod balancing;
pub(crate) mod configuration;
mod durable;
pub(crate) mod error;
mod exported;
mod found;
pub mod image;
pub mod kafka;
mod locate;
pub mod nginx;
pub mod postgres;
pub mod prometheus;
mod question;
pub mod redis;
mod seat;
mod server;
mod tenant;
mod watched;

use contract::Program;

use crate::topology::SystemSpec;
use crate::wiring::Environment;

pub use backing::Backing;
pub use balancing::Balancing;
pub use durable::Durable;
pub use error::ServerError;
pub use exported::{Exported, Exporting, ReadFile};
pub use found::Found;
pub(crate) use locate::unusable;
pub use locate::{answers, locate, named};
pub use question::{Question, SignOfLife};
pub use seat::{Configured, Place, Seat};
pub use server::Server;
pub use tenant::Tenant;
pub use watched::Watched;

/// Every server.
pub const ALL: [&dyn Server; 5] = [
    &redis::Redis,
    &nginx::Nginx,
    &kafka::Kafka,
    &postgres::Postgres,
    &prometheus::Prometheus,
];

/// The description of a program that is a server of others.
#[must_use]
pub fn of(program: Program) -> Option<&'static dyn Server> {
    ALL.into_iter().find(|server| server.program() == program)
}

/// The names of servers that can be added to a system: all that do not stand in front of a service.
pub fn that_join() -> impl Iterator<Item = &'static str> {
    let programs = ALL.into_iter().map(Server::program);
    programs.filter(|program| !program.is_balancer()).map(Program::as_str)
}

/// The servers of a system, each with what its instance is told: those that are services, and those that stand in front of
/// one.
pub(crate) fn within(spec: &SystemSpec) -> impl Iterator<Item = (&'static dyn Server, &Environment)> {
    static NOTHING: Environment = Environment::new();
    let balancers = spec.services.iter().filter_map(|service| {
        let program = service.balancer.as_ref()?.kind.program();
        Some((of(program)?, &NOTHING))
    });
    let services = spec.services.iter();
    services
        .filter_map(|service| Some((of(service.service)?, &service.env)))
        .chain(balancers)
}

/// Whether a system has a server that carries what services still work on after everybody was answered.
#[must_use]
pub fn carry_events(spec: &SystemSpec) -> bool {
    within(spec).any(|(server, _)| server.carries_events())
}

/// The servers in which services can keep what they store.
pub fn that_store() -> impl Iterator<Item = Program> {
    let stores = ALL
        .into_iter()
        .filter(|server| server.backing().is_some_and(Backing::stores));
    stores.map(Server::program)
}

/// Whether a program must hold something before services that use it start.
pub(crate) fn has_furniture(program: Program) -> bool {
    of(program)
        .and_then(Server::backing)
        .and_then(Backing::furniture)
        .is_some()
}

/// Whether a program is told of every instance of its system.
pub(crate) fn watches(program: Program) -> bool {
    of(program).is_some_and(Server::watches)
}

/// The signal that makes an instance of a program end in good order.
pub(crate) fn end_signal(program: Program) -> rustix::process::Signal {
    of(program).map_or(rustix::process::Signal::TERM, Server::end_signal)
}

/// The port that an instance of a program listens on in its container.
pub(crate) fn inner_port(program: Program) -> u16 {
    of(program).map_or(server::HTTP_PORT, Server::port)
}

/// The address of a program on a host. That of a server may say whom its clients are to connect as.
pub(crate) fn address(program: Program, host: &str, port: u16) -> url::Url {
    let url = match of(program) {
        Some(server) => server.address(host, port),
        None => format!("http://{host}:{port}"),
    };
    url::Url::parse(&url).expect("the name or address of a host makes a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_that_is_a_server_of_others_is_described_once() {
        for program in Program::ALL {
            let found = ALL.iter().filter(|server| server.program() == program).count();
            assert_eq!(found, usize::from(program.is_server()), "{program}");
        }
    }

    #[test]
    fn images_are_pinned_and_told_apart() {
        let images = ALL.map(Server::image);
        for image in images {
            let (_, tag) = image.official.split_once(':').expect("a tag");
            assert!(
                tag.starts_with(|first: char| first.is_ascii_digit() || first == 'v'),
                "{tag}"
            );
            assert_eq!(images.iter().filter(|other| other.packed == image.packed).count(), 1);
        }
    }

    #[test]
    fn every_address_is_a_url() {
        for server in ALL {
            let url = address(server.program(), "memory", server.port());
            assert_eq!(url.host_str(), Some("memory"));
        }
    }
}
