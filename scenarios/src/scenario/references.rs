//! References: what is named exists, and takes what it is given.

use contract::Program;

use crate::format::{Document, Place, Problem, Service};

/// Problems of what a scenario refers to.
pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    services(document, problems);
    policies(document, problems);
    arms(document, problems);
    classes(document, problems);
    quiescent(document, problems);
    problems.extend(variables(document));
}

fn must_be(place: &Place, known: &[&str], what: &str, problems: &mut Vec<Problem>) {
    if !known.contains(&place.as_str()) {
        problems.push(
            Problem::at(place.span(), format!("there is no {what} `{place}`"))
                .suggest(place.as_str(), known.iter().copied()),
        );
    }
}

fn services(document: &Document, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = document
        .system
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let changed = changes(document).map(|service| &service.name);
    let of_loads = document.loads.iter().filter_map(|load| load.service.as_ref());
    let of_clients = document.clients.iter().filter_map(|clients| clients.service.as_ref());
    let of_stories = document.stories.iter().map(|story| &story.service);
    let of_probes = document.probes.iter().filter_map(|probe| probe.service.as_ref());
    let named = std::iter::once(&document.system.entry)
        .chain(changed)
        .chain(of_loads)
        .chain(of_clients)
        .chain(of_stories)
        .chain(of_probes);
    for service in named {
        must_be(service, &known, "service", problems);
    }
}

/// What the arms change in services.
fn changes(document: &Document) -> impl Iterator<Item = &Service> {
    let of_arms = document.arms.iter().flat_map(|arm| &arm.services);
    of_arms.chain(document.planted.iter().flat_map(|fault| &fault.services))
}

fn policies(document: &Document, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = balance::REGISTRY.iter().map(balance::PolicyKind::name).collect();
    let balanced = document.system.services.iter().chain(changes(document));
    let of_services = balanced.filter_map(|service| service.balancer.as_ref());
    let of_actions = document.actions.iter().filter_map(|action| action.policy.as_ref());
    let of_simulations = document.simulations.iter().flat_map(|simulation| &simulation.policies);
    for policy in of_services.chain(of_actions).chain(of_simulations) {
        must_be(policy, &known, "policy", problems);
    }
}

fn arms(document: &Document, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = document.arms.iter().map(|arm| arm.name.as_str()).collect();
    let replaced = document.planted.iter().map(|fault| &fault.stands_in);
    for arm in replaced.chain(document.alike.iter().flatten()) {
        must_be(arm, &known, "arm", problems);
    }
    let planted = document.planted.iter().map(|fault| fault.name.as_str());
    let known: Vec<&str> = known.into_iter().chain(planted).collect();
    let named = document
        .loads
        .iter()
        .flat_map(|load| &load.arms)
        .chain(document.searches.iter().flat_map(|search| &search.arms))
        .chain(document.actions.iter().flat_map(|action| &action.arms))
        .chain(document.probes.iter().flat_map(|probe| &probe.arms))
        .chain(document.stories.iter().flat_map(|story| &story.arms))
        .chain(document.clients.iter().flat_map(|clients| &clients.arms))
        .chain(document.invariants.iter().flat_map(|law| &law.arms));
    for arm in named {
        must_be(arm, &known, "arm", problems);
    }
}

fn classes(document: &Document, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = document.clients.iter().map(|clients| clients.class.as_str()).collect();
    for law in &document.invariants {
        must_be(&law.of, &known, "class of clients", problems);
    }
}

/// Laws about what is left need somebody to read it.
fn quiescent(document: &Document, problems: &mut Vec<Problem>) {
    for law in &document.invariants {
        let mut clients = document
            .clients
            .iter()
            .filter(|clients| clients.class.as_str() == law.of.as_str());
        if law.invariant.needs_quiescent() && !clients.any(|clients| clients.quiescent.is_some()) {
            problems.push(
                Problem::at(law.of.span(), format!("nobody reads what is left of `{}`", law.of))
                    .hint("add at_rest = { path = …, field = … } to its clients"),
            );
        }
    }
}

/// Variables that a service does not declare: they would do nothing, or make its process do something else entirely.
fn variables(document: &Document) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in document.system.services.iter().chain(changes(document)) {
        // A name that nothing has is told of where it is looked up.
        let Ok(program) = service.name.as_str().parse::<Program>() else {
            continue;
        };
        let declared = program.declared_variables();
        for variable in service.env.keys().filter(|name| !declared.contains(&name.as_str())) {
            let message = format!("a scenario may not set `{variable}` for `{program}`");
            problems.push(Problem::at(variable.span(), message).hint(match declared.as_slice() {
                [] => format!("{program} takes no variables from a scenario"),
                declared => format!("{program} takes: {}", declared.join(", ")),
            }));
        }
    }
    problems
}
