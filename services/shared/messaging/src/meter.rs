//! What the metrics of messaging say.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Has the process record metrics, and explains those of messaging.
pub(crate) fn describe() {
    observability::install();
    describe_counter!("messaging_handled_total", "Messages that were handled, by outcome.");
    describe_counter!(
        "messaging_blocked_total",
        "Messages that could not be handled and are tried again in their place."
    );
    describe_counter!(
        "messaging_outbox_published_total",
        "Messages that were published from the outbox."
    );
    describe_counter!(
        "messaging_rebalances_total",
        "How often the group gave this instance its partitions."
    );
    describe_histogram!(
        "messaging_rebalance_seconds",
        "From losing partitions to getting some again."
    );
    describe_gauge!("messaging_partitions", "Partitions that this instance has.");
    describe_gauge!(
        "messaging_lag",
        "Messages of a partition that the group has not finished."
    );
}
