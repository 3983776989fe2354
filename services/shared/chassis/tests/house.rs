//! What the code of services must not do by itself, since one place does it rightly for all of them.

use std::fs;
use std::path::{Path, PathBuf};

type Words = &'static [&'static str];

/// A way around, the only files that may take it, and what to use instead.
const RULES: [(Words, Words, &str); 4] = [
    (
        &[
            "serde_json::from_slice",
            "serde_json::from_str",
            "serde_json::from_value",
            "serde_json::from_reader",
        ],
        &["shared/contract/src/json.rs"],
        "contract::json, which takes no list for an object",
    ),
    (
        &[
            "axum::Json",
            "extract::Json",
            "axum::extract::Path",
            "axum::extract::Query",
            "axum::Form",
            "extract::Form",
        ],
        &["shared/chassis/src/extract.rs"],
        "the extractors of chassis, which refuse with a problem document",
    ),
    (
        &[".fetch_one(", ".fetch_optional(", ".fetch("],
        &["shared/store/src/fetch.rs"],
        "store::Fetch, which runs a statement to its end",
    ),
    (
        &["TcpListener::bind(", "TcpSocket::new"],
        &["shared/chassis/src/listener.rs"],
        "chassis::bind, which lets enough connections wait",
    ),
];

/// The folder of all services.
fn services() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All source files of services and of the crates that they share, without their tests and what helps them: path from the
/// folder of services, and text.
fn sources() -> Vec<(String, String)> {
    let services = services();
    let crates = entries(&services).into_iter().chain(entries(&services.join("shared")));
    let mut folders: Vec<PathBuf> = crates.map(|path| path.join("src")).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.strip_prefix(&services).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !is_for_tests(&name) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                sources.push((name, code.to_owned()));
            }
        }
    }
    sources
}

/// Whether a source file is there for tests: `tests.rs`, `testing.rs`, `x_tests.rs`, or in a folder named so.
fn is_for_tests(name: &str) -> bool {
    let (_, inside) = name.split_once("/src/").unwrap_or_default();
    inside.split('/').any(|part| part.starts_with("test")) || inside.ends_with("_tests.rs")
}

/// A search that misses a service would hold it to nothing.
#[test]
fn every_service_and_every_shared_crate_is_searched() {
    let sources = sources();
    let crates = entries(&services());
    let shared = entries(&services().join("shared"));
    let crates = crates
        .iter()
        .chain(&shared)
        .filter(|path| path.join("Cargo.toml").is_file());
    let mut count = 0;
    for path in crates {
        let folder = path.strip_prefix(services()).unwrap().join("src");
        let found = sources.iter().any(|(name, _)| Path::new(name).starts_with(&folder));
        assert!(found, "nothing of {} is searched", folder.display());
        count += 1;
    }
    assert!(count > 15, "only {count} crates were found");
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Whether a line says it in code, not in a comment.
fn says(line: &str, what: &str) -> bool {
    line.split("//").next().is_some_and(|code| code.contains(what))
}

#[test]
fn nothing_goes_around_what_one_place_does_for_all() {
    let sources = sources();
    let mut broken = Vec::new();
    for (ways, allowed, instead) in RULES {
        for file in allowed {
            let known = sources.iter().find(|(name, _)| name == file);
            let (_, code) = known.unwrap_or_else(|| panic!("{file} is gone"));
            assert!(!code.is_empty(), "{file} is empty");
        }
        for (name, code) in sources.iter().filter(|(name, _)| !allowed.contains(&name.as_str())) {
            for (number, line) in code.lines().enumerate() {
                for way in ways.iter().filter(|way| says(line, way)) {
                    broken.push(format!("{name}:{}: {way} (use {instead})", number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
