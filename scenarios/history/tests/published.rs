//! Histories whose verdicts others have published, and small ones whose verdicts can be seen.

mod support;

use std::collections::{HashMap, VecDeque};

use history::invariants::linearizable::{BoundedStock, CONFIGURATIONS_MAX, Counter, Model, Register, linearizable};
use history::{Completion, History, InvariantVerdict, Judgement, Operation};
use serde_json::{Value, json};

/// Reads lines such as `4 invoke write 2`, `4 ok`, `6 ok 3`, `1 fail`: who, what, and a value. Each line is later than
/// the one before; what never comes back is unknown. `swap` takes two values.
fn events(lines: &[&str]) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for (at_ns, line) in (0..).zip(lines) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |index: usize| words.get(index).and_then(|word| word.parse::<i64>().ok());
        if words[1] == "invoke" {
            let (class, input) = match words[2] {
                "swap" => ("cas", json!({ "from": value(3), "to": value(4) })),
                class => (class, json!(value(3))),
            };
            let mut operation = support::operation(at_ns, class, input, Value::Null, (at_ns, at_ns));
            (operation.completed_ns, operation.outcome) = (None, Completion::Unknown);
            operation.actor = format!("process-{}", words[0]);
            open.insert(words[0], operations.len());
            operations.push(operation);
        } else {
            let operation = &mut operations[open.remove(words[0]).expect("it was invoked")];
            operation.completed_ns = Some(at_ns);
            operation.outcome = if words[1] == "ok" {
                Completion::Ok
            } else {
                Completion::Fail
            };
            operation.output = json!(value(2));
        }
    }
    operations
}

fn judge<M: Model>(model: &M, lines: &[&str]) -> Judgement {
    linearizable(&History::new(events(lines)), model, CONFIGURATIONS_MAX)
}

fn holds<M: Model>(model: &M, lines: &[&str]) -> bool {
    match judge(model, lines).verdict {
        InvariantVerdict::Holds => true,
        InvariantVerdict::Violated => false,
        InvariantVerdict::Undecided(reason) => panic!("{reason}"),
    }
}

/// The lines whose operations are the proof.
fn proof<M: Model>(model: &M, lines: &[&str]) -> Vec<String> {
    let judgement = judge(model, lines);
    judgement.violations[0]
        .operations
        .iter()
        .map(|id| lines[*id as usize].to_owned())
        .collect()
}

const ZERO: Register = Register { initial: Some(0) };
const NOTHING: Register = Register { initial: None };

/// porcupine `porcupine_test.go`, `TestRegisterModel`; taken there from MIT 6.824 (2017), quiz 2, section VII.
#[test]
fn porcupine_register() {
    let during_the_writing = [
        "0 invoke write 100",
        "1 invoke read",
        "2 invoke read",
        "2 ok 0",
        "1 ok 100",
        "0 ok",
    ];
    assert!(holds(&ZERO, &during_the_writing));
    let back_again = [
        "0 invoke write 200",
        "1 invoke read",
        "1 ok 200",
        "2 invoke read",
        "2 ok 0",
        "0 ok",
    ];
    assert!(!holds(&ZERO, &back_again));
    assert_eq!(
        judge(&ZERO, &back_again).violations[0].operations.len(),
        3,
        "all three are needed"
    );
}

/// porcupine `porcupine_test.go`, `TestZeroDuration`: operations that begin and end in the same moment.
#[test]
fn porcupine_zero_duration() {
    let write = |value: i64| support::operation(0, "write", json!(value), Value::Null, (0, 100));
    let read = |id, value: i64, from, to| support::operation(id, "read", Value::Null, json!(value), (from, to));
    let verdict =
        |operations: Vec<Operation>| linearizable(&History::new(operations), &ZERO, CONFIGURATIONS_MAX).verdict;
    assert_eq!(
        verdict(vec![
            write(100),
            read(1, 100, 25, 75),
            read(2, 0, 30, 30),
            read(3, 0, 30, 30)
        ]),
        InvariantVerdict::Holds
    );
    assert_eq!(
        verdict(vec![
            write(200),
            read(1, 200, 10, 10),
            read(2, 200, 10, 10),
            read(3, 0, 40, 90)
        ]),
        InvariantVerdict::Violated
    );
}

