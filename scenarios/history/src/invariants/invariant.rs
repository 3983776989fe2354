//! What an invariant is: what must hold of every history, however the operations met.

use std::collections::BTreeMap;

use super::parameter::{Numbers, Parameter};
use crate::diagram::Diagram;
use crate::judgement::{Judgement, Judging, Violation};
use crate::operation::Operation;
use crate::record::History;

/// What is known beside the history.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its own numbers.
    pub numbers: &'a Numbers,
    /// What each key held when the system was quiescent; none where nobody could read it.
    pub quiescent: Option<&'a BTreeMap<String, f64>>,
}

/// Nothing.
impl Default for Known<'_> {
    fn default() -> Self {
        static NONE: Numbers = Numbers::new();
        Self {
            numbers: &NONE,
            quiescent: None,
        }
    }
}

/// Something that must hold of every history. To add one takes its file, its line in the registry, and a history that it
/// holds for and one that breaks it.
pub trait Invariant: Send + Sync {
    /// Its name in scenarios and recordings: `at_most_once`.
    fn name(&self) -> &'static str;

    /// What people call it, within a sentence: `at most once`.
    fn title(&self) -> &'static str;

    /// What it demands, in one sentence.
    fn demand(&self) -> &'static str;

    /// The numbers that it has to be told: each has a key in the scenario and a place in recordings by itself.
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    /// Whether it has to be told what was left of each key when the system was quiescent: when every operation was over.
    fn needs_quiescent(&self) -> bool {
        false
    }

    /// What a scenario has to say or its services to tell for it, as the handbook writes it; empty where any history will do.
    fn takes(&self) -> &'static str {
        ""
    }

    /// Whether its judgements tell of a [`most`](Judgement::most).
    fn tells_most(&self) -> bool {
        false
    }

    /// An operation as the invariant's model knows it; most invariants take it as it is.
    fn modelled(&self, operation: Operation, _known: &Known<'_>) -> Operation {
        operation
    }

    /// Judges a history of modelled operations. Whatever it has to be told is known.
    fn check(&self, history: &History, known: &Known<'_>) -> Judgement;

    /// Draws the proof of a violation. `resource` is what the shared thing is called.
    fn draw(&self, history: &History, violation: &Violation, resource: &str) -> Diagram {
        Diagram::of(history, violation, resource)
    }
}

/// What came of holding operations to an invariant.
#[derive(Debug, Clone)]
pub struct Held {
    /// The operations as the invariant's model knows them.
    pub history: History,
    /// What was found.
    pub judgement: Judgement,
}

impl dyn Invariant {
    /// Holds operations to the invariant. Where it needs a reading that nobody could take, nothing is decided.
    #[must_use]
    pub fn hold(&self, operations: Vec<Operation>, known: &Known<'_>) -> Held {
        let modelled = operations.into_iter().map(|operation| self.modelled(operation, known));
        let history = History::new(modelled.collect());
        let judgement = if self.needs_quiescent() && known.quiescent.is_none() {
            Judging::open(&history, "nothing could be read at rest")
        } else {
            self.check(&history, known)
        };
        Held { history, judgement }
    }
}
