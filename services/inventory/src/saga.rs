//! Setting pieces aside for orders that come through Kafka, and putting them back.
//!
//! In a choreography it reacts to `OrderCreated` and `OrderCancelled`, in an orchestration it obeys `ReserveInventory` and
//! `ReleaseInventory`: the same two steps. The order is the key of both, so doing a step again does nothing.

use axum::extract::State;
use chassis::{Failure, Json};
use contract::ProductsSummary;
use contract::events::{DomainEvent, InventoryFailed, InventoryReleased, InventoryReserved, Payload, topics};
use messaging::{Asked, Outbox, Refusal, SagaStep};
use sqlx::AnyConnection;
use store::{Database, Fetch};

use crate::reservations::{STOCK, insert_reservation, put_back};

/// The shelf from which pieces are taken.
pub(crate) struct Shelf {
    outbox: Outbox,
}

/// What an order wants.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    order_id: i64,
    product_id: i64,
    quantity: i64,
}

impl Shelf {
    pub(crate) const fn new(outbox: Outbox) -> Self {
        Self { outbox }
    }

    async fn say<P: Payload>(&self, connection: &mut AnyConnection, payload: P) -> Result<(), Refusal> {
        Ok(self.outbox.add(connection, topics::ORDERS, payload).await?)
    }
}

impl SagaStep for Shelf {
    type Order = Wanted;

    fn asked(event: &DomainEvent) -> Option<Asked<Wanted>> {
        Some(match event {
            DomainEvent::OrderCreated(order) => Asked::Perform(Wanted {
                order_id: order.order_id,
                product_id: order.product_id,
                quantity: order.quantity,
            }),
            DomainEvent::ReserveInventory(command) => Asked::Perform(Wanted {
                order_id: command.order_id,
                product_id: command.product_id,
                quantity: command.quantity,
            }),
            DomainEvent::OrderCancelled(order) => Asked::Compensate(order.order_id),
            DomainEvent::ReleaseInventory(command) => Asked::Compensate(command.order_id),
            _ => return None,
        })
    }

    /// Takes the pieces in one conditional statement, and says whether there were enough.
    async fn perform(&self, connection: &mut AnyConnection, wanted: Wanted) -> Result<(), Refusal> {
        let Wanted {
            order_id,
            product_id,
            quantity,
        } = wanted;
        let known: Option<(i64,)> = sqlx::query_as("SELECT order_id FROM order_reservations WHERE order_id = $1")
            .bind(order_id)
            .optional(&mut *connection)
            .await?;
        if known.is_some() {
            return Ok(());
        }
        if STOCK.take(connection, product_id, quantity).await?.is_none() {
            let reason = format!("product {product_id} has fewer than {quantity} left");
            return self.say(connection, InventoryFailed { order_id, reason }).await;
        }
        let (reservation_id, price_cents) = insert_reservation(connection, product_id, quantity).await?;
        sqlx::query(
            "INSERT INTO order_reservations (order_id, reservation_id, product_id, quantity) VALUES ($1, $2, $3, $4)",
        )
        .bind(order_id)
        .bind(reservation_id)
        .bind(product_id)
        .bind(quantity)
        .execute(&mut *connection)
        .await?;
        let reserved = InventoryReserved {
            order_id,
            reservation_id,
            product_id,
            quantity,
            amount_cents: price_cents.saturating_mul(quantity),
        };
        self.say(connection, reserved).await
    }

    /// Puts the pieces of an order back, if there are any that were not put back before.
    async fn compensate(&self, connection: &mut AnyConnection, order_id: i64) -> Result<(), Refusal> {
        let held: Option<(i64, i64, i64)> = sqlx::query_as(
            "UPDATE order_reservations SET released = 1 WHERE order_id = $1 AND released = 0 \
             RETURNING reservation_id, product_id, quantity",
        )
        .bind(order_id)
        .optional(&mut *connection)
        .await?;
        let Some((reservation_id, product_id, quantity)) = held else {
            return Ok(());
        };
        put_back(connection, reservation_id).await?;
        let released = InventoryReleased {
            order_id,
            reservation_id,
            product_id,
            quantity,
        };
        self.say(connection, released).await
    }
}

/// How many pieces there are, and where: for whoever looks at the service from outside.
pub(crate) async fn summary(State(database): State<Database>) -> Result<Json<ProductsSummary>, Failure> {
    // Sums of whole numbers are of a wider type on PostgreSQL, and NULL over no rows.
    let (stock, reserved): (i64, i64) = sqlx::query_as(
        "SELECT CAST(COALESCE((SELECT SUM(stock) FROM products), 0) AS BIGINT), \
         CAST(COALESCE((SELECT SUM(quantity) FROM reservations), 0) AS BIGINT)",
    )
    .one(&*database)
    .await
    .map_err(Failure::internal)?;
    Ok(Json(ProductsSummary { stock, reserved }))
}

#[cfg(test)]
mod tests;
