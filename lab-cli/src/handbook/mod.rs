//! The parts of the handbook that are made from the code, and the test that they are as the code makes them.
//!
//! A test has everything at hand that they are made from (the command line, the catalogue, the contract, the schema,
//! registries), and no program has to carry their making. [`COMMAND`] writes them, and the schema of scenarios itself.

mod command_line;
mod environment;
mod glossary;
mod lessons;
mod links;
mod registered;
mod routes;
mod scenario_keys;

use std::fs;
use std::path::{Path, PathBuf};

/// Makes all parts anew.
const COMMAND: &str = "LAB_DOCS=write cargo test --bin lab handbook";

/// A file, named from the folder of the house on, and its text as it should be.
type Page = (String, String);

/// The house's folder.
fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file of the house.
fn text_of(file: &str) -> String {
    fs::read_to_string(house().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of a folder and of those in it whose names end so.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a folder can be read").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path, extension),
            false if path.extension().is_some_and(|found| found == extension) => vec![path],
            false => Vec::new(),
        })
        .collect()
}

/// A text with something else between two marks, which stay.
fn between(text: &str, from: &str, to: &str, made: &str) -> String {
    let cut = || {
        let (before, rest) = text.split_once(from)?;
        let (old, after) = rest.split_once(to)?;
        Some((before, old, after))
    };
    let (before, _, after) = cut().unwrap_or_else(|| panic!("the marks {from:?} and {to:?} are not there"));
    format!("{before}{from}{made}{to}{after}")
}

/// A text with something else between the marks of a part that is made.
fn marked(text: &str, part: &str, made: &str) -> String {
    between(text, &start_of(part), END, &format!("\n{made}"))
}

/// The mark at the start of a part that is made.
fn start_of(part: &str) -> String {
    format!("<!-- made from the code: {part} -->")
}

/// The mark at the end of every such part.
const END: &str = "<!-- to here -->";

/// A table in Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let row = |cells: [String; N]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        format!("| {} |\n", cells.join(" | "))
    };
    let line = format!("|{}\n", "---|".repeat(N));
    let rows: String = rows.into_iter().map(row).collect();
    row(head.map(str::to_owned)) + &line + &rows
}

#[test]
fn what_is_derived_is_as_the_code_makes_it() {
    let mut pages = lessons::pages();
    pages.extend([
        command_line::page(),
        routes::page(environment::page()),
        scenario_keys::page(),
        scenario_keys::schema(),
    ]);
    registered::put_on(&mut pages);
    let writes = std::env::var_os("LAB_DOCS").is_some_and(|wish| wish == "write");
    let mut stale = Vec::new();
    for (file, text) in pages {
        let path = house().join(&file);
        if fs::read_to_string(&path).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if writes {
            fs::write(&path, text).unwrap_or_else(|error| panic!("{file}: {error}"));
        } else {
            stale.push(file);
        }
    }
    assert!(
        stale.is_empty(),
        "not as the code makes them: {}; make them anew:\n\n  {COMMAND}\n",
        stale.join(", ")
    );
}

#[test]
fn a_part_is_replaced_between_its_marks_and_a_cell_stays_one() {
    let text = "before\n<!-- made from the code: x -->\nold\n<!-- to here -->\nafter\n";
    let made = table(["a", "b"], [["1|2".to_owned(), "x\ny".to_owned()]]);
    assert_eq!(made, "| a | b |\n|---|---|\n| 1\\|2 | x y |\n");
    assert_eq!(
        marked(text, "x", &made),
        format!("before\n<!-- made from the code: x -->\n{made}<!-- to here -->\nafter\n")
    );
}
