//! What is sold.

use axum::extract::State;
use chassis::{Failure, Json, Path, RowLimit};
use contract::limits::CHOSEN_ID_MAX;
use contract::{NewProduct, Product};
use http::StatusCode;
use store::{Database, Fetch};

type Row = (i64, String, i64, i64);

fn product((id, name, price_cents, stock): Row) -> Product {
    Product {
        id,
        name,
        price_cents,
        stock,
    }
}

pub(crate) async fn list(
    State(database): State<Database>,
    RowLimit(limit): RowLimit,
) -> Result<Json<Vec<Product>>, Failure> {
    let rows: Vec<Row> = sqlx::query_as("SELECT id, name, price_cents, stock FROM products ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(&*database)
        .await
        .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(product).collect()))
}

pub(crate) async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Product>, Failure> {
    let row: Option<Row> = sqlx::query_as("SELECT id, name, price_cents, stock FROM products WHERE id = $1")
        .bind(id)
        .optional(&*database)
        .await
        .map_err(Failure::internal)?;
    row.map(|row| Json(product(row))).ok_or_else(|| no_product(id))
}

/// Creates a product under the key that the client chose, or gives it another name, price and stock. Its fencing token
/// stays: a holder of old is still stale.
pub(crate) async fn put(
    State(database): State<Database>,
    Path(id): Path<i64>,
    Json(wanted): Json<NewProduct>,
) -> Result<(StatusCode, Json<Product>), Failure> {
    if !(1..=CHOSEN_ID_MAX).contains(&id) {
        return Err(Failure::bad_request(format!(
            "the id of a product must be between 1 and {CHOSEN_ID_MAX}, not {id}"
        )));
    }
    let NewProduct {
        name,
        price_cents,
        stock,
    } = wanted;
    let created = sqlx::query(
        "INSERT INTO products (id, name, price_cents, stock) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(&name)
    .bind(price_cents)
    .bind(stock)
    .execute(&*database)
    .await
    .map_err(Failure::internal)?
    .rows_affected();
    if created == 0 {
        sqlx::query("UPDATE products SET name = $1, price_cents = $2, stock = $3 WHERE id = $4")
            .bind(&name)
            .bind(price_cents)
            .bind(stock)
            .bind(id)
            .execute(&*database)
            .await
            .map_err(Failure::internal)?;
    }
    let status = if created == 0 {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(product((id, name, price_cents, stock)))))
}

pub(crate) fn no_product(id: i64) -> Failure {
    Failure::not_found(format!("there is no product {id}"))
}
