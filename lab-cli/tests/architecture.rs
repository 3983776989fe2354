//! The layers of the house: arrows between crates only point down.

use std::collections::BTreeMap;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates without an async runtime, so that the simulator runs the very code of the balancer.
const PURE: [&str; 3] = ["hash", "contract", "balance"];

/// The floors of the house, from the bottom; a crate may use those of the same folder and of lower ones.
const FLOORS: [&str; 5] = [SHARED, "services", "compose", "scenarios", "lab-cli"];
/// The floor of what services share: it knows no service.
const SHARED: &str = "services/shared";

/// Height of a floor.
fn height(folder: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| *floor == folder)
        .unwrap_or_else(|| panic!("{folder} is not a folder of the house: {FLOORS:?}"))
}

struct House {
    /// Crate → (floor, crates of this workspace that it uses, all names that it uses).
    crates: BTreeMap<String, (String, Vec<String>, Vec<String>)>,
}

fn house() -> House {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata works");
    let names: Vec<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let crates = metadata
        .packages
        .iter()
        .map(|package| {
            let path = package
                .manifest_path
                .strip_prefix(&metadata.workspace_root)
                .expect("it is a member");
            let folder = FLOORS
                .iter()
                .find(|floor| path.starts_with(floor))
                .unwrap_or_else(|| panic!("{path} is in no folder of the house: {FLOORS:?}"))
                .to_string();
            let used: Vec<String> = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            let inside = used.iter().filter(|name| names.contains(name)).cloned().collect();
            (package.name.to_string(), (folder, inside, used))
        })
        .collect();
    House { crates }
}

#[test]
fn arrows_only_point_down() {
    let house = house();
    for (name, (folder, inside, _)) in &house.crates {
        for used in inside {
            let (below, _, _) = &house.crates[used];
            assert!(
                height(below) <= height(folder),
                "{name} ({folder}) uses {used} ({below}), which lies above it"
            );
        }
    }
}

#[test]
fn services_use_shared_crates_only_and_never_one_another() {
    let house = house();
    for (name, (_, inside, _)) in house.crates.iter().filter(|(_, (folder, _, _))| folder == "services") {
        for used in inside {
            assert_eq!(house.crates[used].0, SHARED, "{name} uses the service {used}");
        }
    }
}

#[test]
fn only_the_binary_carries_the_services() {
    let house = house();
    for (name, (folder, inside, _)) in &house.crates {
        if folder == "compose" || folder == "scenarios" {
            for used in inside
                .iter()
                .filter(|used| house.crates[*used].0.starts_with("services"))
            {
                assert!(
                    PURE.contains(&used.as_str()),
                    "{name} uses {used}: it may know wire types and policies only"
                );
            }
        }
    }
}

#[test]
fn policies_and_wire_types_have_no_runtime() {
    let house = house();
    for name in PURE {
        let (_, _, used) = &house.crates[name];
        for runtime in ["tokio", "hyper", "axum", "reqwest", "futures-util"] {
            assert!(!used.iter().any(|used| used == runtime), "{name} uses {runtime}");
        }
    }
}

#[test]
fn there_is_one_program() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata works");
    let programs: Vec<String> = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_bin())
        .map(|target| target.name.clone())
        .collect();
    assert_eq!(programs, ["lab"], "`cargo run -- run scaling` must know what to run");
}
