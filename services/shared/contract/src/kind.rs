//! Kinds of problems that say more than the status of the answer does.

use serde_json::Value;

/// Too little is left of what was asked for.
pub const OUT_OF_STOCK: &str = "urn:lab:out-of-stock";
/// Somebody else holds the lock.
pub const LOCK_HELD: &str = "urn:lab:lock-held";
/// The lock service does not answer.
pub const LOCK_UNAVAILABLE: &str = "urn:lab:lock-unavailable";
/// The payment was refused.
pub const PAYMENT_REFUSED: &str = "urn:lab:payment-refused";

/// Nobody waits for the answer any more.
pub const DEADLINE_OVER: &str = "urn:lab:deadline-over";
/// The called service fails too often, and is not called for a while.
pub const BREAKER_OPEN: &str = "urn:lab:breaker-open";
/// Too many calls of the called service are under way.
pub const BULKHEAD_FULL: &str = "urn:lab:bulkhead-full";
/// The called service rejects too much, and is called less.
pub const THROTTLED: &str = "urn:lab:throttled";
/// The rate limit of a client is not known, as Redis does not answer.
pub const LIMIT_UNKNOWN: &str = "urn:lab:limit-unknown";

/// The kind of a problem document; none where the answer is not one.
#[must_use]
pub fn of(answer: &Value) -> Option<&str> {
    answer.get("type").and_then(Value::as_str)
}

/// Whether a service that answers with a problem of this kind has changed nothing, be its status 5xx, which leaves that
/// open.
#[must_use]
pub fn changes_nothing(kind: &str) -> bool {
    [
        LOCK_HELD,
        LOCK_UNAVAILABLE,
        PAYMENT_REFUSED,
        BREAKER_OPEN,
        BULKHEAD_FULL,
        THROTTLED,
    ]
    .contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    #[test]
    fn the_kind_of_a_problem_is_found_in_its_document() {
        let refused = Problem::new(409, "Conflict", "0 left").with_kind(OUT_OF_STOCK);
        assert_eq!(of(&serde_json::to_value(refused).unwrap()), Some(OUT_OF_STOCK));
        assert_eq!(of(&serde_json::json!({ "id": 7 })), None);
    }
}
