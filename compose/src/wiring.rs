//! What the instances of a system are told of one another: their environment.

use std::collections::BTreeMap;

use contract::{UpstreamEntry, environment};

use crate::topology::{LinkSpec, ServiceSpec};

/// The balancer's instances: each a [`UpstreamEntry`], with commas between.
pub(crate) const UPSTREAMS: &str = "UPSTREAMS";
/// The balancer's policy.
pub(crate) const POLICY: &str = "POLICY";

/// The environment of one instance.
pub type Environment = BTreeMap<String, String>;

/// The environment of an instance of `spec`: what every instance gets, the address of its database, where it finds
/// those that it calls, and what the specification says, which wins.
pub(crate) fn instance_environment(
    mut environment: Environment,
    spec: &ServiceSpec,
    database: String,
    wiring: impl IntoIterator<Item = (&'static str, String)>,
) -> Environment {
    if spec.service.has_database() {
        environment.insert(environment::DATABASE_URL.to_owned(), database);
    }
    environment.extend(wiring.into_iter().map(|(name, value)| (name.to_owned(), value)));
    environment.extend(spec.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    environment
}

/// The environment of the balancer in front of `spec`.
pub(crate) fn balancer_environment(
    mut environment: Environment,
    spec: &ServiceSpec,
    policy: &str,
    upstreams: &[UpstreamEntry],
) -> Environment {
    let upstreams: Vec<_> = upstreams.iter().map(UpstreamEntry::to_string).collect();
    environment.insert(UPSTREAMS.to_owned(), upstreams.join(","));
    environment.insert(POLICY.to_owned(), policy.to_owned());
    let own = spec
        .env
        .iter()
        .filter(|(name, _)| name.starts_with(environment::BALANCER_PREFIX));
    environment.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    if let Some(level) = spec.env.get(environment::LOG_LEVEL) {
        environment.insert(environment::LOG_LEVEL.to_owned(), level.clone());
    }
    environment
}

/// The environment of a link to the service that is reached at `to`, a host with its port.
pub(crate) fn link_environment(mut environment: Environment, link: &LinkSpec, to: Option<String>) -> Environment {
    if let Some(to) = to {
        environment.insert(environment::LINK_TO.to_owned(), to);
    }
    environment.insert(environment::LINK_SEED.to_owned(), link.seed.to_string());
    if !link.conditions.is_plain() {
        let conditions = serde_json::to_string(&link.conditions).expect("conditions are numbers and words");
        environment.insert(environment::LINK_CONDITIONS.to_owned(), conditions);
    }
    environment
}

#[cfg(test)]
mod tests {
    use contract::{LinkConditions, Passage, Program};

    use super::*;

    fn base() -> Environment {
        Environment::from([("PORT".to_owned(), "0".to_owned())])
    }

    #[test]
    fn a_service_is_wired_and_the_specification_wins() {
        let spec = ServiceSpec::new(Program::Orders).with_env("INVENTORY_URL", "http://elsewhere");
        let urls = [
            ("USERS_URL", "http://127.0.0.1:1".to_owned()),
            ("INVENTORY_URL", "http://127.0.0.1:2".to_owned()),
        ];
        let environment = instance_environment(base(), &spec, "sqlite:///data/orders.db".into(), urls);
        assert_eq!(environment["USERS_URL"], "http://127.0.0.1:1");
        assert_eq!(environment["INVENTORY_URL"], "http://elsewhere");
        assert_eq!(environment["DATABASE_URL"], "sqlite:///data/orders.db");
        assert_eq!(environment["PORT"], "0");
    }

    #[test]
    fn only_who_keeps_data_is_told_of_a_database() {
        let spec = ServiceSpec::new(Program::Gateway);
        let environment = instance_environment(base(), &spec, "sqlite:///data/gateway.db".into(), []);
        assert_eq!(environment, base());
    }

    #[test]
    fn a_link_is_told_where_it_goes_and_what_it_does() {
        let mut link = LinkSpec::new("gateway", "users");
        let told = |link: &LinkSpec| link_environment(base(), link, Some("users:8080".to_owned()));
        let environment = told(&link);
        assert_eq!(environment["LINK_TO"], "users:8080");
        assert_eq!(environment["LINK_SEED"], "1");
        assert!(!environment.contains_key("LINK_CONDITIONS"));
        link.conditions = LinkConditions::of(Passage::BlackHole);
        let conditions: LinkConditions = serde_json::from_str(&told(&link)["LINK_CONDITIONS"]).unwrap();
        assert_eq!(conditions, link.conditions);
    }

    #[test]
    fn a_balancer_is_told_its_instances_and_policy() {
        let spec = ServiceSpec::new(Program::Gateway)
            .balanced(2, "round_robin")
            .with_env("LOG_LEVEL", "debug")
            .with_env("BALANCER_RETRIES", "1")
            .with_env("WORK_WAIT_MS", "5");
        let upstreams = [
            ("gateway-1", "http://127.0.0.1:1", 1),
            ("gateway-2", "http://127.0.0.1:2", 3),
        ];
        let upstreams = upstreams.map(|(name, url, weight)| UpstreamEntry {
            name: name.to_owned(),
            url: url.to_owned(),
            weight,
            healthy: true,
        });
        let environment = balancer_environment(base(), &spec, "round_robin", &upstreams);
        assert_eq!(
            environment["UPSTREAMS"],
            "gateway-1=http://127.0.0.1:1,gateway-2=http://127.0.0.1:2 weight=3"
        );
        assert_eq!(environment["POLICY"], "round_robin");
        assert_eq!(environment["LOG_LEVEL"], "debug");
        assert_eq!(environment["PORT"], "0");
        assert_eq!(environment["BALANCER_RETRIES"], "1");
        assert!(!environment.contains_key("WORK_WAIT_MS"), "that is the service's own");
    }
}
