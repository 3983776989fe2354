//! Systems that can be asked for by name.

use contract::Program;

use super::spec::{ServiceSpec, SystemSpec};
use crate::error::Error;

/// A name, what makes the services of that system, and which of them the load enters through.
type NamedServices = (&'static str, fn() -> Vec<ServiceSpec>, Program);

/// The systems; to add one, add a line here.
const SYSTEMS: [NamedServices; 6] = [
    ("full", full, Program::Gateway),
    ("shop", shop, Program::Gateway),
    ("users", users, Program::Gateway),
    ("locks", locks, Program::Inventory),
    ("events", events, Program::Gateway),
    ("whole", whole, Program::Gateway),
];

/// The system of this name.
///
/// # Errors
/// A usage error that lists the names there are.
pub fn named_system(name: &str) -> Result<SystemSpec, Error> {
    let (name, services, entry) =
        SYSTEMS
            .iter()
            .find(|(known, ..)| *known == name)
            .ok_or_else(|| Error::UnknownSystem {
                name: name.to_owned(),
                known: system_names().map(str::to_owned).collect(),
            })?;
    Ok(SystemSpec {
        name: (*name).to_owned(),
        services: services(),
        entry: entry.to_string(),
        links: Vec::new(),
    })
}

/// The names that [`named_system`] knows, the default first.
pub fn system_names() -> impl Iterator<Item = &'static str> {
    SYSTEMS.iter().map(|(name, ..)| *name)
}

/// All six services, three gateways behind a balancer.
fn full() -> Vec<ServiceSpec> {
    let single = [
        Program::Users,
        Program::Orders,
        Program::Payments,
        Program::Inventory,
        Program::Analytics,
    ];
    let mut services: Vec<_> = single.into_iter().map(ServiceSpec::new).collect();
    services.push(ServiceSpec::new(Program::Gateway).balanced(3, "round_robin"));
    services
}

/// Enough to place an order.
fn shop() -> Vec<ServiceSpec> {
    [Program::Users, Program::Inventory, Program::Orders, Program::Gateway]
        .into_iter()
        .map(ServiceSpec::new)
        .collect()
}

/// The smallest system with a call in it.
fn users() -> Vec<ServiceSpec> {
    vec![ServiceSpec::new(Program::Users), ServiceSpec::new(Program::Gateway)]
}

/// Instances that compete for the same things, with a Redis to keep them apart.
fn locks() -> Vec<ServiceSpec> {
    vec![
        ServiceSpec::new(Program::Redis),
        ServiceSpec::new(Program::Inventory).balanced(3, "round_robin"),
        ServiceSpec::new(Program::Payments).balanced(3, "round_robin"),
    ]
}

/// Enough to place an order, with a Kafka by which others hear of it.
fn events() -> Vec<ServiceSpec> {
    [
        Program::Kafka,
        Program::Users,
        Program::Inventory,
        Program::Payments,
        Program::Analytics,
        Program::Orders,
        Program::Gateway,
    ]
    .into_iter()
    .map(ServiceSpec::new)
    .collect()
}

/// The full system, with every server of others that it can make use of.
fn whole() -> Vec<ServiceSpec> {
    let servers = [Program::Redis, Program::Kafka, Program::Postgres];
    servers.into_iter().map(ServiceSpec::new).chain(full()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_system_is_valid() {
        for name in system_names() {
            let system = named_system(name).unwrap();
            assert_eq!(system.name, name);
            system.validate().unwrap();
        }
    }

    #[test]
    fn the_full_system_is_six_services_with_three_gateways_and_a_balancer() {
        let full = named_system("full").unwrap();
        assert_eq!((full.services.len(), full.process_count()), (6, 9));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = named_system("fulll").unwrap_err().to_string();
        assert!(
            message.contains("fulll") && message.contains("full, shop, users, locks, events, whole"),
            "{message}"
        );
    }
}