/// knossos `data/cas-register/bad/bad-analysis.edn`: reading 2 and 3 while only a writing of 1 is under way.
#[test]
fn knossos_bad_analysis() {
    let lines = [
        "4 invoke write 2",
        "4 ok",
        "6 invoke read",
        "1 invoke write 4",
        "1 ok",
        "14 invoke read",
        "14 ok 4",
        "9 invoke write 0",
        "9 ok",
        "19 invoke read",
        "20 invoke write 1",
        "19 ok 0",
        "22 invoke read",
        "21 invoke read",
        "21 ok 2",
        "22 ok 3",
    ];
    for model in [ZERO, NOTHING] {
        assert!(!holds(&model, &lines));
    }
    // What returned first and fits nowhere is the reading of 2: 0 was written before it, and nobody wrote 2 since.
    assert_eq!(proof(&NOTHING, &lines), ["9 invoke write 0", "21 invoke read"]);
}

/// knossos `data/cas-register/good/cas-register-bug.edn`: the same without its last operations.
#[test]
fn knossos_cas_register_bug() {
    let lines = [
        "4 invoke write 2",
        "4 ok",
        "6 invoke read",
        "1 invoke write 4",
        "1 ok",
        "14 invoke read",
        "14 ok 4",
        "9 invoke write 0",
        "9 ok",
        "19 invoke read",
        "19 ok 0",
    ];
    assert!(holds(&ZERO, &lines));
}

/// knossos `data/cas-register/bad/immediate-failure.edn`: a writing that failed was read.
#[test]
fn knossos_immediate_failure() {
    assert!(!holds(
        &ZERO,
        &["1 invoke read", "101 invoke write 3", "101 fail", "1 ok 3"]
    ));
}

/// knossos `data/cas-register/bad/rethink-fail-minimal.edn`: the last reading is fine, and no part of the proof.
#[test]
fn knossos_rethink_fail_minimal() {
    let lines = [
        "0 invoke write 0",
        "0 ok",
        "1 invoke read",
        "2 invoke write 4",
        "1 ok 3",
        "2 ok",
        "3 invoke read",
        "3 ok 4",
    ];
    assert_eq!(proof(&NOTHING, &lines), ["1 invoke read"]);
}

/// knossos `test/knossos/linear_test.clj`: `crash-test`, `sequential-test`, `read-wrong-initial-value-test`.
#[test]
fn knossos_small_tests() {
    assert!(holds(&ZERO, &["0 invoke write 1"]));
    assert!(holds(&ZERO, &["0 invoke read", "0 ok 0"]));
    assert!(!holds(&ZERO, &["0 invoke read", "0 ok 1"]));
}

/// knossos `test/knossos/linear_test.clj`, `bad-analysis-test-2`, in the words of its comment: the value is 0, then
/// readings of 0 and a writing of 2 are concurrent, and after that 0 is read again.
#[test]
fn knossos_cas_failure_in_short() {
    let lines = [
        "73 invoke write 0",
        "73 ok",
        "77 invoke swap 1 1",
        "76 invoke write 2",
        "74 invoke read",
        "76 ok",
        "74 ok 0",
        "70 invoke read",
        "70 ok 0",
    ];
    assert!(!holds(&ZERO, &lines));
    assert!(holds(&ZERO, &lines[..7]));
}

/// A queue, to show that the search knows nothing of registers.
struct Queue;

#[derive(Clone, PartialEq, Eq, Hash)]
enum QueueCall {
    Enqueue(i64),
    Dequeue(i64),
}

impl Model for Queue {
    type State = VecDeque<i64>;
    type Call = QueueCall;

    fn initial(&self) -> VecDeque<i64> {
        VecDeque::new()
    }

    fn call(&self, operation: &Operation, answered: bool) -> Result<Option<QueueCall>, String> {
        let number = |value: &Value| value.as_i64().ok_or("not a number");
        Ok(match operation.class.as_str() {
            "enqueue" => Some(QueueCall::Enqueue(number(&operation.input)?)),
            _ if answered => Some(QueueCall::Dequeue(number(&operation.output)?)),
            _ => None,
        })
    }

    fn step(&self, state: &VecDeque<i64>, call: &QueueCall) -> Option<VecDeque<i64>> {
        let mut after = state.clone();
        match call {
            QueueCall::Enqueue(value) => after.push_back(*value),
            QueueCall::Dequeue(value) => return (after.pop_front()? == *value).then_some(after),
        }
        Some(after)
    }

