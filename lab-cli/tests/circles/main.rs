//! Within each crate, files take names from one another in one direction only.

mod arrows;
mod graph;
mod invented;
mod modules;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrows::{Arrows, arrows};
use cargo_metadata::MetadataCommand;
use graph::circles;
use modules::Crate;

/// The house's folder.
fn house() -> PathBuf {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    house.canonicalize().expect("the house is there")
}

/// The arrows within each crate of the house, their files from the house's folder on.
fn all_arrows() -> Arrows {
    let house = house();
    let metadata = MetadataCommand::new()
        .manifest_path(house.join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata works");
    let targets = metadata.packages.iter().flat_map(|package| &package.targets);
    let roots = targets.filter(|target| target.is_lib() || target.is_bin());
    let from_house = |file: PathBuf| file.strip_prefix(&house).expect("it is in the house").to_owned();
    roots
        .flat_map(|root| arrows(&Crate::read(root.src_path.as_std_path())))
        .map(|((from, to), names)| ((from_house(from), from_house(to)), names))
        .collect()
}

/// A circle in words: each of its arrows with the names that tie it.
fn words(circle: &[PathBuf], arrows: &Arrows) -> String {
    let next = circle.iter().cycle().skip(1);
    circle
        .iter()
        .zip(next)
        .map(|(from, to)| {
            let names: Vec<&str> = arrows[&(from.clone(), to.clone())].iter().map(String::as_str).collect();
            format!(
                "  {} takes from {}: {}\n",
                from.display(),
                to.display(),
                names.join(", ")
            )
        })
        .collect()
}

#[test]
fn no_file_needs_what_needs_it() {
    let arrows = all_arrows();
    let circles = circles(&arrows);
    let told: Vec<String> = circles.iter().map(|circle| words(circle, &arrows)).collect();
    assert!(
        circles.is_empty(),
        "these files need one another; move what ties them into a file below both:\n\n{}",
        told.join("\n")
    );
}

/// Floors of the program, from the bottom; every file that is in none of these folders is below them.
const FLOORS: [&str; 3] = ["lab-cli/src/tui", "lab-cli/src/commands", "lab-cli/src/main.rs"];

#[test]
fn the_dashboard_takes_nothing_from_a_command_and_neither_is_known_below() {
    let floor = |file: &Path| {
        FLOORS
            .iter()
            .position(|floor| file.starts_with(floor))
            .map_or(0, |at| at + 1)
    };
    for ((from, to), names) in all_arrows().iter().filter(|((from, _), _)| from.starts_with("lab-cli")) {
        assert!(
            floor(to) <= floor(from),
            "{} takes {names:?} from {}, which is above it",
            from.display(),
            to.display()
        );
    }
}

#[test]
fn every_source_file_is_read() {
    let mut read: BTreeSet<PathBuf> = BTreeSet::new();
    for (from, to) in all_arrows().into_keys() {
        read.extend([from, to]);
    }
    // Nearly all files take or give something; a reader that lost a folder would find far fewer.
    assert!(read.len() > 400, "{} files have arrows", read.len());
}
