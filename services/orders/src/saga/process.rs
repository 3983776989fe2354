//! What happens to orders because of what is heard, and what is said because of it: each step with its messages in one
//! transaction.

use chassis::{ShareOfKeys, unix_ms};
use contract::OrderStatus;
use contract::events::{
    DomainEvent, Envelope, NotificationRequested, OrderCancelled, OrderConfirmed, Payload, RefundPayment,
    ReleaseInventory, TakePayment, topics,
};
use messaging::{Handler, Outbox, Position, Refusal, Style};
use sqlx::AnyConnection;

use super::book::{self, Entry};
use super::machine::{Heard, Said};

/// Leads orders to their end.
#[derive(Clone)]
pub(crate) struct Process {
    pub(super) style: Style,
    /// Orders that are refused at the last step.
    pub(super) declined: ShareOfKeys,
    pub(super) outbox: Outbox,
}

impl Process {
    /// Lets the order under this key hear something; says whether that changed anything.
    ///
    /// # Errors
    /// When the database fails, or somebody else took a step at the same moment: then it can be tried again.
    pub(super) async fn hear(
        &self,
        connection: &mut AnyConnection,
        order_id: i64,
        heard: Heard,
        cause: &str,
        amount_cents: Option<i64>,
    ) -> Result<bool, Refusal> {
        let Some(mut entry) = book::entry(connection, order_id).await? else {
            return Err(Refusal::Never(format!("there is no order {order_id}")));
        };
        entry.amount_cents = amount_cents.unwrap_or(entry.amount_cents);
        let changed = self.step(connection, &mut entry, heard, cause).await?;
        if changed && entry.progress.status == OrderStatus::Paid {
            let (heard, cause) = if self.declined.has(order_id) {
                let reason = "the order is refused at the last step".to_owned();
                (Heard::Declined(reason), "declined")
            } else {
                (Heard::Accepted, "accepted")
            };
            self.step(connection, &mut entry, heard, cause).await?;
        }
        Ok(changed)
    }

    async fn step(
        &self,
        connection: &mut AnyConnection,
        entry: &mut Entry,
        heard: Heard,
        cause: &str,
    ) -> Result<bool, Refusal> {
        let Some(step) = entry.progress.after(heard, self.style) else {
            return Ok(false);
        };
        let reason = step.said.iter().find_map(|said| match said {
            Said::Cancelled(reason) => Some(reason.as_str()),
            _ => None,
        });
        if !book::advance(connection, entry, &step, cause, reason, unix_ms()).await? {
            return Err(Refusal::Later(format!(
                "order {} took another step meanwhile",
                entry.id
            )));
        }
        entry.progress = step.to;
        for said in step.said {
            self.say(connection, entry, said).await?;
        }
        Ok(true)
    }

    async fn say(&self, connection: &mut AnyConnection, entry: &Entry, said: Said) -> Result<(), Refusal> {
        let order_id = entry.id;
        let amount_cents = entry.amount_cents;
        match said {
            Said::Confirmed => {
                self.tell(connection, topics::ORDERS, OrderConfirmed { order_id, amount_cents })
                    .await?;
                self.notify(connection, entry, format!("order {order_id} is confirmed"))
                    .await
            }
            Said::Cancelled(reason) => {
                let text = format!("order {order_id} is cancelled: {reason}");
                self.tell(connection, topics::ORDERS, OrderCancelled { order_id, reason })
                    .await?;
                self.notify(connection, entry, text).await
            }
            Said::Take => {
                self.tell(connection, topics::COMMANDS, TakePayment { order_id, amount_cents })
                    .await
            }
            Said::Refund(reason) => {
                self.tell(connection, topics::COMMANDS, RefundPayment { order_id, reason })
                    .await
            }
            Said::Release(reason) => {
                self.tell(connection, topics::COMMANDS, ReleaseInventory { order_id, reason })
                    .await
            }
        }
    }

    async fn notify(&self, connection: &mut AnyConnection, entry: &Entry, text: String) -> Result<(), Refusal> {
        let request = NotificationRequested {
            order_id: entry.id,
            user_id: entry.user_id,
            text,
        };
        self.tell(connection, topics::ORDERS, request).await
    }

    /// Into the outbox with it.
    pub(super) async fn tell<P: Payload>(
        &self,
        connection: &mut AnyConnection,
        topic: &str,
        payload: P,
    ) -> Result<(), Refusal> {
        Ok(self.outbox.add(connection, topic, payload).await?)
    }
}

impl Handler for Process {
    fn concerns(&self, event: &DomainEvent) -> bool {
        heard(event).is_some()
    }

    async fn handle(
        &self,
        event: &Envelope<DomainEvent>,
        _at: &Position,
        connection: &mut AnyConnection,
    ) -> Result<(), Refusal> {
        let Some((order_id, heard)) = heard(&event.data) else {
            return Ok(());
        };
        let amount_cents = match &event.data {
            DomainEvent::InventoryReserved(reserved) => Some(reserved.amount_cents),
            _ => None,
        };
        self.hear(connection, order_id, heard, &event.kind, amount_cents)
            .await
            .map(drop)
    }
}

/// The order that an event is about, and what it means to it.
fn heard(event: &DomainEvent) -> Option<(i64, Heard)> {
    Some(match event {
        DomainEvent::InventoryReserved(event) => (event.order_id, Heard::Reserved),
        DomainEvent::InventoryFailed(event) => (event.order_id, Heard::NoStock(event.reason.clone())),
        DomainEvent::PaymentCompleted(event) => (event.order_id, Heard::Paid),
        DomainEvent::PaymentFailed(event) => (event.order_id, Heard::NoMoney(event.reason.clone())),
        DomainEvent::InventoryReleased(event) => (event.order_id, Heard::Released),
        DomainEvent::PaymentRefunded(event) => (event.order_id, Heard::Refunded),
        _ => return None,
    })
}