    fn describe(&self, call: &QueueCall) -> String {
        match call {
            QueueCall::Enqueue(value) => format!("enqueue {value}"),
            QueueCall::Dequeue(value) => format!("dequeue → {value}"),
        }
    }
}

/// Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects" (1990), figure 1, as its text
/// tells the four queues (x is 1, y is 2, z is 3).
#[test]
fn herlihy_and_wing_queues() {
    // x and y are enqueued concurrently; x is dequeued before y; the enqueuing of z is not complete.
    assert!(holds(
        &Queue,
        &[
            "A invoke enqueue 1",
            "B invoke enqueue 2",
            "B ok",
            "A ok",
            "B invoke dequeue",
            "B ok 1",
            "A invoke dequeue",
            "A ok 2",
            "A invoke enqueue 3",
        ]
    ));
    // x was enqueued before y, yet y is dequeued first.
    assert!(!holds(
        &Queue,
        &[
            "A invoke enqueue 1",
            "A ok",
            "B invoke enqueue 2",
            "B ok",
            "A invoke dequeue",
            "A ok 2"
        ]
    ));
    // x is dequeued while its enqueuing is under way.
    assert!(holds(&Queue, &["A invoke enqueue 1", "B invoke dequeue", "B ok 1"]));
    // y is dequeued twice.
    assert!(!holds(
        &Queue,
        &[
            "A invoke enqueue 1",
            "B invoke enqueue 2",
            "A ok",
            "B ok",
            "A invoke dequeue",
            "C invoke dequeue",
            "A ok 2",
            "C ok 2",
        ]
    ));
}

#[test]
fn two_increments_that_answer_the_same_are_the_whole_proof() {
    let counter = Counter { initial: 0 };
    let right = [
        "A invoke increment",
        "B invoke increment",
        "A ok 2",
        "B ok 1",
        "C invoke read",
        "C ok 2",
    ];
    assert!(holds(&counter, &right));
    let lost = [
        "A invoke increment",
        "A ok 1",
        "A invoke increment",
        "B invoke increment",
        "C invoke read",
        "C ok 1",
        "A ok 2",
        "B ok 2",
    ];
    assert_eq!(proof(&counter, &lost), ["A invoke increment", "B invoke increment"]);
    assert_eq!(
        judge(&counter, &lost).violations[0].message,
        "key: no order of these 2 operations explains their answers: increment → 2 by process-A, increment → 2 by \
         process-B."
    );
}

#[test]
fn an_unknown_increment_may_have_been_counted_or_not_but_not_twice() {
    let counter = Counter { initial: 0 };
    let read = |count: &'static str| ["A invoke increment", "B invoke read", count];
    assert!(holds(&counter, &read("B ok 0")));
    assert!(holds(&counter, &read("B ok 1")));
    assert!(!holds(&counter, &read("B ok 2")));
}

#[test]
fn the_last_piece_is_sold_once() {
    let one = BoundedStock { initial: 1 };
    assert!(!holds(&one, &["A invoke buy", "B invoke buy", "A ok", "B ok"]));
    assert_eq!(
        proof(
            &one,
            &[
                "A invoke buy",
                "C invoke read",
                "B invoke buy",
                "C ok 1",
                "A ok",
                "B ok"
            ]
        )
        .len(),
        2
    );
    // What is sold out stays so.
    let back = [
        "A invoke buy",
        "A ok",
        "B invoke read",
        "B ok 0",
        "C invoke read",
        "C ok 1",
    ];
    assert_eq!(proof(&one, &back), ["B invoke read", "C invoke read"]);
}

#[test]
fn a_refusal_says_that_too_little_was_left() {
    let refused = |stock: i64| {
        let mut refusal = support::operation(1, "buy", json!({ "quantity": 2 }), json!(false), (0, 10));
        refusal.outcome = Completion::Fail;
        linearizable(
            &History::new(vec![refusal]),
            &BoundedStock { initial: stock },
            CONFIGURATIONS_MAX,
        )
        .verdict
    };
    assert_eq!(refused(1), InvariantVerdict::Holds);
    assert_eq!(refused(2), InvariantVerdict::Violated);
}

#[test]
fn an_operation_that_is_none_of_the_objects_is_named() {
    let InvariantVerdict::Undecided(reason) = judge(&ZERO, &["A invoke increment", "A ok 1"]).verdict else {
        panic!("a register cannot be incremented");
    };
    assert_eq!(
        reason,
        "operation 0 (increment of key) cannot be judged: a register knows read, write and cas"
    );
}
