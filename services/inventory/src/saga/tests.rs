use contract::Program;
use contract::events::{OrderCancelled, OrderCreated, ReleaseInventory, ReserveInventory};
use messaging::testing::{handle, said};
use sqlx::query_as;
use store::Fetch;

use super::*;
use crate::open;

/// The product of which there are ten.
const TICKET: i64 = 5;

fn created(order_id: i64, product_id: i64, quantity: i64) -> OrderCreated {
    OrderCreated {
        order_id,
        user_id: 1,
        product_id,
        quantity,
        amount_cents: 0,
    }
}

fn cancelled(order_id: i64) -> OrderCancelled {
    OrderCancelled {
        order_id,
        reason: "test".to_owned(),
    }
}

async fn stock(database: &Database) -> ProductsSummary {
    summary(State(database.clone())).await.unwrap().0
}

#[tokio::test]
async fn pieces_are_set_aside_once_and_put_back_once() {
    let database = open("sqlite::memory:").await.unwrap();
    let shelf = Shelf::new(Outbox::new(Program::Inventory));
    let before = stock(&database).await;
    for _ in 0..2 {
        handle(&database, &shelf, created(1, TICKET, 3)).await.unwrap();
    }
    let held = ProductsSummary {
        stock: before.stock - 3,
        reserved: 3,
    };
    assert_eq!(stock(&database).await, held);
    for _ in 0..2 {
        handle(&database, &shelf, cancelled(1)).await.unwrap();
    }
    assert_eq!(stock(&database).await, before);
    assert_eq!(
        said(&database).await,
        [InventoryReserved::TYPE, InventoryReleased::TYPE]
    );
    // What is heard late, after all that, sets nothing aside any more.
    handle(&database, &shelf, created(1, TICKET, 3)).await.unwrap();
    assert_eq!(stock(&database).await, before);
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_costs_nothing() {
    let database = open("sqlite::memory:").await.unwrap();
    let shelf = Shelf::new(Outbox::new(Program::Inventory));
    let before = stock(&database).await;
    for (order_id, product_id) in [(1, TICKET), (2, 99)] {
        handle(&database, &shelf, created(order_id, product_id, 11))
            .await
            .unwrap();
        handle(&database, &shelf, cancelled(order_id)).await.unwrap();
    }
    assert_eq!(stock(&database).await, before);
    assert_eq!(said(&database).await, [InventoryFailed::TYPE, InventoryFailed::TYPE]);
}

#[tokio::test]
async fn commands_do_the_same() {
    let database = open("sqlite::memory:").await.unwrap();
    let shelf = Shelf::new(Outbox::new(Program::Inventory));
    let reserve = ReserveInventory {
        order_id: 7,
        product_id: 1,
        quantity: 2,
    };
    handle(&database, &shelf, reserve).await.unwrap();
    let (payload,): (String,) = query_as("SELECT payload FROM outbox").one(&*database).await.unwrap();
    assert!(payload.contains("\"amount_cents\":17800"), "two keyboards: {payload}");
    let release = ReleaseInventory {
        order_id: 7,
        reason: "test".to_owned(),
    };
    handle(&database, &shelf, release).await.unwrap();
    assert_eq!(stock(&database).await.reserved, 0);
    assert_eq!(
        said(&database).await,
        [InventoryReserved::TYPE, InventoryReleased::TYPE]
    );
}
