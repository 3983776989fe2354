//! The command line and environment of an instance.

use std::collections::BTreeMap;
use std::path::Path;

use contract::{ServiceName, environment};

use crate::topology::{ServiceSpec, balancer_name};

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
/// The balancer's instances: `NAME=URL`, with commas between.
const UPSTREAMS: &str = "UPSTREAMS";
/// The balancer's policy.
const POLICY: &str = "POLICY";

/// The environment of one process.
pub(super) type Environment = BTreeMap<String, String>;

/// What every process gets.
fn common(instance: &str, port: u16) -> Environment {
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

/// The environment of an instance of `spec`. `wiring` says where it finds those that it calls, and its database lies in
/// `data`.
pub(super) fn instance_environment(
    spec: &ServiceSpec,
    instance: &str,
    port: u16,
    wiring: impl IntoIterator<Item = (&'static str, String)>,
    data: &Path,
) -> Environment {
    let mut environment = common(instance, port);
    if spec.service.has_database() {
        let file = data.join(format!("{}.db", spec.name));
        environment.insert(environment::DATABASE_URL.to_owned(), sqlite_url(&file));
    }
    environment.extend(wiring.into_iter().map(|(name, value)| (name.to_owned(), value)));
    environment.extend(spec.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    environment
}

/// The environment of the balancer in front of `spec`.
pub(super) fn balancer_environment(
    spec: &ServiceSpec,
    policy: &str,
    port: u16,
    upstreams: impl IntoIterator<Item = (String, String)>,
) -> Environment {
    let mut environment = common(&balancer_name(&spec.name), port);
    let upstreams: Vec<_> = upstreams
        .into_iter()
        .map(|(name, url)| format!("{name}={url}"))
        .collect();
    environment.insert(UPSTREAMS.to_owned(), upstreams.join(","));
    environment.insert(POLICY.to_owned(), policy.to_owned());
    if let Some(level) = spec.env.get(environment::LOG_LEVEL) {
        environment.insert(environment::LOG_LEVEL.to_owned(), level.clone());
    }
    environment
}

/// What follows the program's name.
pub(super) fn arguments(service: ServiceName, die_with: Option<u32>) -> Vec<String> {
    let mut arguments = vec!["serve".to_owned(), service.to_string()];
    if let Some(parent) = die_with {
        arguments.extend(["--die-with-parent".to_owned(), parent.to_string()]);
    }
    arguments
}

/// The address of an SQLite file. The path is part of a URL, so what means something in URLs is escaped.
fn sqlite_url(file: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for char in file.to_string_lossy().chars() {
        match char {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            ' ' => url.push_str("%20"),
            other => url.push(other),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_s_own_environment_does_not_reach_instances() {
        let spec = ServiceSpec::new(ServiceName::Gateway);
        let environment = instance_environment(&spec, "gateway-1", 0, [], Path::new("/data"));
        let allowed = |name: &str| PASSED_ON.contains(&name) || ["PORT", "HOST", "INSTANCE"].contains(&name);
        assert!(environment.keys().all(|name| allowed(name)), "{environment:?}");
        // Cargo sets this one for every test.
        assert!(std::env::var("CARGO_PKG_NAME").is_ok() && !environment.contains_key("CARGO_PKG_NAME"));
    }

    #[test]
    fn a_service_is_wired_and_the_specification_wins() {
        let spec = ServiceSpec::new(ServiceName::Orders).with_env("INVENTORY_URL", "http://elsewhere");
        let urls = [
            ("USERS_URL", "http://127.0.0.1:1".to_owned()),
            ("INVENTORY_URL", "http://127.0.0.1:2".to_owned()),
        ];
        let environment = instance_environment(&spec, "orders-1", 0, urls, Path::new("/a run/data"));
        assert_eq!(environment["USERS_URL"], "http://127.0.0.1:1");
        assert_eq!(environment["INVENTORY_URL"], "http://elsewhere");
        assert_eq!(environment["DATABASE_URL"], "sqlite:///a%20run/data/orders.db");
        assert_eq!(
            (environment["PORT"].as_str(), environment["INSTANCE"].as_str()),
            ("0", "orders-1")
        );
    }

    #[test]
    fn a_balancer_is_told_its_instances_and_policy() {
        let spec = ServiceSpec::new(ServiceName::Gateway)
            .balanced(2, "round_robin")
            .with_env("LOG_LEVEL", "debug");
        let upstreams = [("gateway-1", "http://127.0.0.1:1"), ("gateway-2", "http://127.0.0.1:2")];
        let upstreams = upstreams.map(|(name, url)| (name.to_owned(), url.to_owned()));
        let environment = balancer_environment(&spec, "round_robin", 8080, upstreams);
        assert_eq!(
            environment["UPSTREAMS"],
            "gateway-1=http://127.0.0.1:1,gateway-2=http://127.0.0.1:2"
        );
        assert_eq!(environment["POLICY"], "round_robin");
        assert_eq!(environment["LOG_LEVEL"], "debug");
        assert_eq!(
            (environment["PORT"].as_str(), environment["INSTANCE"].as_str()),
            ("8080", "gateway-balancer")
        );
    }

    #[test]
    fn only_a_child_that_may_not_outlive_the_lab_is_told_whom_to_watch() {
        assert_eq!(arguments(ServiceName::Users, None), ["serve", "users"]);
        assert_eq!(
            arguments(ServiceName::Users, Some(7)),
            ["serve", "users", "--die-with-parent", "7"]
        );
    }
}
