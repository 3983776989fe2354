//! Whether there is somebody to do an action to.

use compose::{SystemSpec, topology};

use super::action::ActionSpec;
use super::links;
use crate::format::{ActionVerb, Place, Problem};

/// Refuses an action on an instance that never exists in this system, or on a service that it does not have.
pub(super) fn check(
    target: &Place,
    verb: ActionVerb,
    system: &SystemSpec,
    actions: &[ActionSpec],
) -> Result<(), Problem> {
    if verb.is_on_a_link() {
        return way(target, system);
    }
    let (known, what) = match verb {
        ActionVerb::Scale => (services(system, |_| true), "service"),
        ActionVerb::Policy => (services(system, |balanced| balanced), "service with a balancer"),
        _ => (instances(system, actions), "instance"),
    };
    if known.iter().any(|name| name == target.as_str()) {
        return Ok(());
    }
    Err(Problem::at(target.span(), format!("there is no {what} `{target}`"))
        .suggest(target.as_str(), known.iter().map(String::as_str)))
}

fn way(target: &Place, system: &SystemSpec) -> Result<(), Problem> {
    let known = links::ways(system);
    let meant = links::ends(target.as_str()).map(|(from, to)| format!("{from}->{to}"));
    if meant.as_ref().is_some_and(|meant| known.contains(meant)) {
        return Ok(());
    }
    let problem = match meant {
        Some(meant) => Problem::at(target.span(), format!("no call goes the way `{meant}`"))
            .suggest(&meant, known.iter().map(String::as_str)),
        None => Problem::at(
            target.span(),
            format!("`{target}` is not a path from one service to another"),
        )
        .hint(format!("write it as FROM->TO; there are {}", known.join(", "))),
    };
    Err(problem)
}

fn services(system: &SystemSpec, pick: impl Fn(bool) -> bool) -> Vec<String> {
    let picked = system
        .services
        .iter()
        .filter(|service| pick(service.balancer.is_some()));
    picked.map(|service| service.name.clone()).collect()
}

/// The instances that the system begins with, those that it is ever scaled to, and the balancers.
fn instances(system: &SystemSpec, actions: &[ActionSpec]) -> Vec<String> {
    let mut names = Vec::new();
    for service in &system.services {
        let scaled = actions.iter().filter(|action| action.target == service.name);
        let most = scaled.filter_map(|action| action.instances).max().unwrap_or(0);
        let most = most.max(service.instances);
        names.extend((1..=most).map(|index| topology::instance_name(&service.name, index)));
        if service.balancer.is_some() {
            names.push(topology::balancer_name(&service.name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use crate::catalog;
    use crate::lint;
    use crate::scenario::Scenario;

    /// What is said of `cpu-blocking` with this action.
    fn said(action: &str) -> String {
        let mut source = catalog::source("cpu-blocking").unwrap();
        source.scenario.push_str(&format!(
            "\n[[action]]\nat_s = 0.1\narms = [\"least_connections\"]\n{action}\n"
        ));
        Scenario::parse(source)
            .and_then(|scenario| lint::check(&scenario))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn an_action_needs_somebody_to_be_done_to() {
        assert!(said("do = \"pause\"\ntarget = \"gateway-9\"").contains("there is no instance `gateway-9`"));
        assert!(said("do = \"pause\"\ntarget = \"gatewy-2\"").contains("did you mean `gateway-2`?"));
        assert!(said("do = \"scale\"\ntarget = \"gateway-1\"\ninstances = 2").contains("no service `gateway-1`"));
        assert_eq!(said("do = \"kill\"\ntarget = \"gateway-balancer\""), "");
        assert_eq!(said("do = \"policy\"\ntarget = \"gateway\"\npolicy = \"random\""), "");
    }

    #[test]
    fn the_pace_of_an_instance_needs_a_slowness_and_nothing_else_takes_one() {
        assert_eq!(said("do = \"slow\"\ntarget = \"gateway-1\"\nslowness = 20"), "");
        for (wrong, expected) in [
            (
                "do = \"slow\"\ntarget = \"gateway-1\"",
                "nothing says how slow `gateway-1` becomes",
            ),
            (
                "do = \"slow\"\ntarget = \"gateway\"\nslowness = 2",
                "no instance `gateway`",
            ),
            (
                "do = \"slow\"\ntarget = \"gateway-1\"\nslowness = 0.5",
                "must be from 1",
            ),
            (
                "do = \"pause\"\ntarget = \"gateway-1\"\nslowness = 2",
                "slowness has no meaning",
            ),
        ] {
            let said = said(wrong);
            assert!(said.contains(expected), "{wrong}: {said}");
        }
    }

    #[test]
    fn an_action_on_a_link_needs_a_way_that_calls_go() {
        // `race-condition` has a Redis that its services call.
        let said = |action: &str| {
            let mut source = catalog::source("race-condition").unwrap();
            source
                .scenario
                .push_str(&format!("\n[[action]]\nat_s = 0.1\n{action}\n"));
            Scenario::parse(source)
                .and_then(|scenario| lint::check(&scenario))
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        for right in [
            "do = \"partition\"\ntarget = \"inventory->redis\"",
            "do = \"heal\"\ntarget = \"inventory -> redis\"",
            "do = \"reset\"\ntarget = \"inventory->redis\"",
            "do = \"degrade\"\ntarget = \"inventory->redis\"\nlatency_ms = 50\nloss = \"0.01\"",
        ] {
            assert_eq!(said(right), "", "{right}");
        }
        for (wrong, expected) in [
            (
                "do = \"heal\"\ntarget = \"inventry->redis\"",
                "did you mean `inventory->redis`?",
            ),
            (
                "do = \"heal\"\ntarget = \"redis->inventory\"",
                "no call goes the way `redis->inventory`",
            ),
            (
                "do = \"reset\"\ntarget = \"inventory-1\"",
                "write it as FROM->TO; there are inventory->redis",
            ),
            (
                "do = \"degrade\"\ntarget = \"inventory->redis\"",
                "give one or more of latency_ms",
            ),
            (
                "do = \"degrade\"\ntarget = \"inventory->redis\"\nloss = 1",
                "must be from 0 to 0.9",
            ),
            (
                "do = \"degrade\"\ntarget = \"inventory->redis\"\nkib_per_s = 0",
                "must be from 1",
            ),
            (
                "do = \"pause\"\ntarget = \"inventory-1\"\njitter_ms = 1",
                "jitter_ms has no meaning",
            ),
        ] {
            let said = said(wrong);
            assert!(
                said.contains(expected) && said.contains("scenario.toml:"),
                "{wrong}: {said}"
            );
        }
    }

    #[test]
    fn an_instance_may_come_by_scaling() {
        let scaled = "do = \"scale\"\ntarget = \"gateway\"\ninstances = 9\n\n[[action]]\nat_s = 0.2\n\
                      arms = [\"least_connections\"]\ndo = \"kill\"\ntarget = \"gateway-9\"";
        assert_eq!(said(scaled), "");
    }
}
