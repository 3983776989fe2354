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
        &["contract/src/json.rs"],
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
        &["chassis/src/extract.rs"],
        "the extractors of chassis, which refuse with a problem document",
    ),
    (
        &[".fetch_one(", ".fetch_optional(", ".fetch("],
        &["store/src/fetch.rs"],
        "store::Fetch, which runs a statement to its end",
    ),
    (
        &["TcpListener::bind(", "TcpSocket::new"],
        &["chassis/src/listener.rs"],
        "chassis::bind, which lets enough connections wait",
    ),
];

/// All source files of services, without their tests and what helps them: path from the folder of services, and text.
fn sources() -> Vec<(String, String)> {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = entries(&services).into_iter().map(|path| path.join("src")).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.strip_prefix(&services).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.contains("/test") && !name.ends_with("_tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                sources.push((name, code.to_owned()));
            }
        }
    }
    sources
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
    assert!(sources.len() > 100, "only {} files were found", sources.len());
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
