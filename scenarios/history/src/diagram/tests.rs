use serde_json::json;

use super::*;
use crate::invariants::fixture::{ok, step, with_steps};

const MS: u64 = 1_000_000;

/// Two buyers of the last piece, each of whom read 1 before the other wrote 0.
fn oversold() -> Diagram {
    let buyer = |id: u64, from: u64| {
        let steps = [
            step(from + 8 * MS / 10, StepKind::Read, Some(1)),
            step(from + 5 * MS, StepKind::Written, Some(0)),
        ];
        let mut operation = with_steps(ok(id, "product 1", from, from + 6 * MS), &steps);
        operation.instance = Some(format!("inventory-{id}"));
        operation.input = json!({ "quantity": 1 });
        operation
    };
    let violation = Violation {
        key: "product 1".to_owned(),
        message: "product 1: 2 sold + 0 left = 2, but 1 were there: buyer-1 and buyer-2 both read 1 before either of \
                  them wrote."
            .to_owned(),
        operations: vec![1, 2],
    };
    let history = History::new(vec![
        buyer(1, 100 * MS),
        buyer(2, 100 * MS + 300_000),
        ok(3, "product 1", 0, 5),
    ]);
    Diagram::of(&history, &violation, "product 1")
}

/// A holder that is paused past its lock's time to live.
fn paused() -> Diagram {
    let holder = |id: u64, from: u64, token: i64, write: u64, end: StepKind| {
        let steps = [
            step(from + MS, StepKind::Acquired, Some(token)),
            step(
                write,
                if end == StepKind::Refused {
                    end
                } else {
                    StepKind::Written
                },
                Some(if end == StepKind::Refused { token } else { 0 }),
            ),
            step(
                write + MS,
                if end == StepKind::Refused {
                    StepKind::NotOwner
                } else {
                    end
                },
                None,
            ),
        ];
        let mut operation = with_steps(ok(id, "seat 7", from, write + 2 * MS), &steps);
        operation.instance = Some(format!("inventory-{id}"));
        operation
    };
    let first = holder(1, 0, 33, 900 * MS, StepKind::Refused);
    let second = holder(2, 300 * MS, 34, 320 * MS, StepKind::Released);
    let violation = Violation {
        key: "seat 7".to_owned(),
        message: "buyer-2 got the lock of seat 7 while buyer-1 had it.".to_owned(),
        operations: vec![1, 2],
    };
    let mark = |at_ns, kind, label: &str| Mark {
        at_ns,
        instances: vec!["inventory-1".to_owned()],
        kind,
        label: label.to_owned(),
    };
    Diagram::of(&History::new(vec![first, second]), &violation, "lock of seat 7").with_marks(&[
        mark(2 * MS, ActionKind::Pause, "SIGSTOP"),
        mark(800 * MS, ActionKind::Resume, "SIGCONT"),
        mark(5_000 * MS, ActionKind::Kill, "much later"),
    ])
}

#[test]
fn the_shared_thing_stands_between_the_actors_of_the_proof() {
    let diagram = oversold();
    let names: Vec<&str> = diagram.lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(names, ["buyer-1", "product 1", "buyer-2"]);
    assert_eq!((diagram.began_ns, diagram.events[0].at_ns), (100 * MS, 0));
    let read = diagram
        .events
        .iter()
        .find(|event| event.kind == EventKind::Read)
        .expect("both read");
    assert_eq!(
        (read.lane, read.arrow, read.label.as_str()),
        (0, Some(Arrow { from: 1, to: 0 }), "read 1")
    );
    let again: Diagram = serde_json::from_str(&serde_json::to_string(&diagram).expect("JSON")).expect("the same");
    assert_eq!(again, diagram);
}

#[test]
fn a_race_is_drawn_as_a_sequence_diagram() {
    assert_eq!(
        oversold().to_text(80, false),
        "\
product 1

              buyer-1                    product 1                    buyer-2
            inventory-1                                             inventory-2
t + 0.0 ms       ○ buy quantity=1            │                           │
t + 0.3 ms       │                           │            buy quantity=1 ○
t + 0.8 ms       │◀──────── read 1 ──────────│                           │
t + 1.1 ms       │                           │───────── read 1 ─────────▶│
t + 5.0 ms       │───────── wrote 0 ────────▶│                           │
t + 5.3 ms       │                           │◀──────── wrote 0 ─────────│
t + 6.0 ms       ● ok                        │                           │
t + 6.3 ms       │                           │                        ok ●

product 1: 2 sold + 0 left = 2, but 1 were there: buyer-1 and buyer-2 both read
1 before either of them wrote.
"
    );
}

#[test]
fn a_pause_is_seen_on_the_lane_of_whom_the_instance_answered() {
    assert_eq!(
        paused().to_text(80, true),
        "\
seat 7

                buyer-1                lock of seat 7                 buyer-2
              inventory-1                                           inventory-2
t +   0.0 ms       o buy                      |                          |
t +   1.0 ms       |<----- acquired 33 -------|                          |
t +   2.0 ms       # SIGSTOP                  |                          |
t + 300.0 ms       :                          |                      buy o
t + 301.0 ms       :                          |------ acquired 34 ------>|
t + 320.0 ms       :                          |<------- wrote 0 ---------|
t + 321.0 ms       :                          |<------- released --------|
t + 322.0 ms       :                          |                       ok *
t + 800.0 ms       = SIGCONT                  |                          |
t + 900.0 ms       |<------ refused 33 -------|                          |
t + 901.0 ms       |<---- not the owner ------|                          |
t + 902.0 ms       * ok                       |                          |

buyer-2 got the lock of seat 7 while buyer-1 had it.

# pause   = resume
"
    );
}

