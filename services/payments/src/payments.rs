//! Payments: charging, and what was charged.

use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use chassis::{Failure, Json, Path, Query, RowLimit, Settings, SettingsError, ShareOfRequests};
use contract::environment::{IDEMPOTENCY, PAYMENTS_FAILURE_RATE, PAYMENTS_SLOW_ANSWER_MS, PAYMENTS_SLOW_ANSWER_RATE};
use contract::limits::LOCK_MS_MAX;
use contract::{NewPayment, Payment};
use http::StatusCode;
use lock::Visit;
use serde::Deserialize;
use store::{Database, Fetch};

use crate::charge::{Charged, Idempotency, charge};
use crate::row::{Row, payment};

/// How this instance takes money.
#[derive(Clone)]
pub(crate) struct Till {
    idempotency: Idempotency,
    refused: ShareOfRequests,
    slow: ShareOfRequests,
    slow_answer: Duration,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    order_id: Option<i64>,
}

impl Till {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        Ok(Self {
            idempotency: idempotency(settings)?,
            refused: ShareOfRequests::from_settings(settings, PAYMENTS_FAILURE_RATE, 0)?,
            slow: ShareOfRequests::from_settings(settings, PAYMENTS_SLOW_ANSWER_RATE, 1)?,
            slow_answer: env.milliseconds(PAYMENTS_SLOW_ANSWER_MS, 0, 0, LOCK_MS_MAX)?,
        })
    }
}

/// What an idempotency key is good for here.
///
/// # Errors
/// When the variable holds something else.
pub(crate) fn idempotency(settings: &Settings) -> Result<Idempotency, SettingsError> {
    settings.environment.choice(
        IDEMPOTENCY,
        &[
            ("atomic", Idempotency::Atomic),
            ("check-first", Idempotency::CheckFirst),
            ("none", Idempotency::None),
        ],
    )
}

pub(crate) async fn list(
    State(database): State<Database>,
    RowLimit(limit): RowLimit,
    Query(Filter { order_id }): Query<Filter>,
) -> Result<Json<Vec<Payment>>, Failure> {
    let query = match order_id {
        None => sqlx::query_as::<_, Row>(
            "SELECT id, order_id, amount_cents, request_key FROM payments ORDER BY id DESC LIMIT $1",
        ),
        Some(order_id) => sqlx::query_as::<_, Row>(
            "SELECT id, order_id, amount_cents, request_key FROM payments WHERE order_id = $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(order_id),
    };
    let rows = query
        .bind(limit)
        .fetch_all(&*database)
        .await
        .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(payment).collect()))
}

pub(crate) async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Payment>, Failure> {
    let row: Option<Row> = sqlx::query_as("SELECT id, order_id, amount_cents, request_key FROM payments WHERE id = $1")
        .bind(id)
        .optional(&*database)
        .await
        .map_err(Failure::internal)?;
    row.map(|row| Json(payment(row)))
        .ok_or_else(|| Failure::not_found(format!("there is no payment {id}")))
}

pub(crate) async fn create(
    State(database): State<Database>,
    State(till): State<Till>,
    visit: Visit,
    Json(wanted): Json<NewPayment>,
) -> impl IntoResponse {
    let charged = take_money(&database, &till, &visit, &wanted).await;
    visit.answer(charged.map(|charged| match charged {
        Charged::Now(payment) => (StatusCode::CREATED, payment),
        Charged::Before(payment) => (StatusCode::OK, payment),
    }))
}

async fn take_money(database: &Database, till: &Till, visit: &Visit, wanted: &NewPayment) -> Result<Charged, Failure> {
    if till.refused.hits() {
        return Err(
            Failure::unavailable("the payment provider does not answer; nothing was charged, try again")
                .with_kind(contract::kind::PAYMENT_REFUSED),
        );
    }
    let charged = charge(database, till.idempotency, visit, wanted).await?;
    // An answer that tells of an earlier payment is quick: whoever asks again is told what happened.
    if matches!(charged, Charged::Now(_)) && till.slow.hits() {
        tokio::time::sleep(till.slow_answer).await;
    }
    Ok(charged)
}
