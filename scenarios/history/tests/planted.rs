//! Histories of 10,000 operations on one key: planted violations are found, valid histories hold.

mod support;

use history::invariants::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, Register, linearizable};
use history::{History, InvariantVerdict, Judgement};
use support::{Object, Workload, linearizable_history, plant_violation};

const OPERATIONS: usize = 10_000;
const OBJECTS: [Object; 4] = [
    Object::UniqueRegister,
    Object::CasRegister,
    Object::Counter,
    Object::Stock,
];

fn workload(object: Object, clients: usize, seed: u64) -> Workload {
    Workload {
        object,
        operations: OPERATIONS,
        clients,
        unknown_per_mille: 0,
        seed,
    }
}

fn judge(object: Object, history: &History) -> Judgement {
    let stock = OPERATIONS as i64 / 2;
    match object {
        Object::UniqueRegister | Object::CasRegister => {
            linearizable(history, &Register { initial: Some(0) }, CONFIGURATIONS_MAX)
        }
        Object::Counter => linearizable(history, &Counter { initial: 0 }, CONFIGURATIONS_MAX),
        Object::Stock => linearizable(history, &BoundedStock { initial: stock }, CONFIGURATIONS_MAX),
    }
}

#[test]
fn valid_histories_hold() {
    for object in OBJECTS {
        for clients in [1, 10, 30] {
            let operations = linearizable_history(workload(object, clients, 7));
            let judgement = judge(object, &support::history(&operations));
            assert_eq!(
                judgement.verdict,
                InvariantVerdict::Holds,
                "{object:?}, {clients} clients: {judgement:?}"
            );
            assert_eq!(judgement.checked, OPERATIONS as u64);
        }
    }
}

#[test]
fn a_planted_violation_is_found_wherever_it_is() {
    for object in OBJECTS {
        for (seed, clients) in [(1, 10), (2, 20), (3, 30)] {
            let valid = linearizable_history(workload(object, clients, seed));
            for near in [300, 5_000, 9_800] {
                let mut operations = valid.clone();
                plant_violation(object, &mut operations, near);
                let judgement = judge(object, &support::history(&operations));
                let case = format!("{object:?}, {clients} clients, planted near {near}");
                assert_eq!(judgement.verdict, InvariantVerdict::Violated, "{case}");
                assert_eq!(judgement.found, 1, "{case}");
                // The proof stands by itself: a fresh history of its operations alone is violated too.
                let proof = &judgement.violations[0].operations;
                assert!(proof.len() <= 6, "{case}: {:?}", judgement.violations[0]);
                let alone = support::history(&operations).only(|operation| proof.contains(&operation.id));
                assert_eq!(judge(object, &alone).verdict, InvariantVerdict::Violated, "{case}");
            }
        }
    }
}

#[test]
fn unknown_operations_excuse_nothing_that_they_cannot_explain() {
    for object in OBJECTS {
        let unknown = Workload {
            unknown_per_mille: 2,
            ..workload(object, 10, 11)
        };
        let mut operations = linearizable_history(unknown);
        let judgement = judge(object, &support::history(&operations));
        assert!(judgement.unknown > 0);
        assert_eq!(judgement.verdict, InvariantVerdict::Holds, "{object:?}: {judgement:?}");
        plant_violation(object, &mut operations, 5_000);
        let judgement = judge(object, &support::history(&operations));
        assert_eq!(judgement.verdict, InvariantVerdict::Violated, "{object:?}");
    }
}

#[test]
fn of_many_keys_each_broken_one_is_found() {
    let mut all = Vec::new();
    for (index, key) in (0_u64..).zip(["a", "b", "c", "d", "e"]) {
        let mut operations = linearizable_history(workload(Object::UniqueRegister, 15, index));
        if index % 2 == 1 {
            plant_violation(Object::UniqueRegister, &mut operations, 4_000);
        }
        for operation in &mut operations {
            operation.id += index * OPERATIONS as u64;
            key.clone_into(&mut operation.key);
        }
        all.extend(operations);
    }
    let judgement = judge(Object::UniqueRegister, &History::new(all));
    let keys: Vec<&str> = judgement
        .violations
        .iter()
        .map(|violation| violation.key.as_str())
        .collect();
    assert_eq!((keys, judgement.checked), (vec!["b", "d"], 5 * OPERATIONS as u64));
}

#[test]
fn too_small_a_bound_leaves_it_undecided() {
    let operations = linearizable_history(workload(Object::UniqueRegister, 10, 1));
    let judgement = linearizable(&support::history(&operations), &Register { initial: Some(0) }, 10);
    let InvariantVerdict::Undecided(reason) = judgement.verdict else {
        panic!("{:?}", judgement.verdict)
    };
    assert!(reason.contains("10 configurations were not enough"), "{reason}");
}
