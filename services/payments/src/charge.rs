//! Taking money once, or not quite.
//!
//! The steps of a payment: `read` is the key of the payment that was found under the idempotency key, or 0; `written`
//! the key of the new one.

use chassis::Failure;
use contract::{NewPayment, Payment, StepKind};
use lock::Visit;
use sqlx::AnyConnection;
use store::{Database, Fetch};

use crate::row::{Row, payment};

/// What an idempotency key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Nothing: who asks again pays again.
    None,
    /// Wrong: it is looked up before the payment is written, and two requests may both find nothing.
    CheckFirst,
    /// Right: it is claimed in the transaction that writes the payment, with the answer.
    Atomic,
}

/// A payment, and when it was made.
#[derive(Debug)]
pub(crate) enum Charged {
    /// By this request.
    Now(Payment),
    /// By an earlier one with the same key.
    Before(Payment),
}

/// Takes the money.
///
/// # Errors
/// 422 when the key was used for another payment.
pub(crate) async fn charge(
    database: &Database,
    idempotency: Idempotency,
    visit: &Visit,
    wanted: &NewPayment,
) -> Result<Charged, Failure> {
    match (idempotency, wanted.idempotency_key.as_deref()) {
        (Idempotency::None, _) | (_, None) => {
            visit.decide().await;
            let mut connection = database.acquire().await.map_err(Failure::internal)?;
            let payment = insert(&mut connection, wanted).await?;
            visit.note(StepKind::Written, Some(payment.id));
            Ok(Charged::Now(payment))
        }
        (Idempotency::CheckFirst, Some(key)) => check_and_insert(database, visit, wanted, key).await,
        (Idempotency::Atomic, Some(key)) => claim_and_insert(database, visit, wanted, key).await,
    }
}

async fn check_and_insert(
    database: &Database,
    visit: &Visit,
    wanted: &NewPayment,
    key: &str,
) -> Result<Charged, Failure> {
    let found: Option<Row> = sqlx::query_as(
        "SELECT id, order_id, amount_cents, request_key FROM payments WHERE request_key = $1 ORDER BY id LIMIT 1",
    )
    .bind(key)
    .optional(&**database)
    .await
    .map_err(Failure::internal)?;
    visit.note(StepKind::Read, Some(found.as_ref().map_or(0, |row| row.0)));
    if let Some(row) = found {
        return made_before(payment(row), wanted);
    }
    visit.decide().await;
    let mut connection = database.acquire().await.map_err(Failure::internal)?;
    let payment = insert(&mut connection, wanted).await?;
    visit.note(StepKind::Written, Some(payment.id));
    Ok(Charged::Now(payment))
}

/// Writes the payment and claims the key together. Of two at once, the second waits at the claim until the first is
/// committed; then it takes its own payment back, and gives the answer of the first.
async fn claim_and_insert(
    database: &Database,
    visit: &Visit,
    wanted: &NewPayment,
    key: &str,
) -> Result<Charged, Failure> {
    visit.decide().await;
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let payment = insert(&mut transaction, wanted).await?;
    let claimed = sqlx::query(
        "INSERT INTO idempotency_keys (request_key, payment_id, order_id, amount_cents) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (request_key) DO NOTHING",
    )
    .bind(key)
    .bind(payment.id)
    .bind(payment.order_id)
    .bind(payment.amount_cents)
    .execute(&mut *transaction)
    .await
    .map_err(Failure::internal)?;
    if claimed.rows_affected() == 1 {
        transaction.commit().await.map_err(Failure::internal)?;
        visit.note(StepKind::Written, Some(payment.id));
        return Ok(Charged::Now(payment));
    }
    transaction.rollback().await.map_err(Failure::internal)?;
    let stored = stored_answer(database, key).await?;
    visit.note(StepKind::Read, Some(stored.id));
    made_before(stored, wanted)
}

async fn stored_answer(database: &Database, key: &str) -> Result<Payment, Failure> {
    let row: Row = sqlx::query_as(
        "SELECT payment_id, order_id, amount_cents, request_key FROM idempotency_keys WHERE request_key = $1",
    )
    .bind(key)
    .one(&**database)
    .await
    .map_err(Failure::internal)?;
    Ok(payment(row))
}

async fn insert(connection: &mut AnyConnection, wanted: &NewPayment) -> Result<Payment, Failure> {
    let (id,): (i64,) =
        sqlx::query_as("INSERT INTO payments (order_id, amount_cents, request_key) VALUES ($1, $2, $3) RETURNING id")
            .bind(wanted.order_id)
            .bind(wanted.amount_cents)
            .bind(wanted.idempotency_key.as_deref())
            .one(connection)
            .await
            .map_err(Failure::internal)?;
    Ok(payment((
        id,
        wanted.order_id,
        wanted.amount_cents,
        wanted.idempotency_key.clone(),
    )))
}

/// The payment that was made under the same key before, provided that it was the same payment.
fn made_before(first: Payment, wanted: &NewPayment) -> Result<Charged, Failure> {
    if (first.order_id, first.amount_cents) == (wanted.order_id, wanted.amount_cents) {
        Ok(Charged::Before(first))
    } else {
        Err(Failure::unprocessable("idempotency_key was used for another payment"))
    }
}
