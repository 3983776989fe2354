//! Tables of what is registered somewhere: invariants, what backends declare, policies of load balancing and of resilience,
//! signs of actions, arguments of commands that have a page of their own.

use std::collections::BTreeMap;

use compose::servers::{self, Balancing};
use compose::{BackendRegistry, Capability};
use history::ActionKind;
use history::invariants::{Invariant, REGISTRY as INVARIANTS};

use super::command_line::arguments_of;
use super::{END, Page, marked, start_of, table, text_of};

const SCENARIOS: &str = "docs/src/how-to/write-a-scenario.md";
const DOCKER: &str = "docs/src/how-to/docker.md";
const BALANCING: &str = "docs/src/phases/load-balancing.md";
const SIMULATE: &str = "docs/src/how-to/simulate.md";
const TERMINAL: &str = "docs/src/how-to/terminal.md";
const SERVICES: &str = "docs/src/reference/services.md";

/// Puts the tables on their pages, of which some have other parts that are made.
pub fn put_on(pages: &mut Vec<Page>) {
    put(pages, SCENARIOS, "laws", &laws());
    // What a backend can do depends on the system that it runs on; the page says what it is on Linux.
    if cfg!(target_os = "linux") {
        put(pages, DOCKER, "capabilities of backends", &capabilities());
    }
    put(pages, BALANCING, "policies", &policies(&text_of(BALANCING)));
    put(pages, SIMULATE, "arguments of sim", &arguments_of("sim"));
    put(pages, TERMINAL, "signs of actions", &signs());
    put(pages, TERMINAL, "arguments of watch", &arguments_of("watch"));
    for server in servers::ALL {
        if let Some(balancing) = server.balances() {
            let part = format!("policies that {} lacks", server.name());
            put(pages, SERVICES, &part, &lacked_by(balancing));
        }
    }
    put(pages, SERVICES, "rate limits", &kinds(reliability::rate::REGISTRY));
    put(
        pages,
        SERVICES,
        "limits of concurrency",
        &kinds(reliability::limit::REGISTRY),
    );
    put(
        pages,
        SERVICES,
        "queue disciplines",
        &kinds(reliability::queue::REGISTRY),
    );
}

fn put(pages: &mut Vec<Page>, file: &str, part: &str, made: &str) {
    let at = pages.iter().position(|(known, _)| known == file).unwrap_or_else(|| {
        pages.push((file.to_owned(), text_of(file)));
        pages.len() - 1
    });
    let text = &mut pages[at].1;
    *text = marked(text, part, &format!("\n{made}\n"));
}

fn laws() -> String {
    let row = |law: &&dyn Invariant| {
        [
            format!("`{}`", law.name()),
            law.demand().to_owned(),
            law.takes().to_owned(),
        ]
    };
    table(["`law`", "What must hold", "Takes"], INVARIANTS.iter().map(row))
}

/// Four signs a row, as a legend has them.
fn signs() -> String {
    let cell = |kind: &ActionKind| format!("{} (`{}`) {}", kind.sign(false), kind.sign(true), kind.name());
    let rows = ActionKind::ALL.chunks(4).map(|kinds| {
        let mut cells = kinds.iter().map(cell);
        std::array::from_fn::<String, 4, _>(|_| cells.next().unwrap_or_default())
    });
    table([""; 4], rows)
}

fn capabilities() -> String {
    let registry = BackendRegistry::of_current_program().expect("a program knows itself");
    let backends = registry
        .all()
        .expect("backends are made without being asked for anything");
    let row = |first: String, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let names = backends.iter().map(|backend| format!("`{}`", backend.name()));
    let mut made = row("Capability".to_owned(), names.collect());
    made += &format!("|---|{}\n", "---|".repeat(backends.len()));
    for capability in Capability::ALL {
        let marks = backends
            .iter()
            .map(|backend| match backend.capabilities().contains(&capability) {
                true => "✓".to_owned(),
                false => "–".to_owned(),
            });
        made += &row(format!("`{capability}`"), marks.collect());
    }
    made
}

/// The policies with what they do. What a pick costs is measured by hand and stays as the page has it.
fn policies(page: &str) -> String {
    let part = page.split_once(&start_of("policies")).map_or("", |(_, rest)| rest);
    let part = part.split_once(END).map_or("", |(part, _)| part);
    let rows = balance::REGISTRY.iter().map(|policy| {
        let name = format!("`{}`", policy.name());
        let known = part.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let cost = known.and_then(|row| row.trim_end_matches(" |").rsplit(" | ").next());
        [
            name,
            policy.summary().to_owned(),
            cost.unwrap_or("not measured").to_owned(),
        ]
    });
    table(["Policy", "What it picks", "A pick"], rows)
}

/// The policies of a registry with what they do.
fn kinds<B>(registry: &[reliability::Kind<B>]) -> String {
    let row = |kind: &reliability::Kind<B>| [format!("`{}`", kind.name()), kind.summary().to_owned()];
    table(["Name", "What it does"], registry.iter().map(row))
}

fn lacked_by(server: &dyn Balancing) -> String {
    let rows = balance::REGISTRY.iter().filter_map(|policy| {
        let reason = server.lacking(policy.name(), &BTreeMap::new())?;
        Some([format!("`{}`", policy.name()), reason])
    });
    table(["Left out", "Why"], rows)
}

#[test]
fn the_cost_of_a_pick_stays_and_a_new_policy_has_none() {
    let mark = start_of("policies");
    let page = format!("{mark}\n\n| `random` | something | 3 ns |\n\n{END}\n");
    let made = policies(&page);
    let row = |name: &str| {
        made.lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")))
            .unwrap()
    };
    assert!(row("random").ends_with(" | 3 ns |"), "{made}");
    assert!(row("maglev").ends_with(" | not measured |"), "{made}");
}
