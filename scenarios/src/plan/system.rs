//! The system of an arm, and that a backend can start it.

use std::collections::BTreeMap;

use compose::servers;
use compose::{Limits, ServiceSpec, SystemSpec};
use contract::{Allowed, Program};

use super::action::ActionSpec;
use super::resolve::Resolver;
use super::{balancer, links, targets};
use crate::format::{ActionVerb, Arm, Document, Place, Problem, Quantity, RestartKind, Service};

/// The most instances of all services of an arm: a guard against a slip of the finger.
const INSTANCES_MAX: u32 = 200;
/// Likewise of memory.
const MEMORY_MIB_MIN: f64 = 6.0;
const MEMORY_MIB_MAX: f64 = 1e6;

/// The store of services that share none: each has a file of its own.
const OF_ITS_OWN: &str = "sqlite";

/// The services whose instances are started again when they die by themselves, or are killed by a probe.
pub(super) fn revived(document: &Document, arm: &Arm) -> Vec<String> {
    let services = document.system.services.iter();
    let revived = services.filter(|base| {
        let change = arm.change_of(base);
        let restart = change.and_then(|change| change.restart).or(base.restart);
        let is_probed = base.liveness.is_some() || change.is_some_and(|change| change.liveness.is_some());
        is_probed || restart == Some(RestartKind::Always)
    });
    revived.map(|service| service.name.to_string()).collect()
}

/// The system of an arm: that of the scenario with what the arm changes.
pub(super) fn spec(document: &Document, arm: &Arm, resolver: &Resolver) -> Result<SystemSpec, Problem> {
    let mut services = Vec::new();
    for base in &document.system.services {
        services.push(service_spec(base, arm.change_of(base), resolver)?);
    }
    for need in &document.needs {
        let Some((variable, value)) = need.told() else { continue };
        for server in services.iter_mut().filter(|known| Some(known.service) == need.server()) {
            server.env.insert(variable.to_owned(), value.to_owned());
        }
    }
    if let Some(store) = store(document, resolver)?
        && !services.iter().any(|service| service.service == store)
    {
        services.push(ServiceSpec::new(store));
    }
    let mut system = SystemSpec {
        name: document.name.to_string(),
        services,
        entry: document.system.entry.to_string(),
        links: Vec::new(),
    };
    system.links = links::of(document, &system);
    Ok(system)
}

/// The server in which services keep what they store; none where each has a file of its own.
fn store(document: &Document, resolver: &Resolver) -> Result<Option<Program>, Problem> {
    let Some(store) = &document.system.store else {
        return Ok(None);
    };
    let name = resolver.fill(store)?;
    let known = servers::that_store().find(|program| program.as_str() == name);
    if known.is_some() || name == OF_ITS_OWN {
        return Ok(known);
    }
    let stores = std::iter::once(OF_ITS_OWN).chain(servers::that_store().map(Program::as_str));
    Err(Problem::at(store.span(), format!("there is no store `{name}`")).suggest(&name, stores))
}

fn service_spec(base: &Service, change: Option<&Service>, resolver: &Resolver) -> Result<ServiceSpec, Problem> {
    let instances = change
        .and_then(|change| change.instances.as_ref())
        .or(base.instances.as_ref());
    let instances = match instances {
        Some(instances) => resolver.number_in(instances, 1.0, 64.0, "the number of instances")? as u32,
        None => 1,
    };
    let mut env = BTreeMap::new();
    for (key, value) in base.env.iter().chain(change.into_iter().flat_map(|change| &change.env)) {
        let text = resolver.fill(value)?;
        let allowed = Allowed::of(key.as_str());
        if !allowed.accepts(&text) {
            return Err(Problem::at(
                value.span(),
                format!("`{key}` is {text:?}, but must be {allowed}"),
            ));
        }
        env.insert(key.to_string(), text);
    }
    let service = base.name.as_str().parse().map_err(|_| {
        Problem::at(base.name.span(), format!("there is no service `{}`", base.name)).suggest(
            base.name.as_str(),
            contract::Program::ALL.iter().map(|name| name.as_str()),
        )
    })?;
    Ok(ServiceSpec {
        name: base.name.to_string(),
        service,
        instances,
        balancer: balancer::spec(base, change, resolver)?,
        env,
        limits: limits(base, change, resolver)?,
    })
}

fn limits(base: &Service, change: Option<&Service>, resolver: &Resolver) -> Result<Option<Limits>, Problem> {
    let changed = |pick: fn(&Service) -> Option<&Quantity>| change.and_then(pick).or(pick(base));
    let cpus = changed(|service| service.cpus.as_ref());
    let memory = changed(|service| service.memory_mib.as_ref());
    let limits = Limits {
        cpu_milli: cpus
            .map(|cpus| resolver.cpus(cpus))
            .transpose()?
            .map(|cpus| (cpus * 1000.0).round() as u32),
        memory_mib: memory
            .map(|memory| resolver.number_in(memory, MEMORY_MIB_MIN, MEMORY_MIB_MAX, "the memory in MiB"))
            .transpose()?
            .map(|memory| memory as u32),
    };
    Ok(Some(limits).filter(|limits| *limits != Limits::default()))
}

/// Refuses a system that no backend starts, and actions that are done to nobody or that no system takes.
pub(super) fn check(
    document: &Document,
    arm: &Arm,
    system: &SystemSpec,
    actions: &[ActionSpec],
) -> Result<(), Problem> {
    let sound = |system: &SystemSpec, place: &Place| {
        system
            .validate()
            .map_err(|error| Problem::at(place.span(), format!("in the arm `{}`: {error}", arm.name)))
    };
    sound(system, &arm.name)?;
    let instances: u32 = system.services.iter().map(|service| service.instances).sum();
    if instances > INSTANCES_MAX {
        return Err(Problem::at(
            arm.name.span(),
            format!(
                "the arm `{}` has {instances} instances; at most {INSTANCES_MAX} are started",
                arm.name
            ),
        ));
    }
    for action in document.actions.iter().filter(|action| arm.is_among(&action.arms)) {
        targets::check(&action.target, action.verb, system, actions)?;
        if action.verb == ActionVerb::Scale {
            let Some(most) = most_instances(action.target.as_str(), actions) else {
                return Err(Problem::at(
                    action.target.span(),
                    format!("nothing says to how many instances `{}` is scaled", action.target),
                )
                .hint("add instances = …"));
            };
            sound(&scaled(system, action.target.as_str(), most), &action.target)?;
        }
    }
    Ok(())
}

fn most_instances(service: &str, actions: &[ActionSpec]) -> Option<u32> {
    let of = actions.iter().filter(|action| action.target == service);
    of.filter_map(|action| action.instances).max()
}

fn scaled(system: &SystemSpec, service: &str, instances: u32) -> SystemSpec {
    let mut scaled = system.clone();
    for known in scaled.services.iter_mut().filter(|known| known.name == service) {
        known.instances = instances;
    }
    scaled
}
