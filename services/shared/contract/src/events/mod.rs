//! What services tell one another through Kafka: events, which say what happened, and commands, which ask for something.
//!
//! An event is an [`Envelope`] around a payload such as [`OrderCreated`]. The payload's type ends with its version:
//! `lab.order.created.v1`. Within a version a payload may only gain members that may be left out; whoever needs more
//! adds a `v2` beside it. A test holds `events.schema.json` against this rule.

mod domain;
mod envelope;
mod payloads;
pub mod topics;

pub use domain::{DomainEvent, Payload, payload_schemas};
pub use envelope::{ContentType, Envelope, SpecVersion};
pub use payloads::{
    InventoryFailed, InventoryReleased, InventoryReserved, NotificationRequested, OrderCancelled, OrderConfirmed,
    OrderCreated, PaymentCompleted, PaymentFailed, PaymentRefunded, RefundPayment, ReleaseInventory, ReserveInventory,
    TakePayment,
};

/// What the built-in broker does not do. Whatever needs more needs a real Kafka.
pub const BUILT_IN_LIMITS: &str = "it keeps the last 5 MiB of each partition (64 MiB of all) and nothing when it ends, it \
                                   has no transactions, and nothing is replicated";
