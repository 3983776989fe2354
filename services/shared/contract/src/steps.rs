//! What a request did, step by step, so that a client can prove how two of them got in each other's way.

use serde::{Deserialize, Serialize};

/// Header by which a request asks for its steps, with the value `1`.
pub const STEPS_HEADER: &str = "x-steps";

/// Something that a request did to shared data or to its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The lock was won; the value is the fencing token, if there is one.
    Acquired,
    /// The lock service was asked whether the lock is still held; the value is 1 for yes and 0 for no.
    Checked,
    /// The data was read; the value is what was found.
    Read,
    /// The data was written; the value is what was written.
    Written,
    /// The storage refused a stale token; the value is the token.
    Refused,
    /// The lock was given back by the one that held it.
    Released,
    /// The lock was to be given back, but was no longer held.
    NotOwner,
    /// The lock of somebody else was deleted.
    DeletedForeign,
}

impl StepKind {
    /// Every kind, with the name that documents and expressions use.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Acquired, "acquired"),
        (Self::Checked, "checked"),
        (Self::Read, "read"),
        (Self::Written, "written"),
        (Self::Refused, "refused"),
        (Self::Released, "released"),
        (Self::NotOwner, "not_owner"),
        (Self::DeletedForeign, "deleted_foreign"),
    ];
}

/// One step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// When it was known to be done: nanoseconds of the machine's monotonic clock, which all processes of a machine
    /// share. For giving back a lock, when that was begun: in between, the request believed to hold it.
    pub at_ns: u64,
    /// What was done.
    pub what: StepKind,
    /// The number that goes with it: see [`StepKind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
}

/// An answer with the steps that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stepped<T> {
    /// The answer itself; its members stand beside `steps`.
    #[serde(flatten)]
    pub answer: T,
    /// The steps, oldest first; absent unless they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Account;

    #[test]
    fn every_kind_has_the_name_that_documents_use() {
        for (kind, name) in StepKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }

    #[test]
    fn steps_stand_beside_the_members_of_the_answer_and_only_when_asked_for() {
        let answer = Account {
            id: 1,
            balance_cents: 5,
        };
        let mut stepped = Stepped { answer, steps: None };
        assert_eq!(
            serde_json::to_value(&stepped).unwrap(),
            json!({"id": 1, "balance_cents": 5})
        );
        let step = |what, value| Step { at_ns: 7, what, value };
        stepped.steps = Some(vec![step(StepKind::Acquired, Some(3)), step(StepKind::NotOwner, None)]);
        let value = serde_json::to_value(&stepped).unwrap();
        assert_eq!(
            value,
            json!({"id": 1, "balance_cents": 5, "steps": [
                {"at_ns": 7, "what": "acquired", "value": 3}, {"at_ns": 7, "what": "not_owner"}
            ]})
        );
        assert_eq!(serde_json::from_value::<Stepped<Account>>(value).unwrap(), stepped);
    }
}
