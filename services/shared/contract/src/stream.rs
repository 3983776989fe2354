//! What analytics says of the stream that it reads.

use serde::{Deserialize, Serialize};

/// What the events of orders did, over all instances, at `GET /effects`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// How often an event had its effect.
    pub effects: i64,
    /// How many different events had one.
    pub events: i64,
    /// How many different orders they were about.
    pub orders: i64,
    /// Effects beyond the first one of each event.
    pub repeated: i64,
    /// First effects that came after that of an event which lies behind theirs in the same partition.
    pub out_of_order: i64,
    /// Partitions that had any.
    pub partitions: i64,
    /// Instances that had any.
    pub instances: i64,
    /// The longest time between two effects of the same partition, in milliseconds.
    pub longest_gap_ms: i64,
    /// Effects a second, from the first to the last.
    pub per_s: f64,
}

/// The figures themselves, at `GET /figures`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Orders in all windows.
    pub orders: i64,
    /// What they were to bring when they were placed, in cents.
    pub amount_cents: i64,
    /// Orders of sagas that were confirmed.
    pub confirmed: i64,
    /// Revenue of the confirmed orders, in cents.
    pub confirmed_cents: i64,
    /// Orders of sagas that were cancelled.
    pub cancelled: i64,
    /// Share of the confirmed among those that are decided; nothing while none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Windows of one second that had any.
    pub windows: i64,
    /// A number below 2^53 that is the same for the same figures, and hardly ever for others.
    pub digest: u64,
}

/// What was done to the figures as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Messages that were read from the log.
    pub read: u64,
}

/// Messages that were given up, at `GET /dead-letters`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// How many lie there.
    pub letters: u64,
    /// How many different events they are.
    pub events: u64,
}
