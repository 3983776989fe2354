//! Every invariant of the registry with a history that it holds for and one that breaks it: `invariants/NAME.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use history::invariants::{Held, Known, Numbers, REGISTRY};
use history::{InvariantVerdict, Operation};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    #[serde(default)]
    numbers: Numbers,
    holds: Example,
    violated: Example,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    #[serde(default)]
    quiescent: Option<BTreeMap<String, f64>>,
    operations: Vec<Operation>,
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invariants")
}

fn examples(name: &str) -> Examples {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| {
        panic!("{name} has no examples: write a history that it holds for and one that breaks it to {path:?}")
    });
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[test]
fn every_invariant_holds_for_a_good_history_and_not_for_a_bad_one() {
    for invariant in REGISTRY {
        let name = invariant.name();
        let Examples {
            numbers,
            holds,
            violated,
        } = examples(name);
        let known: BTreeSet<&str> = invariant.parameters().iter().map(|parameter| parameter.name).collect();
        let told: BTreeSet<&str> = numbers.keys().map(String::as_str).collect();
        assert_eq!(told, known, "{name}: its examples say its numbers");
        let hold = |example: &Example| {
            let known = Known {
                numbers: &numbers,
                quiescent: example.quiescent.as_ref(),
            };
            invariant.hold(example.operations.clone(), &known)
        };
        let good = hold(&holds);
        assert_eq!(
            good.judgement.verdict,
            InvariantVerdict::Holds,
            "{name}: {:?}",
            good.judgement
        );
        assert_eq!(good.judgement.most.is_some(), invariant.tells_most(), "{name}");
        assert!(good.judgement.checked > 1, "{name}: a history that shows something");
        let Held { history, judgement } = hold(&violated);
        assert_eq!(judgement.verdict, InvariantVerdict::Violated, "{name}: {judgement:?}");
        let proof = &judgement.violations[0];
        assert!(
            !proof.operations.is_empty() && proof.message.ends_with('.'),
            "{name}: {proof:?}"
        );
        let drawn = invariant.draw(&history, proof, "thing");
        assert!(drawn.lanes.len() > 1 && !drawn.events.is_empty(), "{name}: {drawn:?}");
        assert_eq!(drawn.caption, proof.message);
    }
}

#[test]
fn what_needs_a_reading_decides_nothing_without_one() {
    for invariant in REGISTRY.iter().filter(|invariant| invariant.needs_quiescent()) {
        let Examples { numbers, violated, .. } = examples(invariant.name());
        let known = Known {
            numbers: &numbers,
            quiescent: None,
        };
        let open = invariant.hold(violated.operations.clone(), &known).judgement;
        assert!(
            matches!(open.verdict, InvariantVerdict::Undecided(_)),
            "{}",
            invariant.name()
        );
        assert_eq!(open.checked, violated.operations.len() as u64);
    }
}

#[test]
fn no_example_is_of_an_invariant_that_there_is_not() {
    let known: BTreeSet<String> = REGISTRY
        .iter()
        .map(|invariant| format!("{}.json", invariant.name()))
        .collect();
    let files = std::fs::read_dir(folder()).expect("the folder is part of the source");
    let files: BTreeSet<String> = files
        .map(|file| {
            file.expect("it can be listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(files, known);
}
