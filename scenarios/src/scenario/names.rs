//! Names: identifiers in expressions, none of them twice where one value would hide another.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::{Document, Place, Problem};

/// Names that expressions know beside the arms.
const BESIDE_ARMS: [&str; 4] = ["params", "cores", "rounds", "simulated"];
/// Names that every arm has by itself.
const OF_ARMS: [&str; 5] = ["instances", "rounds", "settle_s", "settle_open", "deaths"];
/// Names that every class of requests has by itself; windows stand beside them.
const OF_CLASSES: [&str; 25] = [
    "mean",
    "p50",
    "p90",
    "p99",
    "p99_9",
    "min",
    "max",
    "n",
    "service",
    "lateness",
    "rate_per_s",
    "arrivals_per_s",
    "error_share",
    "slow_share",
    "in_flight_mean",
    "recovered_s",
    "failed_p50",
    "failed_p99",
    "scheduled",
    "sent",
    "ok",
    "failed",
    "collected",
    "duplicates",
    "by_instance",
];
/// The longest name, in characters: names become parts of file names and headings of tables.
const CHARS_MAX: usize = 60;

/// Problems of the names of a scenario.
pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    scenario(&document.name, problems);
    let mut arms = BTreeSet::new();
    let own = document.arms.iter().map(|arm| (&arm.name, &arm.services));
    let planted = document.planted.iter().map(|fault| (&fault.name, &fault.services));
    for (name, services) in own.chain(planted) {
        identifier(name, problems);
        if !arms.insert(name.as_str()) {
            problems.push(Problem::at(name.span(), format!("there are two arms `{name}`")));
        }
        reserved(name, &BESIDE_ARMS, problems);
        twice(
            services.iter().map(|service| &service.name),
            "changes of the service",
            problems,
        );
    }
    alike(document, problems);
    let params = document.params.keys().chain(document.choices.keys());
    for name in params.filter(|name| !is_identifier(name)) {
        problems.push(Problem::whole(format!("the parameter `{name}` cannot be used in expressions")).hint(NAME));
    }
    twice(
        document.simulations.iter().map(|simulation| &simulation.name),
        "simulations",
        problems,
    );
    for simulation in &document.simulations {
        identifier(&simulation.name, problems);
    }
    in_arms(document, problems);
    let steps = document
        .loads
        .iter()
        .flat_map(|load| &load.steps)
        .map(|step| &step.name);
    for window in document.windows.iter().map(|window| &window.name).chain(steps) {
        identifier(window, problems);
        reserved(window, &OF_CLASSES, problems);
    }
}

/// Two arms or more are alike, and each of them is named once.
fn alike(document: &Document, problems: &mut Vec<Problem>) {
    for group in &document.alike {
        if group.len() < 2 {
            let problem = group.first().map_or_else(
                || Problem::whole("alike: a group is empty"),
                |arm| Problem::at(arm.span(), format!("`{arm}` alone is alike to nothing")),
            );
            problems.push(problem.hint("name two arms or more: alike = [[\"one\", \"other\"]]"));
        }
        twice(group.iter(), "arms in a group that is alike:", problems);
    }
}

/// What stands below an arm in expressions: a name means one thing there.
fn in_arms(document: &Document, problems: &mut Vec<Problem>) {
    let classes = document.loads.iter().map(|load| (&load.class, "a class of requests"));
    let searches = document.searches.iter().map(|search| (&search.class, "a search"));
    let acting = document
        .clients
        .iter()
        .map(|clients| (&clients.class, "a class of clients"));
    let laws = document.invariants.iter().map(|law| (&law.name, "a law"));
    let probes = document.probes.iter().map(|probe| (&probe.name, "a probe"));
    once_an_arm(
        document.probes.iter().map(|probe| (&probe.name, probe.arms.as_slice())),
        "probes",
        problems,
    );
    once_an_arm(
        document.invariants.iter().map(|law| (&law.name, law.arms.as_slice())),
        "laws",
        problems,
    );
    once_an_arm(
        document
            .searches
            .iter()
            .map(|search| (&search.class, search.arms.as_slice())),
        "searches",
        problems,
    );
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, what) in classes.chain(searches).chain(acting).chain(laws).chain(probes) {
        identifier(name, problems);
        reserved(name, &OF_ARMS, problems);
        let first = *known.entry(name.as_str()).or_insert(what);
        if first != what {
            problems.push(
                Problem::at(name.span(), format!("`{name}` is {first} and {what}"))
                    .hint("give one of them another name: in expressions one would hide the other"),
            );
        }
    }
}

/// The scenario's name becomes part of the names of folders.
fn scenario(name: &Place, problems: &mut Vec<Problem>) {
    let text = name.as_str();
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if text.is_empty() || text.len() > CHARS_MAX || !text.chars().all(is_plain) {
        problems.push(
            Problem::at(name.span(), format!("{text:?} cannot name a scenario"))
                .hint(format!("use 1 to {CHARS_MAX} of a-z, 0-9 and `-`")),
        );
    }
}

fn reserved(name: &Place, meant: &[&str], problems: &mut Vec<Problem>) {
    if meant.contains(&name.as_str()) {
        problems.push(Problem::at(name.span(), format!("`{name}` has a meaning of its own")));
    }
}

fn twice<'a>(names: impl Iterator<Item = &'a Place>, what: &str, problems: &mut Vec<Problem>) {
    let mut known = BTreeSet::new();
    for name in names.filter(|name| !known.insert(name.as_str())) {
        problems.push(Problem::at(name.span(), format!("there are two {what} `{name}`")));
    }
}

/// Of two with one name in one arm the second would hide the first. No arms are all arms.
fn once_an_arm<'a>(named: impl Iterator<Item = (&'a Place, &'a [Place])>, what: &str, problems: &mut Vec<Problem>) {
    let mut known: Vec<(&str, &[Place])> = Vec::new();
    for (name, arms) in named {
        let meets = |others: &[Place]| {
            let shared = |arm: &Place| others.iter().any(|other| other.as_str() == arm.as_str());
            arms.is_empty() || others.is_empty() || arms.iter().any(shared)
        };
        if known
            .iter()
            .any(|(other, others)| *other == name.as_str() && meets(others))
        {
            problems.push(
                Problem::at(name.span(), format!("there are two {what} `{name}` in one arm"))
                    .hint("give one of them another name: the second would hide the first"),
            );
        }
        known.push((name.as_str(), arms));
    }
}

const NAME: &str = "a name starts with a lower-case letter, followed by lower-case letters, digits and underscores";

/// Names are used in expressions, so they are identifiers there.
fn identifier(name: &Place, problems: &mut Vec<Problem>) {
    if !is_identifier(name.as_str()) {
        problems.push(Problem::at(name.span(), format!("`{name}` cannot be used in expressions")).hint(NAME));
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() <= CHARS_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}
