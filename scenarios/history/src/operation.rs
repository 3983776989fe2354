//! What one client did once, and what it saw.

pub use contract::{Step, StepKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One operation: invoked once, answered at most once. All times are nanoseconds since the history began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Unique in its history.
    pub id: u64,
    /// Who asked: `buyer-3`.
    pub actor: String,
    /// Which instance answered, where the answer told it: `inventory-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What kind of operation it was: `buy`, `read`.
    pub class: String,
    /// What it was about: `product 1`, `seat 7`. Operations on different keys are independent of one another.
    pub key: String,
    /// What was asked.
    #[serde(default)]
    pub input: Value,
    /// What was answered; null where nothing was.
    #[serde(default)]
    pub output: Value,
    /// When the client began.
    pub invoked_ns: u64,
    /// When the client stopped waiting; none when it was still waiting as the history ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_ns: Option<u64>,
    /// What the client knows of its effect.
    pub outcome: Completion,
    /// What went wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the service did on the way, as its answer told it; times count from the start of the history here, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

impl Operation {
    /// The moment by which it certainly had its effect: its completion if it was answered. An unknown operation has
    /// none: it may have its effect at any time after its invocation, even after its client gave up.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        match self.outcome {
            // An answer without a time was there in the end: it is bound by nothing but the end.
            Completion::Ok | Completion::Fail => Some(self.completed_ns.unwrap_or(u64::MAX)),
            Completion::Unknown => None,
        }
    }
}

/// What a client knows of an operation's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// It had its effect.
    Ok,
    /// It certainly had none.
    Fail,
    /// It may have had its effect or not, or may still have it later (a timeout, a broken connection).
    Unknown,
}
