//! What happened to one order across all services, and what each event of it means.

use serde::{Deserialize, Serialize};

use crate::Program;
use crate::events::{
    InventoryFailed, InventoryReleased, InventoryReserved, OrderCancelled, OrderConfirmed, OrderCreated, Payload,
    PaymentCompleted, PaymentFailed, PaymentRefunded, RefundPayment, ReleaseInventory, ReserveInventory, TakePayment,
};

/// What happened to one order across all services, at `GET /stories/...`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The order.
    pub order_id: i64,
    /// What is wrong with it; nothing where all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// Its events and commands, in the order of the log.
    pub chapters: Vec<Chapter>,
}

/// One event or command of a [`Story`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// When it happened, in microseconds since 1970.
    pub at_us: i64,
    /// Which service said so.
    pub source: String,
    /// The type of the event.
    pub kind: String,
}

/// What an event means for its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The order is there.
    Placed,
    /// A part of it is done, or asked for.
    Step,
    /// A part of it cannot be done, or all of it is given up.
    Failed,
    /// A part that was done is undone.
    Undone,
    /// All of it is done.
    Done,
}

impl Story {
    /// Whether one service tells the others what to do, by commands, instead of each heeding the others' events.
    #[must_use]
    pub fn is_orchestrated(&self) -> bool {
        self.chapters.iter().any(Chapter::is_command)
    }
}

impl Chapter {
    /// The type without what all types have: `order.created`.
    #[must_use]
    pub fn label(&self) -> &str {
        let kind = self.kind.strip_prefix("lab.").unwrap_or(&self.kind);
        kind.rsplit_once(".v").map_or(kind, |(name, _)| name)
    }

    fn is_command(&self) -> bool {
        [
            ReserveInventory::TYPE,
            ReleaseInventory::TYPE,
            TakePayment::TYPE,
            RefundPayment::TYPE,
        ]
        .contains(&self.kind.as_str())
    }

    /// The service that does something because of it, in a story that is orchestrated or not; none where nobody does.
    #[must_use]
    pub fn moves(&self, orchestrated: bool) -> Option<Program> {
        Some(match self.kind.as_str() {
            OrderCreated::TYPE if !orchestrated => Program::Inventory,
            InventoryReserved::TYPE if !orchestrated => Program::Payments,
            OrderCancelled::TYPE if !orchestrated => Program::Payments,
            ReserveInventory::TYPE | ReleaseInventory::TYPE => Program::Inventory,
            TakePayment::TYPE | RefundPayment::TYPE => Program::Payments,
            InventoryReserved::TYPE
            | InventoryFailed::TYPE
            | InventoryReleased::TYPE
            | PaymentCompleted::TYPE
            | PaymentFailed::TYPE
            | PaymentRefunded::TYPE => Program::Orders,
            _ => return None,
        })
    }

    /// What it means for its order.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        match self.kind.as_str() {
            OrderCreated::TYPE => Meaning::Placed,
            OrderConfirmed::TYPE => Meaning::Done,
            OrderCancelled::TYPE | InventoryFailed::TYPE | PaymentFailed::TYPE => Meaning::Failed,
            InventoryReleased::TYPE | PaymentRefunded::TYPE => Meaning::Undone,
            _ => Meaning::Step,
        }
    }
}
