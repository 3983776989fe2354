//! What may be the data of an event, and each by its type.

use schemars::Schema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::payloads::{
    InventoryFailed, InventoryReleased, InventoryReserved, NotificationRequested, OrderCancelled, OrderConfirmed,
    OrderCreated, PaymentCompleted, PaymentFailed, PaymentRefunded, RefundPayment, ReleaseInventory, ReserveInventory,
    TakePayment,
};

/// Something that can be the data of an event.
pub trait Payload: Serialize + DeserializeOwned {
    /// Its type, version included, such as `lab.order.created.v1`.
    const TYPE: &'static str;

    /// What the event is about; events with the same subject keep their order. Here always the order's key, as text.
    fn subject(&self) -> String;
}

macro_rules! events {
    ($($name:ident = $kind:literal),+ $(,)?) => {
        $(impl Payload for $name {
            const TYPE: &'static str = $kind;

            fn subject(&self) -> String {
                self.order_id.to_string()
            }
        }

        impl From<$name> for DomainEvent {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })+

        /// Any payload that this version knows.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum DomainEvent {
            $(#[doc = concat!("`", $kind, "`")] $name($name)),+
        }

        impl DomainEvent {
            /// Every type that this version knows.
            pub const TYPES: &'static [&'static str] = &[$($kind),+];

            /// Reads the data of an event of the given type; `None` when this version does not know the type, which is
            /// no error: somebody else may.
            ///
            /// # Errors
            /// When the data is not what its type promises.
            pub fn read(kind: &str, data: Value) -> Result<Option<Self>, serde_json::Error> {
                match kind {
                    $($kind => crate::json::from_value(data).map(|payload| Some(Self::$name(payload))),)+
                    _ => Ok(None),
                }
            }

            /// Its type, version included.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $kind),+
                }
            }

            /// What it is about.
            #[must_use]
            pub fn subject(&self) -> String {
                match self {
                    $(Self::$name(payload) => payload.subject()),+
                }
            }
        }

        /// The JSON Schema of every payload, by type, in alphabetical order.
        #[must_use]
        pub fn payload_schemas() -> Vec<(&'static str, Schema)> {
            let mut schemas = vec![$(($kind, schemars::schema_for!($name))),+];
            schemas.sort_by_key(|(kind, _)| *kind);
            schemas
        }
    };
}

events! {
    OrderCreated = "lab.order.created.v1",
    InventoryReserved = "lab.inventory.reserved.v1",
    InventoryFailed = "lab.inventory.failed.v1",
    PaymentCompleted = "lab.payment.completed.v1",
    PaymentFailed = "lab.payment.failed.v1",
    OrderConfirmed = "lab.order.confirmed.v1",
    OrderCancelled = "lab.order.cancelled.v1",
    PaymentRefunded = "lab.payment.refunded.v1",
    InventoryReleased = "lab.inventory.released.v1",
    NotificationRequested = "lab.notification.requested.v1",
    ReserveInventory = "lab.inventory.reserve.v1",
    ReleaseInventory = "lab.inventory.release.v1",
    TakePayment = "lab.payment.take.v1",
    RefundPayment = "lab.payment.refund.v1",
}
