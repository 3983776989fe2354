//! How long it takes to judge 10,000 operations on one key: `cargo bench -p history`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use history::invariants::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, Register, linearizable};
use history::{History, InvariantVerdict, Judgement};
use support::{Object, Workload, linearizable_history, plant_violation};

const OPERATIONS: usize = 10_000;
const ROUNDS: usize = 5;

fn judge(object: Object, history: &History) -> Judgement {
    match object {
        Object::UniqueRegister | Object::CasRegister => {
            linearizable(history, &Register { initial: Some(0) }, CONFIGURATIONS_MAX)
        }
        Object::Counter => linearizable(history, &Counter { initial: 0 }, CONFIGURATIONS_MAX),
        Object::Stock => linearizable(
            history,
            &BoundedStock {
                initial: OPERATIONS as i64 / 2,
            },
            CONFIGURATIONS_MAX,
        ),
    }
}

fn main() {
    println!("{OPERATIONS} operations on one key, median of {ROUNDS} rounds");
    println!(
        "{:<15} {:>7} {:>8} {:>10} {:>12}",
        "object", "clients", "unknown", "history", "ms"
    );
    for object in [
        Object::UniqueRegister,
        Object::CasRegister,
        Object::Counter,
        Object::Stock,
    ] {
        for (clients, unknown_per_mille) in [(10, 0), (30, 0), (10, 2)] {
            let workload = Workload {
                object,
                operations: OPERATIONS,
                clients,
                unknown_per_mille,
                seed: 5,
            };
            let mut operations = linearizable_history(workload);
            for planted in [false, true] {
                if planted {
                    plant_violation(object, &mut operations, OPERATIONS - 200);
                }
                let history = support::history(&operations);
                let mut times_ms: Vec<f64> = (0..ROUNDS)
                    .map(|_| {
                        let started = Instant::now();
                        let judgement = judge(object, &history);
                        let expected = if planted {
                            InvariantVerdict::Violated
                        } else {
                            InvariantVerdict::Holds
                        };
                        assert_eq!(judgement.verdict, expected, "{object:?}, {clients} clients");
                        started.elapsed().as_secs_f64() * 1e3
                    })
                    .collect();
                times_ms.sort_by(f64::total_cmp);
                let (name, kind) = (format!("{object:?}"), if planted { "violated" } else { "valid" });
                println!(
                    "{name:<15} {clients:>7} {unknown_per_mille:>6} ‰ {kind:>10} {:>12.1}",
                    times_ms[ROUNDS / 2]
                );
            }
        }
    }
}
