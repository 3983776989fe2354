//! What there is to sell, and how much of it is left.
//!
//! - `GET /products`, `GET /products/{id}`, `PUT /products/{id}`, `POST /products/{id}/reservations`,
//!   `DELETE /reservations/{id}`
//! - `GET /seats/{seat}/bookings`, `POST /seats/{seat}/bookings`
//! - `POST /locks/{key}/trials`
//!
//! Reservations and bookings are protected from one another by the strategy of the instance, or of the request
//! (`x-strategy`): see [`contract::Strategy`]. All requests for one seat should use the same.
//!
//! With `SAGA` set, it also sets pieces aside for orders that come through Kafka. `GET /products/summary` and
//! `GET /pending` are for whoever looks at it from outside.

mod bookings;
mod names;
mod products;
mod reservations;
mod saga;
#[cfg(test)]
mod tests;
mod trials;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{delete, get, post};
use chassis::{App, ServeError, Settings};
use lock::Protection;
use messaging::{Part, inbox_migration, outbox_migration, outbox_tracestate_migration};
use store::{Database, Migration};

use crate::saga::Shelf;

const MIGRATIONS: [Migration; 6] = [
    Migration::new(1, "products", include_str!("../migrations/0001_products.sql")),
    Migration::new(2, "seats", include_str!("../migrations/0002_seats.sql")),
    Migration::new(3, "saga", include_str!("../migrations/0003_saga.sql")),
    inbox_migration(4),
    outbox_migration(5),
    outbox_tracestate_migration(6),
];

#[derive(Clone, FromRef)]
struct Inventory {
    database: Database,
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

fn router(settings: &Settings, database: Database, part: &Part<Shelf>) -> Result<Router, ServeError> {
    let protection = Protection::from_settings(settings)?;
    let app = App::new(settings).checks([database.check()]).checks(protection.check());
    let inventory = Inventory { database, protection };
    let summary = Router::new()
        .route("/products/summary", get(saga::summary))
        .with_state(inventory.clone());
    let routes = Router::new()
        .route("/products", get(products::list))
        .route("/products/{id}", get(products::show).put(products::put))
        .route("/products/{id}/reservations", post(reservations::create))
        .route("/reservations/{id}", delete(reservations::release))
        .route("/seats/{seat}/bookings", get(bookings::list).post(bookings::create))
        .route("/locks/{key}/trials", post(trials::run))
        .with_state(inventory);
    Ok(part.beside(app).business(routes).plain(summary).into_router())
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When a setting is wrong, or its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(settings.database_url.expose()).await?;
    Part::serve(&settings, database, Shelf::new, router).await
}
