//! Taking money for orders that come through Kafka, and giving it back.
//!
//! In a choreography it reacts to `InventoryReserved` and `OrderCancelled`, in an orchestration it obeys `TakePayment` and
//! `RefundPayment`: the same two steps. `IDEMPOTENCY=atomic` makes the order the key under which money is taken, so it is
//! taken once, however often that is heard; with `none`, who hears twice takes twice. `PAYMENTS_FAILURE_RATE` is the
//! share of the orders for which no money can be had.

use axum::extract::State;
use chassis::{Failure, Json, Settings, SettingsError, ShareOfKeys};
use contract::PaymentsSummary;
use contract::environment::PAYMENTS_FAILURE_RATE;
use contract::events::{DomainEvent, Payload, PaymentCompleted, PaymentFailed, PaymentRefunded, topics};
use messaging::{Asked, Outbox, Refusal, SagaStep};
use sqlx::AnyConnection;
use store::{Database, Fetch};

use crate::charge::Idempotency;
use crate::payments::idempotency;

/// Where the money for orders is taken and given back.
pub(crate) struct Cashier {
    idempotency: Idempotency,
    refused: ShareOfKeys,
    outbox: Outbox,
}

/// What an order costs.
#[derive(Clone, Copy)]
pub(crate) struct Due {
    order_id: i64,
    amount_cents: i64,
}

impl Cashier {
    pub(crate) fn from_settings(settings: &Settings) -> Result<impl FnOnce(Outbox) -> Self + use<>, SettingsError> {
        let idempotency = idempotency(settings)?;
        let refused = ShareOfKeys::from_settings(settings, PAYMENTS_FAILURE_RATE)?;
        Ok(move |outbox| Self {
            idempotency,
            refused,
            outbox,
        })
    }

    async fn say<P: Payload>(&self, connection: &mut AnyConnection, payload: P) -> Result<(), Refusal> {
        Ok(self.outbox.add(connection, topics::ORDERS, payload).await?)
    }
}

impl SagaStep for Cashier {
    type Order = Due;

    fn asked(event: &DomainEvent) -> Option<Asked<Due>> {
        Some(match event {
            DomainEvent::InventoryReserved(reserved) => Asked::Perform(Due {
                order_id: reserved.order_id,
                amount_cents: reserved.amount_cents,
            }),
            DomainEvent::TakePayment(command) => Asked::Perform(Due {
                order_id: command.order_id,
                amount_cents: command.amount_cents,
            }),
            DomainEvent::OrderCancelled(order) => Asked::Compensate(order.order_id),
            DomainEvent::RefundPayment(command) => Asked::Compensate(command.order_id),
            _ => return None,
        })
    }

    /// Takes the money for an order, unless that was done before or is not to be done any more.
    async fn perform(&self, connection: &mut AnyConnection, due: Due) -> Result<(), Refusal> {
        let Due { order_id, amount_cents } = due;
        if is_cancelled(connection, order_id).await? {
            return Ok(());
        }
        if self.refused.has(order_id) {
            let reason = "the bank refuses the payment".to_owned();
            return self.say(connection, PaymentFailed { order_id, reason }).await;
        }
        let key = format!("order-{order_id}");
        let with_key = self.idempotency != Idempotency::None;
        if with_key && is_taken(connection, &key).await? {
            return Ok(());
        }
        let payment_id = insert(connection, order_id, amount_cents, with_key.then_some(key.as_str())).await?;
        if with_key {
            claim(connection, &key, payment_id, order_id, amount_cents).await?;
        }
        let completed = PaymentCompleted {
            order_id,
            payment_id,
            amount_cents,
        };
        self.say(connection, completed).await
    }

    /// Gives back all that was taken for an order and not given back before.
    async fn compensate(&self, connection: &mut AnyConnection, order_id: i64) -> Result<(), Refusal> {
        sqlx::query("INSERT INTO cancelled_orders (order_id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(order_id)
            .execute(&mut *connection)
            .await?;
        let due: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT id, amount_cents FROM payments WHERE order_id = $1 \
             AND NOT EXISTS (SELECT 1 FROM refunds WHERE payment_id = payments.id) ORDER BY id",
        )
        .bind(order_id)
        .fetch_all(&mut *connection)
        .await?;
        for (payment_id, amount_cents) in due {
            sqlx::query("INSERT INTO refunds (payment_id, order_id, amount_cents) VALUES ($1, $2, $3)")
                .bind(payment_id)
                .bind(order_id)
                .bind(amount_cents)
                .execute(&mut *connection)
                .await?;
            let refunded = PaymentRefunded {
                order_id,
                payment_id,
                amount_cents,
            };
            self.say(connection, refunded).await?;
        }
        Ok(())
    }
}

async fn is_cancelled(connection: &mut AnyConnection, order_id: i64) -> Result<bool, sqlx::Error> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT order_id FROM cancelled_orders WHERE order_id = $1")
        .bind(order_id)
        .optional(connection)
        .await?;
    Ok(row.is_some())
}

async fn is_taken(connection: &mut AnyConnection, key: &str) -> Result<bool, sqlx::Error> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT payment_id FROM idempotency_keys WHERE request_key = $1")
        .bind(key)
        .optional(connection)
        .await?;
    Ok(row.is_some())
}

async fn insert(
    connection: &mut AnyConnection,
    order_id: i64,
    amount_cents: i64,
    key: Option<&str>,
) -> Result<i64, sqlx::Error> {
    let (id,): (i64,) =
        sqlx::query_as("INSERT INTO payments (order_id, amount_cents, request_key) VALUES ($1, $2, $3) RETURNING id")
            .bind(order_id)
            .bind(amount_cents)
            .bind(key)
            .one(connection)
            .await?;
    Ok(id)
}

/// Claims the key. Of two instances that do so at once, the second fails here, and finds the key taken when it tries again.
async fn claim(
    connection: &mut AnyConnection,
    key: &str,
    payment_id: i64,
    order_id: i64,
    amount_cents: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO idempotency_keys (request_key, payment_id, order_id, amount_cents) VALUES ($1, $2, $3, $4)",
    )
    .bind(key)
    .bind(payment_id)
    .bind(order_id)
    .bind(amount_cents)
    .execute(connection)
    .await
    .map(drop)
}

/// How much money there is: for whoever looks at the service from outside.
pub(crate) async fn summary(State(database): State<Database>) -> Result<Json<PaymentsSummary>, Failure> {
    // Sums of whole numbers are of a wider type on PostgreSQL, and NULL over no rows.
    let (charges, captured_cents, refunded_cents, charged_twice): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM payments), \
         CAST(COALESCE((SELECT SUM(amount_cents) FROM payments), 0) AS BIGINT), \
         CAST(COALESCE((SELECT SUM(amount_cents) FROM refunds), 0) AS BIGINT), \
         (SELECT COUNT(*) FROM (SELECT order_id FROM payments GROUP BY order_id HAVING COUNT(*) > 1) AS twice)",
    )
    .one(&*database)
    .await
    .map_err(Failure::internal)?;
    Ok(Json(PaymentsSummary {
        charges,
        captured_cents,
        refunded_cents,
        charged_twice,
    }))
}

#[cfg(test)]
mod tests;
