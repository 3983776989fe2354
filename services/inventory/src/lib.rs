//! What there is to sell, and how much of it is left.
//!
//! `GET /products`, `GET /products/{id}`, `POST /products/{id}/reservations`, `DELETE /reservations/{id}`.

mod reservations;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, post};
use chassis::{App, Check, Failure, Json, Path, RowLimit, ServeError, Settings};
use contract::Product;
use store::{Database, Migration};

const MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    description: "products",
    sql: include_str!("../migrations/0001_products.sql"),
}];

type Row = (i64, String, i64, i64);

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
pub fn app(settings: &Settings, database: Database) -> Router {
    let ready = database.clone();
    let check = Check::new("database", move || {
        let database = ready.clone();
        async move { database.is_ready().await }
    });
    let routes = Router::new()
        .route("/products", get(list))
        .route("/products/{id}", get(show))
        .route("/products/{id}/reservations", post(reservations::create))
        .route("/reservations/{id}", delete(reservations::release))
        .with_state(database);
    App::new(settings).business(routes).checks([check]).into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(&settings.database_url).await?;
    chassis::serve(app(&settings, database), &settings).await
}

fn product((id, name, price_cents, stock): Row) -> Product {
    Product {
        id,
        name,
        price_cents,
        stock,
    }
}

async fn list(State(database): State<Database>, RowLimit(limit): RowLimit) -> Result<Json<Vec<Product>>, Failure> {
    let rows: Vec<Row> = sqlx::query_as("SELECT id, name, price_cents, stock FROM products ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(&*database)
        .await
        .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(product).collect()))
}

async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Product>, Failure> {
    let row: Option<Row> = sqlx::query_as("SELECT id, name, price_cents, stock FROM products WHERE id = $1")
        .bind(id)
        .fetch_optional(&*database)
        .await
        .map_err(Failure::internal)?;
    row.map(|row| Json(product(row))).ok_or_else(|| no_product(id))
}

fn no_product(id: i64) -> Failure {
    Failure::not_found(format!("there is no product {id}"))
}
