use chassis::testing::settings;
use contract::Program;
use contract::environment::IDEMPOTENCY;
use contract::events::{OrderCancelled, RefundPayment, TakePayment};
use messaging::testing::{handle, said};

use super::*;
use crate::open;

fn cashier(variables: &[(&str, &str)]) -> Cashier {
    let settings = settings(Program::Payments, variables);
    Cashier::from_settings(&settings).unwrap()(Outbox::new(Program::Payments))
}

fn take(order_id: i64) -> TakePayment {
    TakePayment {
        order_id,
        amount_cents: 500,
    }
}

fn refund(order_id: i64) -> RefundPayment {
    RefundPayment {
        order_id,
        reason: "test".to_owned(),
    }
}

async fn money(database: &Database) -> PaymentsSummary {
    summary(State(database.clone())).await.unwrap().0
}

#[tokio::test]
async fn the_order_is_the_key_under_which_money_is_taken() {
    let database = open("sqlite::memory:").await.unwrap();
    let cashier = cashier(&[]);
    for _ in 0..2 {
        handle(&database, &cashier, take(1)).await.unwrap();
    }
    let once = PaymentsSummary {
        charges: 1,
        captured_cents: 500,
        ..PaymentsSummary::default()
    };
    assert_eq!(money(&database).await, once);
    assert_eq!(said(&database).await, [PaymentCompleted::TYPE]);
}

#[tokio::test]
async fn without_a_key_who_hears_twice_takes_twice() {
    let database = open("sqlite::memory:").await.unwrap();
    let cashier = cashier(&[(IDEMPOTENCY, "none")]);
    for _ in 0..2 {
        handle(&database, &cashier, take(1)).await.unwrap();
    }
    let money = money(&database).await;
    assert_eq!((money.charges, money.charged_twice), (2, 1));
}

#[tokio::test]
async fn money_is_given_back_once_and_never_taken_after_that() {
    let database = open("sqlite::memory:").await.unwrap();
    let cashier = cashier(&[]);
    handle(&database, &cashier, take(1)).await.unwrap();
    for _ in 0..2 {
        handle(&database, &cashier, refund(1)).await.unwrap();
    }
    let given_back = money(&database).await;
    assert_eq!((given_back.captured_cents, given_back.refunded_cents), (500, 500));
    assert_eq!(said(&database).await, [PaymentCompleted::TYPE, PaymentRefunded::TYPE]);
    let cancelled = OrderCancelled {
        order_id: 2,
        reason: "test".to_owned(),
    };
    handle(&database, &cashier, cancelled).await.unwrap();
    handle(&database, &cashier, take(2)).await.unwrap();
    assert_eq!(money(&database).await, given_back);
}

#[tokio::test]
async fn the_same_orders_are_refused_each_time() {
    let database = open("sqlite::memory:").await.unwrap();
    let cashier = cashier(&[(PAYMENTS_FAILURE_RATE, "0.5")]);
    for order_id in (1..=40).chain(1..=40) {
        handle(&database, &cashier, take(order_id)).await.unwrap();
    }
    let paid = money(&database).await.charges;
    assert!((8..=32).contains(&paid), "{paid} of 40");
    let refused = said(&database)
        .await
        .into_iter()
        .filter(|kind| kind == PaymentFailed::TYPE);
    assert_eq!(refused.count() as i64, 2 * (40 - paid));
}