/// Every kind of action once, on the lane of the first buyer.
fn every_action() -> Diagram {
    let marks: Vec<Mark> = (1..)
        .zip(ActionKind::ALL)
        .map(|(number, kind)| Mark {
            at_ns: 100 * MS + number * 250_000,
            instances: vec!["inventory-1".to_owned()],
            kind,
            label: "done".to_owned(),
        })
        .collect();
    oversold().with_marks(&marks)
}

#[test]
fn every_kind_of_action_has_its_sign_on_the_lane_in_the_list_and_in_the_legend() {
    let diagram = every_action();
    assert_eq!(diagram.actions(), ActionKind::ALL);
    for (width, ascii) in [(100, false), (100, true), (44, false), (44, true)] {
        let text = diagram.to_text(width, ascii);
        for kind in ActionKind::ALL {
            let marked = format!("{} done", kind.sign(ascii));
            assert!(
                text.contains(&marked) && text.contains(&kind.legend(ascii)),
                "{kind:?}: {text}"
            );
        }
    }
    let again: Diagram = serde_json::from_str(&serde_json::to_string(&diagram).expect("JSON")).expect("the same");
    assert_eq!(again, diagram);
}

#[test]
fn the_lane_of_a_killed_instance_stands_still_until_it_is_started_again() {
    let mark = |at_ns, kind: ActionKind| Mark {
        at_ns: 100 * MS + at_ns,
        instances: vec!["inventory-1".to_owned()],
        kind,
        label: kind.name().to_owned(),
    };
    let text = oversold()
        .with_marks(&[mark(400_000, ActionKind::Kill), mark(5_500_000, ActionKind::Restart)])
        .to_text(80, true);
    let still = text.lines().filter(|line| line.chars().nth(17) == Some(':'));
    let times: Vec<&str> = still.map(|line| &line[..10]).collect();
    assert_eq!(
        times,
        ["t + 0.8 ms", "t + 1.1 ms", "t + 5.0 ms", "t + 5.3 ms"],
        "{text}"
    );
    assert!(
        text.contains("K kill") && text.contains("R restart") && !text.contains("# pause"),
        "{text}"
    );
}

#[test]
fn what_does_not_fit_is_a_list() {
    assert_eq!(
        oversold().to_text(44, false),
        "\
product 1

t + 0.0 ms  buyer-1 (inventory-1)  buy
            quantity=1
t + 0.3 ms  buyer-2 (inventory-2)  buy
            quantity=1
t + 0.8 ms  buyer-1 ◀─ product 1   read 1
t + 1.1 ms  buyer-2 ◀─ product 1   read 1
t + 5.0 ms  buyer-1 ─▶ product 1   wrote 0
t + 5.3 ms  buyer-2 ─▶ product 1   wrote 0
t + 6.0 ms  buyer-1 (inventory-1)  ok
t + 6.3 ms  buyer-2 (inventory-2)  ok

product 1: 2 sold + 0 left = 2, but 1 were
there: buyer-1 and buyer-2 both read 1
before either of them wrote.
"
    );
}

#[test]
fn operations_without_steps_are_a_question_and_an_answer() {
    let mut write = ok(1, "key", 0, 100);
    write.class = "write".to_owned();
    write.input = json!(3);
    let mut read = ok(2, "key", 200, 300);
    read.class = "read".to_owned();
    read.output = json!(0);
    let mut lost = ok(3, "key", 220, 400);
    lost.outcome = Completion::Unknown;
    lost.error = Some("timed out".to_owned());
    let violation = Violation {
        key: "key".to_owned(),
        message: "A stale read.".to_owned(),
        operations: vec![1, 2, 3],
    };
    let diagram = Diagram::of(&History::new(vec![write, read, lost]), &violation, "register");
    assert_eq!(
        diagram.to_text(80, false),
        "\
key

            buyer-1             buyer-2            register             buyer-3
t + 0.0 µs     │───── write 3 ─────┼──────────────────▶│                   │
t + 0.1 µs     │◀────── ok ────────┼───────────────────│                   │
t + 0.2 µs     │                   │────── read ──────▶│                   │
t + 0.2 µs     │                   │                   │◀────── buy ───────│
t + 0.3 µs     │                   │◀───── ok 0 ───────│                   │
t + 0.4 µs     │                   │                   │ no answer: timed… ?

A stale read.
"
    );
}

#[test]
fn no_width_and_no_number_of_lanes_breaks_it() {
    let all: Vec<Operation> = (0..9)
        .map(|id| ok(id, "a key with a rather long name", id, id + 20))
        .collect();
    for count in 0..9 {
        let violation = Violation {
            key: "key".to_owned(),
            message: "read → 0".to_owned(),
            operations: (0..count).collect(),
        };
        let diagram = Diagram::of(&History::new(all.clone()), &violation, "a key with a rather long name");
        for width in [0, 1, 10, 20, 40, 60, 80, 100, 200] {
            for (ascii, text) in [
                (true, diagram.to_text(width, true)),
                (false, diagram.to_text(width, false)),
            ] {
                let lines: Vec<&str> = text.lines().collect();
                assert!(
                    lines.iter().all(|line| line.trim_end() == *line),
                    "trailing blanks at {width}"
                );
                assert!(!ascii || text.is_ascii(), "{text}");
                assert!(
                    width < 20 || lines.iter().all(|line| line.chars().count() <= width),
                    "{width}:\n{text}"
                );
            }
        }
    }
}
