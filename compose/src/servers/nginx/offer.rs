//! What nginx has of all that the lab's own balancer can be asked for.

use std::collections::BTreeMap;

use contract::environment::BALANCER_PREFIX;

use super::method::method;

pub(super) const CONNECT_TIMEOUT_MS: &str = "BALANCER_CONNECT_TIMEOUT_MS";
pub(super) const PASSIVE_FAILURES: &str = "BALANCER_PASSIVE_FAILURES";
pub(super) const EJECT_MS: &str = "BALANCER_EJECT_MS";
pub(super) const RETRIES: &str = "BALANCER_RETRIES";
pub(super) const HASH_ON: &str = "BALANCER_HASH_ON";
const HAS: [&str; 5] = [CONNECT_TIMEOUT_MS, PASSIVE_FAILURES, EJECT_MS, RETRIES, HASH_ON];

/// What it has not, by the variable that asks for it, and in words. More than one variable may belong to one thing.
const HAS_NOT: [(&str, &str); 9] = [
    (
        "BALANCER_PROBE_EVERY_MS",
        "active checks are part of its commercial edition",
    ),
    (
        "BALANCER_PROBE_TIMEOUT_MS",
        "active checks are part of its commercial edition",
    ),
    (
        "BALANCER_PROBE_PATH",
        "active checks are part of its commercial edition",
    ),
    (
        "BALANCER_PROBES_IN_ROW",
        "active checks are part of its commercial edition",
    ),
    (
        "BALANCER_SLOW_START_MS",
        "a slow start is part of its commercial edition",
    ),
    (
        "BALANCER_STICKY_COOKIE",
        "sticky cookies are part of its commercial edition",
    ),
    (
        "BALANCER_EJECT_MAX_PERCENT",
        "it has no limit on how many instances may be out at once",
    ),
    ("BALANCER_PANIC_PERCENT", "it has no panic threshold"),
    (
        "BALANCER_NOBODY_WELL",
        "it refuses requests while no instance is left, and then tries all of them again",
    ),
];

/// Why nginx cannot stand in for the lab's balancer with this policy and this environment of the service behind it; the
/// end of a sentence that begins with "nginx cannot do it:". `None` when it can.
pub(crate) fn lacking(policy: &str, env: &BTreeMap<String, String>) -> Option<String> {
    if let Err(reason) = method(policy, env.get(HASH_ON).map(String::as_str)) {
        return Some(reason.to_owned());
    }
    let asked = env
        .iter()
        .filter(|(name, value)| name.starts_with(BALANCER_PREFIX) && !matches!(value.as_str(), "" | "0"));
    let mut asked = asked.map(|(name, _)| name.as_str());
    asked.find(|name| !HAS.contains(name)).map(|name| {
        let known = HAS_NOT.iter().find(|(variable, _)| *variable == name);
        known.map_or_else(|| format!("it has nothing like {name}"), |(_, why)| (*why).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect()
    }

    #[test]
    fn passive_checks_and_retries_are_there() {
        let all = [
            (CONNECT_TIMEOUT_MS, "50"),
            (PASSIVE_FAILURES, "3"),
            (EJECT_MS, "1000"),
            (RETRIES, "1"),
            ("WORK_WAIT_MS", "5"),
        ];
        assert_eq!(lacking("round_robin", &env(&all)), None);
    }

    #[test]
    fn what_is_not_there_is_named_unless_it_is_off() {
        let reason = |pairs| lacking("round_robin", &env(pairs)).unwrap();
        assert!(reason(&[("BALANCER_PROBE_EVERY_MS", "250")]).contains("active checks"));
        assert!(reason(&[("BALANCER_SLOW_START_MS", "2000")]).contains("slow start"));
        assert!(reason(&[("BALANCER_FUTURE", "1")]).contains("BALANCER_FUTURE"));
        assert_eq!(lacking("round_robin", &env(&[("BALANCER_PROBE_EVERY_MS", "0")])), None);
        assert!(lacking("maglev", &env(&[])).is_some());
    }
}
