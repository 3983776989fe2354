//! What an invariant is: what must hold of every history, however the operations met.

use std::collections::BTreeMap;

use crate::diagram::Diagram;
use crate::judgement::{Judgement, Judging, Violation};
use crate::operation::Operation;
use crate::record::History;

/// What an invariant has to be told beside the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requirements {
    /// What was left of each key when the system was quiescent: when every operation was over.
    pub quiescent: bool,
    /// How much of each key there was at first.
    pub initial: bool,
    /// How many are allowed in how long a time.
    pub rate: bool,
}

/// What is known beside the history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// How much of each key there was at first.
    pub initial: i64,
    /// How much each operation takes.
    pub quantity: i64,
    /// How many operations are allowed in any window of time.
    pub limit: u64,
    /// How long such a window is, nanoseconds.
    pub window_ns: u64,
    /// What each key held when the system was quiescent; none where nobody could read it.
    pub quiescent: Option<&'a BTreeMap<String, f64>>,
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

    /// What it has to be told beside the history.
    fn requires(&self) -> Requirements {
        Requirements::default()
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

    /// Judges a history of modelled operations. Whatever [`requires`](Invariant::requires) asks for is known.
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
        let judgement = if self.requires().quiescent && known.quiescent.is_none() {
            Judging::open(&history, "nothing could be read at rest")
        } else {
            self.check(&history, known)
        };
        Held { history, judgement }
    }
}
