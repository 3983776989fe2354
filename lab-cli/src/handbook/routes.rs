//! The routes of services, as the contract declares them, and the test that the services have just those.

use std::collections::{BTreeMap, BTreeSet};

use contract::Program;
use contract::routes::{OF_EVERY_SERVICE, ROUTES, Route};

use super::{Page, files_below, house, marked, table};

/// The page, from its text with other parts made already.
pub fn page((file, text): Page) -> Page {
    let made = table(["Service", "Route", "What it does"], ROUTES.iter().map(row));
    let text = marked(&text, "routes", &format!("\n{made}\n"));
    (file, text)
}

fn row(route: &Route) -> [String; 3] {
    let methods: Vec<String> = route.methods.iter().map(|method| format!("`{method}`")).collect();
    let only = match route.only {
        "" => String::new(),
        only => format!(" ({only})"),
    };
    [
        route.of.as_str().to_owned(),
        format!("{} `{}`{only}", methods.join(", "), route.path),
        route.does.to_owned(),
    ]
}

/// Paths with their methods.
type Paths = BTreeMap<String, BTreeSet<&'static str>>;

/// The routes that the source of a program declares.
fn in_source_of(folder: &str) -> Paths {
    let files = files_below(&house().join(folder).join("src"), "rs");
    let sources = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    // Tests have routes of their own.
    let of = |source: String| declared(source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
    sources.flat_map(of).collect()
}

/// Each `.route("/path", get(…).post(…))` of a source, and each `.metrics_at("/path")`.
fn declared(code: &str) -> Paths {
    const METHODS: [(&str, &str); 4] = [
        ("delete(", "DELETE"),
        ("get(", "GET"),
        ("post(", "POST"),
        ("put(", "PUT"),
    ];
    let routes = code.split(".route(").skip(1).filter_map(|rest| {
        let (path, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        let handlers = up_to_its_end(rest);
        let starts = |at: usize| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let has = |call: &str| handlers.match_indices(call).any(|(at, _)| starts(at));
        let methods = METHODS.into_iter().filter(|(call, _)| has(call));
        Some((path.to_owned(), methods.map(|(_, method)| method).collect()))
    });
    let metrics = code.split(".metrics_at(\"").skip(1);
    let metrics = metrics.filter_map(|rest| Some((rest.split_once('"')?.0.to_owned(), BTreeSet::from(["GET"]))));
    routes.chain(metrics).collect()
}

/// The rest of a call's arguments, up to the bracket that closes it.
fn up_to_its_end(rest: &str) -> &str {
    let mut depth = 0_i32;
    let end = rest.char_indices().find(|(_, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth < 0
    });
    &rest[..end.map_or(rest.len(), |(at, _)| at)]
}

#[test]
fn a_route_is_found_in_its_source() {
    let code = r#"Router::new().route("/a/{id}", get(show).put(forget)).route(
            "/b",
            post(move || add()),
        ).metrics_at("/c").layer(x)"#;
    let expected = [
        ("/a/{id}", vec!["GET", "PUT"]),
        ("/b", vec!["POST"]),
        ("/c", vec!["GET"]),
    ];
    let expected: Paths = expected
        .map(|(path, of)| (path.to_owned(), of.into_iter().collect()))
        .into();
    assert_eq!(declared(code), expected);
}

#[test]
fn services_have_the_routes_that_the_contract_declares() {
    use Program::{Analytics, Inventory, Link, Orders, Payments};
    let shared: BTreeSet<String> = in_source_of("services/shared/chassis").into_keys().collect();
    for path in OF_EVERY_SERVICE {
        assert!(shared.contains(path), "no service answers {path}");
    }
    let services = Program::ALL.into_iter().filter(|program| program.is_service());
    for program in services.chain([Link]) {
        let mut found = in_source_of(&format!("services/{program}"));
        if [Orders, Payments, Inventory, Analytics].contains(&program) {
            // What is still to do is told by all of them in one way.
            found.extend(in_source_of("services/shared/messaging"));
        }
        let of_program = ROUTES.iter().filter(|route| route.of == program);
        let declared = of_program.map(|route| (route.path.to_owned(), route.methods.iter().copied().collect()));
        assert_eq!(
            found,
            declared.collect::<Paths>(),
            "the routes of {program}: services, then contract"
        );
    }
}
