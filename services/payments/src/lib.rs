//! What was paid, and what there is to pay from.
//!
//! - `GET /payments` (also `?order_id=`), `GET /payments/{id}`, `POST /payments`
//! - `GET /accounts/{id}`, `PUT /accounts/{id}`, `POST /accounts/{id}/debits`
//!
//! `IDEMPOTENCY` says what an idempotency key is good for. `PAYMENTS_FAILURE_RATE` refuses a share of the payments with
//! 503 before anything is written; `PAYMENTS_SLOW_ANSWER_RATE` holds the answer of a share of them back for
//! `PAYMENTS_SLOW_ANSWER_MS`, after the money was taken. Both are drawn from seeded generators.
//!
//! Debits are protected from one another by the strategy of the instance, or of the request (`x-strategy`): see
//! [`contract::Strategy`]. `BALANCE_IN=memory` keeps the balances in the memory of the instance, where no lock can
//! protect them from other instances: those have balances of their own.
//!
//! With `SAGA` set, it also takes money for orders that come through Kafka. `GET /payments/summary` and `GET /pending` are
//! for whoever looks at it from outside.

mod accounts;
mod charge;
mod ledger;
mod payments;
mod row;
mod saga;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use chassis::{App, ServeError, Settings};
use lock::Protection;
use messaging::{Part, inbox_migration, outbox_migration, outbox_tracestate_migration};
use store::{Database, Migration};

use crate::ledger::Ledger;
use crate::payments::Till;
use crate::saga::Cashier;

const MIGRATIONS: [Migration; 6] = [
    Migration::new(1, "payments", include_str!("../migrations/0001_payments.sql")),
    Migration::new(2, "accounts", include_str!("../migrations/0002_accounts.sql")),
    Migration::new(3, "saga", include_str!("../migrations/0003_saga.sql")),
    inbox_migration(4),
    outbox_migration(5),
    outbox_tracestate_migration(6),
];

#[derive(Clone, FromRef)]
struct Payments {
    database: Database,
    till: Till,
    ledger: Ledger,
    protection: Protection,
}

/// Opens the database of the service.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(database_url: &str) -> Result<Database, ServeError> {
    Ok(Database::open(database_url, &MIGRATIONS).await?)
}

/// The whole service on an open database, taking part in no saga. To be called within a runtime.
///
/// # Errors
/// When a setting is wrong, or the Redis that it needs is not named.
pub fn app(settings: &Settings, database: Database) -> Result<Router, ServeError> {
    router(settings, database, &Part::none())
}

fn router(settings: &Settings, database: Database, part: &Part<Cashier>) -> Result<Router, ServeError> {
    let protection = Protection::from_settings(settings)?;
    let app = App::new(settings).checks([database.check()]).checks(protection.check());
    let payments = Payments {
        till: Till::from_settings(settings)?,
        ledger: Ledger::from_settings(settings, database.clone())?,
        database,
        protection,
    };
    let summary = Router::new()
        .route("/payments/summary", get(saga::summary))
        .with_state(payments.clone());
    let routes = Router::new()
        .route("/payments", get(payments::list).post(payments::create))
        .route("/payments/{id}", get(payments::show))
        .route("/accounts/{id}", get(accounts::show).put(accounts::put))
        .route("/accounts/{id}/debits", post(accounts::debit))
        .with_state(payments);
    Ok(part.beside(app).business(routes).plain(summary).into_router())
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When a setting is wrong, or its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(settings.database_url.expose()).await?;
    let cashier = Cashier::from_settings(&settings)?;
    Part::serve(&settings, database, cashier, router).await
}
