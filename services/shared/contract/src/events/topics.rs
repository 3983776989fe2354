//! The topics there are.

/// Everything that happens to orders, keyed by order, so that the events of one order keep their order.
pub const ORDERS: &str = "orders";

/// What an orchestrator asks of other services, keyed by order as well.
pub const COMMANDS: &str = "commands";

/// Partitions of a topic, unless somebody says otherwise.
pub const PARTITIONS: i32 = 3;

/// The topic that a group moves messages to which it could not handle at their `attempt`-th try, from 1.
#[must_use]
pub fn retry(topic: &str, group: &str, attempt: usize) -> String {
    format!("{topic}.{group}.retry-{attempt}")
}

/// The topic that a group moves messages to which it gave up.
#[must_use]
pub fn dead_letter(topic: &str, group: &str) -> String {
    format!("{topic}.{group}.dead")
}
