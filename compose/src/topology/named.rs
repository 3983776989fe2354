//! Systems that can be asked for by name.

use contract::ServiceName;

use super::spec::{ServiceSpec, SystemSpec};
use crate::error::Error;

/// A name, what makes the services of that system, and which of them the load enters through.
type NamedServices = (&'static str, fn() -> Vec<ServiceSpec>, ServiceName);

/// The systems; to add one, add a line here.
const SYSTEMS: [NamedServices; 6] = [
    ("full", full, ServiceName::Gateway),
    ("shop", shop, ServiceName::Gateway),
    ("users", users, ServiceName::Gateway),
    ("locks", locks, ServiceName::Inventory),
    ("events", events, ServiceName::Gateway),
    ("whole", whole, ServiceName::Gateway),
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
        ServiceName::Users,
        ServiceName::Orders,
        ServiceName::Payments,
        ServiceName::Inventory,
        ServiceName::Analytics,
    ];
    let mut services: Vec<_> = single.into_iter().map(ServiceSpec::new).collect();
    services.push(ServiceSpec::new(ServiceName::Gateway).balanced(3, "round_robin"));
    services
}

/// Enough to place an order.
fn shop() -> Vec<ServiceSpec> {
    [
        ServiceName::Users,
        ServiceName::Inventory,
        ServiceName::Orders,
        ServiceName::Gateway,
    ]
    .into_iter()
    .map(ServiceSpec::new)
    .collect()
}

/// The smallest system with a call in it.
fn users() -> Vec<ServiceSpec> {
    vec![
        ServiceSpec::new(ServiceName::Users),
        ServiceSpec::new(ServiceName::Gateway),
    ]
}

/// Instances that compete for the same things, with a Redis to keep them apart.
fn locks() -> Vec<ServiceSpec> {
    vec![
        ServiceSpec::new(ServiceName::Redis),
        ServiceSpec::new(ServiceName::Inventory).balanced(3, "round_robin"),
        ServiceSpec::new(ServiceName::Payments).balanced(3, "round_robin"),
    ]
}

/// Enough to place an order, with a Kafka by which others hear of it.
fn events() -> Vec<ServiceSpec> {
    [
        ServiceName::Kafka,
        ServiceName::Users,
        ServiceName::Inventory,
        ServiceName::Payments,
        ServiceName::Analytics,
        ServiceName::Orders,
        ServiceName::Gateway,
    ]
    .into_iter()
    .map(ServiceSpec::new)
    .collect()
}

/// The full system, with every server of others that it can make use of.
fn whole() -> Vec<ServiceSpec> {
    let servers = [ServiceName::Redis, ServiceName::Kafka, ServiceName::Postgres];
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
