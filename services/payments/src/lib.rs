//! What was paid.
//!
//! `GET /payments`, `GET /payments/{id}`, `POST /payments`. `PAYMENTS_FAILURE_RATE` refuses a share of the payments with
//! 503, drawn from a seeded generator, before anything is written.

mod refusal;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use chassis::{App, Check, Failure, Json, Path, RowLimit, ServeError, Settings};
use contract::{NewPayment, Payment, PaymentStatus};
use http::StatusCode;
pub use refusal::Refusal;
use store::{Database, Migration};

const MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    description: "payments",
    sql: include_str!("../migrations/0001_payments.sql"),
}];

type Row = (i64, i64, i64, Option<String>);

#[derive(Clone, FromRef)]
struct Payments {
    database: Database,
    refusal: Refusal,
}

/// Opens the database of the service.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(database_url: &str) -> Result<Database, ServeError> {
    Database::open(database_url, &MIGRATIONS)
        .await
        .map_err(|error| ServeError::start("the database", error))
}

/// The whole service on an open database.
pub fn app(settings: &Settings, database: Database, refusal: Refusal) -> Router {
    let ready = database.clone();
    let check = Check::new("database", move || {
        let database = ready.clone();
        async move { database.is_ready().await }
    });
    let routes = Router::new()
        .route("/payments", get(list).post(create))
        .route("/payments/{id}", get(show))
        .with_state(Payments { database, refusal });
    App::new(settings).business(routes).checks([check]).into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When a setting is wrong, or its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let refusal = Refusal::from_settings(&settings)?;
    let database = open(&settings.database_url).await?;
    chassis::serve(app(&settings, database, refusal), &settings).await
}

fn payment((id, order_id, amount_cents, idempotency_key): Row) -> Payment {
    Payment {
        id,
        order_id,
        amount_cents,
        status: PaymentStatus::Captured,
        idempotency_key,
    }
}

async fn list(State(database): State<Database>, RowLimit(limit): RowLimit) -> Result<Json<Vec<Payment>>, Failure> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT id, order_id, amount_cents, idempotency_key FROM payments ORDER BY id DESC LIMIT $1")
            .bind(limit)
            .fetch_all(&*database)
            .await
            .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(payment).collect()))
}

async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Payment>, Failure> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, order_id, amount_cents, idempotency_key FROM payments WHERE id = $1")
            .bind(id)
            .fetch_optional(&*database)
            .await
            .map_err(Failure::internal)?;
    row.map(|row| Json(payment(row)))
        .ok_or_else(|| Failure::not_found(format!("there is no payment {id}")))
}

async fn create(
    State(database): State<Database>,
    State(refusal): State<Refusal>,
    Json(wanted): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), Failure> {
    if refusal.refuses() {
        return Err(
            Failure::unavailable("the payment provider does not answer; nothing was charged, try again")
                .with_kind("urn:lab:payment-refused"),
        );
    }
    let NewPayment {
        order_id,
        amount_cents,
        idempotency_key,
    } = wanted;
    let inserted: Option<(i64,)> = sqlx::query_as(
        "INSERT INTO payments (order_id, amount_cents, idempotency_key) VALUES ($1, $2, $3) \
         ON CONFLICT (idempotency_key) DO NOTHING RETURNING id",
    )
    .bind(order_id)
    .bind(amount_cents)
    .bind(idempotency_key.as_deref())
    .fetch_optional(&*database)
    .await
    .map_err(Failure::internal)?;
    match (inserted, idempotency_key) {
        (Some((id,)), key) => Ok((StatusCode::CREATED, Json(payment((id, order_id, amount_cents, key))))),
        (None, Some(key)) => repeated(&database, order_id, amount_cents, &key).await,
        (None, None) => Err(Failure::conflict("the payment was not stored")),
    }
}

/// The payment that was made under the same key before, provided that it was the same payment.
async fn repeated(
    database: &Database,
    order_id: i64,
    amount_cents: i64,
    key: &str,
) -> Result<(StatusCode, Json<Payment>), Failure> {
    let row: Row =
        sqlx::query_as("SELECT id, order_id, amount_cents, idempotency_key FROM payments WHERE idempotency_key = $1")
            .bind(key)
            .fetch_one(&**database)
            .await
            .map_err(Failure::internal)?;
    let first = payment(row);
    if (first.order_id, first.amount_cents) == (order_id, amount_cents) {
        Ok((StatusCode::OK, Json(first)))
    } else {
        Err(Failure::unprocessable("idempotency_key was used for another payment"))
    }
}

#[cfg(test)]
mod tests {
    use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, settings};
    use contract::ServiceName;
    use serde_json::{Value, json};

    use super::*;

    async fn router(failure_rate: &str) -> Router {
        let settings = settings(ServiceName::Payments, &[("PAYMENTS_FAILURE_RATE", failure_rate)]);
        let refusal = Refusal::from_settings(&settings).unwrap();
        app(&settings, open("sqlite::memory:").await.unwrap(), refusal)
    }

    async fn payments(router: &Router) -> Value {
        get_from(router, "/payments").await.json()
    }

    #[tokio::test]
    async fn a_payment_is_captured_and_listed_newest_first() {
        let router = router("0").await;
        let first = post_to(&router, "/payments", &json!({"order_id": 7, "amount_cents": 500})).await;
        assert_eq!(first.status, 201);
        assert_eq!(
            first.json(),
            json!({"id": 1, "order_id": 7, "amount_cents": 500, "status": "captured"})
        );
        let second = post_to(&router, "/payments", &json!({"order_id": 8, "amount_cents": 1})).await;
        assert_eq!(payments(&router).await, json!([second.json(), first.json()]));
        assert_eq!(get_from(&router, "/payments/1").await.json(), first.json());
    }

    #[tokio::test]
    async fn the_same_key_charges_once() {
        let router = router("0").await;
        let body = json!({"order_id": 7, "amount_cents": 500, "idempotency_key": "k"});
        let first = post_to(&router, "/payments", &body).await;
        let again = post_to(&router, "/payments", &body).await;
        assert_eq!((first.status, again.status), (201, 200));
        assert_eq!(first.json(), again.json());
        let other = json!({"order_id": 7, "amount_cents": 501, "idempotency_key": "k"});
        assert_problem(&post_to(&router, "/payments", &other).await, 422);
        assert_eq!(payments(&router).await, json!([first.json()]));
    }

    #[tokio::test]
    async fn wrong_and_refused_requests_change_nothing() {
        let router = router("0").await;
        assert_refuses_bodies(&router, "/payments").await;
        for body in [
            json!({"order_id": 1, "amount_cents": -5}),
            json!({"order_id": 1, "amount_cents": 0}),
            json!({"order_id": 0, "amount_cents": 1}),
            json!({"order_id": "1", "amount_cents": 1}),
            json!({"order_id": 1, "amount_cents": 1, "idempotency_key": ""}),
        ] {
            assert_problem(&post_to(&router, "/payments", &body).await, 422);
        }
        assert_problem(&get_from(&router, "/payments/1").await, 404);
        assert_problem(&get_from(&router, "/payments/x").await, 400);
        assert_eq!(payments(&router).await, json!([]));

        let refusing = self::router("1").await;
        assert_problem(
            &post_to(&refusing, "/payments", &json!({"order_id": 7, "amount_cents": 500})).await,
            503,
        );
        assert_eq!(payments(&refusing).await, json!([]));
    }
}
