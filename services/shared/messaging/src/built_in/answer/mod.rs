//! One part of the broker for each kind of request. Each reads its request whole before it does anything.

pub(super) mod cluster;
pub(super) mod committed;
pub(super) mod extent;
pub(super) mod fetch;
pub(super) mod groups;
pub(super) mod membership;
pub(super) mod produce;
pub(super) mod topics;

#[cfg(test)]
pub(super) mod tests;

/// What is said where Kafka could say which operations are allowed: nothing.
const OPERATIONS_UNKNOWN: i32 = i32::MIN;
/// Milliseconds that a client is asked to pause.
const NO_THROTTLE: i32 = 0;
/// The epoch that stands for none.
const NO_EPOCH: i32 = -1;
