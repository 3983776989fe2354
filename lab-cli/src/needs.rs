//! What scenarios need of this machine.

use std::collections::BTreeSet;

use compose::{Backend, Capability, ServiceSpec, SystemSpec};
use scenarios::format::Need;
use scenarios::scenario::Scenario;

use crate::able;
use crate::failure::Failure;

/// What a scenario needs, in words.
pub fn words(needs: &[Need]) -> String {
    let names: Vec<&str> = needs.iter().map(|need| need.words()).collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// Refuses a scenario that needs what this machine or the backend lacks, before anything is started.
///
/// # Errors
/// What it lacks, and how to get it.
pub fn met(scenario: &Scenario, backend: &dyn Backend) -> Result<(), Failure> {
    let needs = &scenario.document.needs;
    let has = backend.capabilities();
    let lacks = |need: &Need| Capability::missing(&need.capabilities().iter().copied().collect(), &has);
    let unmet: Vec<Need> = needs.iter().copied().filter(|need| !lacks(need).is_empty()).collect();
    if !unmet.is_empty() {
        let lacking: BTreeSet<Capability> = unmet.iter().flat_map(lacks).collect();
        let failure = Failure::usage(format!("{} needs {}", scenario.name(), words(&unmet)));
        return Err(failure.hint(able::words(&lacking)));
    }
    Ok(backend.find_servers(&system_of(needs))?)
}

/// The server of others that a scenario says it needs, and what its instance is told.
pub fn server(need: &Need) -> Option<ServiceSpec> {
    let spec = ServiceSpec::new(need.server()?);
    Some(match need.told() {
        Some((variable, value)) => spec.with_env(variable, value),
        None => spec,
    })
}

/// A system of nothing but such servers.
fn system_of(needs: &[Need]) -> SystemSpec {
    SystemSpec {
        name: "needed".to_owned(),
        services: needs.iter().filter_map(server).collect(),
        entry: String::new(),
        links: Vec::new(),
    }
}
