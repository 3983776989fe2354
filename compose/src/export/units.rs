//! What a system is made of, wired as the Docker backend wires it: every service at its own name.

use contract::{Program, UpstreamEntry, environment};

use crate::scraped::{SCRAPED, Scraped};
use crate::servers::{self, Server, Tenant, inner_port};
use crate::topology::{ServiceSpec, SpecError, SystemSpec, balancer_name};
use crate::wiring::{Environment, balancer_environment, instance_environment};

/// One instance, or one balancer.
pub(super) struct Unit<'a> {
    pub(super) name: String,
    pub(super) spec: &'a ServiceSpec,
    pub(super) program: Program,
    pub(super) is_front_door: bool,
    pub(super) environment: Environment,
}

/// The units of a system: of each service the instances, then its balancer.
pub(super) fn units(system: &SystemSpec) -> Result<Vec<Unit<'_>>, SpecError> {
    system.validate()?;
    let mut units = Vec::new();
    for spec in &system.services {
        for name in spec.instance_names() {
            units.push(Unit {
                is_front_door: spec.front_door_name() == name,
                environment: of_instance(system, spec, &name)?,
                program: spec.service,
                name,
                spec,
            });
        }
        if let Some(balancer) = &spec.balancer {
            let name = balancer_name(&spec.name);
            let upstream = |(index, name): (u32, String)| UpstreamEntry {
                url: address(&name, spec.service),
                weight: balancer.weight(index),
                healthy: true,
                name,
            };
            let upstreams: Vec<UpstreamEntry> = (1..).zip(spec.instance_names()).map(upstream).collect();
            let base = surroundings(&name, Program::Balancer);
            units.push(Unit {
                is_front_door: true,
                environment: balancer_environment(base, spec, &balancer.policy, &upstreams),
                program: Program::Balancer,
                name,
                spec,
            });
        }
    }
    let address = |unit: &Unit<'_>| servers::address(unit.program, &unit.name, inner_port(unit.program));
    let scraped = units
        .iter()
        .filter_map(|unit| Scraped::new(&unit.name, &unit.spec.name, unit.program, &address(unit)));
    let scraped = Scraped::list(scraped);
    for unit in units.iter_mut().filter(|unit| servers::watches(unit.program)) {
        unit.environment.insert(SCRAPED.to_owned(), scraped.clone());
    }
    Ok(units)
}

/// The environment of an instance of this name.
pub(super) fn of_instance(system: &SystemSpec, spec: &ServiceSpec, name: &str) -> Result<Environment, SpecError> {
    let callees = system.callees(spec)?;
    let tenant = Tenant {
        token: system.name.clone(),
        named: None,
    };
    let told = callees.into_iter().flat_map(|(callee, other)| {
        let program = match other.balancer {
            Some(_) => Program::Balancer,
            None => other.service,
        };
        match servers::of(callee).and_then(Server::backing) {
            Some(backing) => {
                let mut door = servers::address(program, &other.name, inner_port(program));
                // What an official image wants of one; who can read this file can read it, too.
                let _ = door.set_password(backing.password());
                backing.told(&tenant, &spec.name, &door)
            }
            None => vec![(callee.url_variable(), address(&other.name, program))],
        }
    });
    let base = surroundings(name, spec.service);
    Ok(instance_environment(base, spec, file(&spec.name), told))
}

/// Where nothing else is to be had, data goes with the instance.
fn file(service: &str) -> String {
    format!("sqlite:///tmp/{service}.db")
}

fn surroundings(name: &str, program: Program) -> Environment {
    let own = [
        (environment::PORT, inner_port(program).to_string()),
        (environment::HOST, "0.0.0.0".to_owned()),
        (environment::INSTANCE, name.to_owned()),
    ];
    own.map(|(name, value)| (name.to_owned(), value)).into()
}

fn address(name: &str, program: Program) -> String {
    Tenant::written(&servers::address(program, name, inner_port(program)))
}
