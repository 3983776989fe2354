//! What a checker says of a history.

use serde::{Deserialize, Serialize};

use crate::operation::{Completion, Operation};
use crate::record::History;

/// How many violations of one judgement are kept in full; all are counted.
pub const VIOLATIONS_KEPT_MAX: usize = 100;

/// How many operations of one proof are named. Most proofs need two to four.
pub(crate) const PROOF_MAX: usize = 16;

/// What a checker found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Operations that were looked at.
    pub checked: u64,
    /// Those of them whose effect is unknown.
    pub unknown: u64,
    /// Whether the law holds.
    pub verdict: InvariantVerdict,
    /// For a law about how many there may be at once: the most that there certainly were; none for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// Violations in all, also those that are not kept.
    pub found: u64,
    /// The first violations, at most 100.
    pub violations: Vec<Violation>,
}

/// Whether a law holds. One violation outweighs whatever could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvariantVerdict {
    /// Nothing that was seen breaks it.
    Holds,
    /// It is broken, and here is the proof.
    Violated,
    /// Nobody can say; the reason in one sentence.
    Undecided(String),
}

/// One broken law and its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The key whose operations break it.
    pub key: String,
    /// One plain sentence with the numbers.
    pub message: String,
    /// The ids of the smallest set of operations that proves it, in order of invocation, at most 16.
    pub operations: Vec<u64>,
}

/// A judgement in the making.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    checked: u64,
    unknown: u64,
    most: Option<u64>,
    found: u64,
    violations: Vec<Violation>,
    undecided: Option<String>,
}

impl Judging {
    /// The judgement of a history that cannot be judged.
    pub(crate) fn open(history: &History, why: &str) -> Judgement {
        let mut judging = Self::default();
        judging.look_at(&history.operations().iter().collect::<Vec<_>>());
        judging.undecided(why.to_owned());
        judging.finish()
    }

    /// Counts operations as looked at.
    pub(crate) fn look_at(&mut self, operations: &[&Operation]) {
        self.checked += operations.len() as u64;
        self.unknown += operations
            .iter()
            .filter(|operation| operation.outcome == Completion::Unknown)
            .count() as u64;
    }

    /// Records that there were so many at once.
    pub(crate) fn saw_most(&mut self, most: u64) {
        self.most = self.most.max(Some(most));
    }

    /// Records a violation; the proof is put in order of invocation and bounded to its last operations.
    pub(crate) fn violated(&mut self, key: &str, message: String, proof: &[&Operation]) {
        self.found += 1;
        if self.violations.len() == VIOLATIONS_KEPT_MAX {
            return;
        }
        let mut proof = proof.to_vec();
        proof.sort_by_key(|operation| (operation.invoked_ns, operation.id));
        let operations = proof[proof.len().saturating_sub(PROOF_MAX)..]
            .iter()
            .map(|operation| operation.id);
        self.violations.push(Violation {
            key: key.to_owned(),
            message,
            operations: operations.collect(),
        });
    }

    /// Records why a key cannot be judged; the first reason is the one that is told.
    pub(crate) fn undecided(&mut self, reason: String) {
        self.undecided.get_or_insert(reason);
    }

    pub(crate) fn finish(self) -> Judgement {
        let verdict = match (self.found, self.undecided) {
            (0, None) => InvariantVerdict::Holds,
            (0, Some(reason)) => InvariantVerdict::Undecided(reason),
            _ => InvariantVerdict::Violated,
        };
        let Self {
            checked,
            unknown,
            most,
            found,
            violations,
            ..
        } = self;
        Judgement {
            checked,
            unknown,
            verdict,
            most,
            found,
            violations,
        }
    }
}
