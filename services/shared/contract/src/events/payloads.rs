//! The data of events. Members that a version does not know are passed over, so that a payload can grow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })+) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// The order that it is about.
            pub order_id: i64,
            $($(#[$field_doc])* pub $field: $kind,)*
        })+
    };
}

payloads! {
    /// Somebody ordered something.
    OrderCreated {
        /// Who.
        user_id: i64,
        /// What.
        product_id: i64,
        /// Number of pieces.
        quantity: i64,
        /// Price of them all, in cents; 0 while nobody has said what they cost.
        amount_cents: i64,
    }

    /// The pieces are set aside.
    InventoryReserved {
        /// Key of the reservation.
        reservation_id: i64,
        /// What is set aside.
        product_id: i64,
        /// Number of pieces.
        quantity: i64,
        /// Price of them all, in cents.
        amount_cents: i64,
    }

    /// The pieces cannot be had.
    InventoryFailed {
        /// Why not.
        reason: String,
    }

    /// The money was taken.
    PaymentCompleted {
        /// Key of the payment.
        payment_id: i64,
        /// How much, in cents.
        amount_cents: i64,
    }

    /// The money was not taken.
    PaymentFailed {
        /// Why not.
        reason: String,
    }

    /// The order is done, for good.
    OrderConfirmed {
        /// What it brought, in cents.
        amount_cents: i64,
    }

    /// The order is undone, for good.
    OrderCancelled {
        /// Why.
        reason: String,
    }

    /// The money was given back.
    PaymentRefunded {
        /// Key of the payment.
        payment_id: i64,
        /// How much, in cents.
        amount_cents: i64,
    }

    /// The pieces are no longer set aside.
    InventoryReleased {
        /// Key of the reservation.
        reservation_id: i64,
        /// What was set aside.
        product_id: i64,
        /// Number of pieces.
        quantity: i64,
    }

    /// Somebody is to be told.
    NotificationRequested {
        /// Who.
        user_id: i64,
        /// What.
        text: String,
    }

    /// Asks inventory to set pieces aside.
    ReserveInventory {
        /// What.
        product_id: i64,
        /// Number of pieces.
        quantity: i64,
    }

    /// Asks inventory to put the pieces of the order back.
    ReleaseInventory {
        /// Why.
        reason: String,
    }

    /// Asks payments to take the money for the order.
    TakePayment {
        /// How much, in cents.
        amount_cents: i64,
    }

    /// Asks payments to give the money for the order back.
    RefundPayment {
        /// Why.
        reason: String,
    }
}
