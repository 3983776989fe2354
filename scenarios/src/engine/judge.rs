//! Holds the histories of a turn to their laws.

use history::invariants::{Held, Known};
use history::{Mark, Operation};

use super::marks;
use super::rest::Readings;
use super::turn::Turn;
use crate::event::{self, Judged};

/// Judges every law of the arm and tells what came of it.
pub(super) fn all(turn: &mut Turn<'_>, operations: &[Operation], readings: &Readings) {
    let arm = turn.arm;
    let round = turn.bus.state().round_now();
    let marks: Vec<Mark> = round.map(marks::all).unwrap_or_default();
    for law in &arm.invariants {
        let of = operations.iter().filter(|operation| operation.class == law.of).cloned();
        let known = Known {
            numbers: &law.numbers,
            quiescent: readings.get(&law.of),
        };
        let Held { history, judgement } = law.invariant.hold(of.collect(), &known);
        let diagram = judgement.violations.first().map(|violation| {
            let resource = resource(&law.resource, &violation.key);
            law.invariant.draw(&history, violation, &resource).with_marks(&marks)
        });
        turn.bus.emit(event::EventKind::Judged(Box::new(Judged {
            name: law.name.clone(),
            invariant: law.invariant,
            judgement,
            diagram,
        })));
    }
}

/// What the shared thing is called: `seat 7`, `lock on product 1`.
fn resource(what: &str, key: &str) -> String {
    if key.starts_with(what) {
        key.to_owned()
    } else {
        format!("{what} {key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_thing_is_named_once() {
        assert_eq!(resource("item", "item 1"), "item 1");
        assert_eq!(resource("lock on", "product 1"), "lock on product 1");
    }
}
