use chassis::testing::settings;
use contract::events::{
    InventoryFailed, InventoryReleased, InventoryReserved, NotificationRequested, OrderCancelled, OrderConfirmed,
    PaymentCompleted, PaymentFailed, PaymentRefunded, RefundPayment, ReleaseInventory, TakePayment,
};
use messaging::Outbox;
use messaging::testing::{handle, said};

use super::*;
use crate::open;

/// A service without its brokers.
struct Shop {
    database: Database,
    process: Process,
}

impl Shop {
    async fn new(style: Style, declined: &str) -> Self {
        let settings = settings(Program::Orders, &[(ORDERS_REFUSAL_RATE, declined)]);
        Self {
            database: open("sqlite::memory:").await.unwrap(),
            process: Process {
                style,
                declined: ShareOfKeys::from_settings(&settings, ORDERS_REFUSAL_RATE).unwrap(),
                outbox: Outbox::new(Program::Orders),
            },
        }
    }

    async fn place(&self, deadline_ms: i64) -> i64 {
        let wanted = NewOrder {
            user_id: 1,
            product_id: 1,
            quantity: 2,
        };
        let mut transaction = self.database.begin_write().await.unwrap();
        let id = book::place(&mut transaction, &wanted, unix_ms(), deadline_ms)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        id
    }

    async fn hears(&self, payload: impl Into<contract::events::DomainEvent>) {
        handle(&self.database, &self.process, payload).await.unwrap();
    }

    async fn said(&self) -> Vec<String> {
        said(&self.database).await
    }

    async fn order(&self, id: i64) -> SagaOrder {
        book::find(&self.database, id).await.unwrap().unwrap()
    }
}

fn reserved(order_id: i64) -> InventoryReserved {
    InventoryReserved {
        order_id,
        reservation_id: 1,
        product_id: 1,
        quantity: 2,
        amount_cents: 500,
    }
}

fn paid(order_id: i64) -> PaymentCompleted {
    PaymentCompleted {
        order_id,
        payment_id: 1,
        amount_cents: 500,
    }
}

fn released(order_id: i64) -> InventoryReleased {
    InventoryReleased {
        order_id,
        reservation_id: 1,
        product_id: 1,
        quantity: 2,
    }
}

fn refunded(order_id: i64) -> PaymentRefunded {
    PaymentRefunded {
        order_id,
        payment_id: 1,
        amount_cents: 500,
    }
}

#[tokio::test]
async fn an_order_is_confirmed_and_each_step_is_in_the_audit() {
    let shop = Shop::new(Style::Choreography, "0").await;
    let id = shop.place(i64::MAX).await;
    assert_eq!(shop.order(id).await.status, OrderStatus::Pending);
    shop.hears(reserved(id)).await;
    assert_eq!(shop.order(id).await.status, OrderStatus::Reserved);
    for _ in 0..2 {
        shop.hears(paid(id)).await;
    }
    let order = shop.order(id).await;
    assert_eq!((order.status, order.amount_cents), (OrderStatus::Confirmed, 500));
    assert_eq!(shop.said().await, [OrderConfirmed::TYPE, NotificationRequested::TYPE]);
    let history = book::history(&shop.database, id).await.unwrap();
    let causes: Vec<&str> = history.iter().map(|transition| transition.cause.as_str()).collect();
    assert_eq!(
        causes,
        ["placed", InventoryReserved::TYPE, PaymentCompleted::TYPE, "accepted"]
    );
    let last = history.last().unwrap();
    assert_eq!(
        (last.from, last.to, last.held, last.paid),
        (Some(OrderStatus::Paid), OrderStatus::Confirmed, true, true)
    );
    let summary = book::summary(&shop.database).await.unwrap();
    assert_eq!((summary.orders, summary.open, summary.confirmed), (1, 0, 1));
    assert_eq!((summary.confirmed_cents, summary.confirmed_pieces), (500, 2));
}

#[tokio::test]
async fn an_orchestrator_tells_the_others_what_to_do() {
    let shop = Shop::new(Style::Orchestration, "1").await;
    let id = shop.place(i64::MAX).await;
    shop.hears(reserved(id)).await;
    shop.hears(paid(id)).await;
    let order = shop.order(id).await;
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert!(order.reason.unwrap().contains("last step"));
    let expected = [
        TakePayment::TYPE,
        OrderCancelled::TYPE,
        NotificationRequested::TYPE,
        RefundPayment::TYPE,
        ReleaseInventory::TYPE,
    ];
    assert_eq!(shop.said().await, expected);
    assert_eq!(
        book::open(&shop.database).await.unwrap(),
        1,
        "not everything is given back"
    );
    shop.hears(refunded(id)).await;
    shop.hears(released(id)).await;
    assert_eq!(book::open(&shop.database).await.unwrap(), 0);
}

#[tokio::test]
async fn failures_cancel_with_their_reason() {
    let shop = Shop::new(Style::Choreography, "0").await;
    let (first, second) = (shop.place(i64::MAX).await, shop.place(i64::MAX).await);
    let reason = || "because".to_owned();
    let no_stock = InventoryFailed {
        order_id: first,
        reason: reason(),
    };
    shop.hears(no_stock).await;
    shop.hears(reserved(second)).await;
    let no_money = PaymentFailed {
        order_id: second,
        reason: reason(),
    };
    shop.hears(no_money).await;
    for id in [first, second] {
        let order = shop.order(id).await;
        assert_eq!((order.status, order.reason), (OrderStatus::Cancelled, Some(reason())));
    }
    assert_eq!(
        book::open(&shop.database).await.unwrap(),
        1,
        "the pieces of the second are not put back"
    );
    shop.hears(released(second)).await;
    let summary = book::summary(&shop.database).await.unwrap();
    assert_eq!((summary.open, summary.cancelled, summary.confirmed_cents), (0, 2, 0));
}

#[tokio::test]
async fn only_undecided_orders_are_overdue() {
    let shop = Shop::new(Style::Choreography, "0").await;
    let (late, early, done) = (shop.place(10).await, shop.place(i64::MAX).await, shop.place(10).await);
    shop.hears(reserved(done)).await;
    shop.hears(paid(done)).await;
    assert_eq!(book::overdue(&shop.database, 11).await.unwrap(), [late]);
    assert_eq!(shop.order(early).await.status, OrderStatus::Pending);
}

#[tokio::test]
async fn an_event_of_an_unknown_order_is_refused_for_good() {
    let shop = Shop::new(Style::Choreography, "0").await;
    let refusal = handle(&shop.database, &shop.process, paid(99)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Never(_)), "{refusal:?}");
}
