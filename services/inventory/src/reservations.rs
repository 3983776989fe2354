//! Setting pieces aside, and giving them back.

use axum::extract::State;
use axum::response::IntoResponse;
use chassis::{Failure, Json, Path};
use contract::{NewReservation, Reservation, StepKind, Strategy};
use http::StatusCode;
use lock::{Permit, Visit};
use sqlx::AnyConnection;
use store::{Database, Fetch, Quantity, Reading};

use crate::products::no_product;

pub(crate) const STOCK: Quantity = store::quantity!("products", "stock");

/// Pieces of a product that somebody wants.
#[derive(Clone, Copy)]
struct Wanted {
    product_id: i64,
    quantity: i64,
}

pub(crate) async fn create(
    State(database): State<Database>,
    visit: Visit,
    Path(product_id): Path<i64>,
    Json(NewReservation { quantity }): Json<NewReservation>,
) -> impl IntoResponse {
    let wanted = Wanted { product_id, quantity };
    let reserved = match visit.strategy() {
        Strategy::Atomic => take(&database, &visit, wanted).await,
        _ => {
            let key = format!("product:{product_id}");
            visit
                .protect(&key, |permit| read_and_write(&database, permit, wanted))
                .await
        }
    };
    visit.answer(reserved.map(|reservation| (StatusCode::CREATED, reservation)))
}

/// Takes the pieces in one conditional statement, so that no two callers can take the same piece.
async fn take(database: &Database, visit: &Visit, wanted: Wanted) -> Result<Reservation, Failure> {
    visit.decide().await;
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let taken = STOCK
        .take(&mut transaction, wanted.product_id, wanted.quantity)
        .await
        .map_err(Failure::internal)?;
    let Some(stock_left) = taken else {
        transaction.rollback().await.map_err(Failure::internal)?;
        return Err(refusal(database, wanted).await);
    };
    let reservation = insert(&mut transaction, wanted, stock_left).await?;
    transaction.commit().await.map_err(Failure::internal)?;
    visit.note(StepKind::Written, Some(stock_left));
    Ok(reservation)
}

/// Reads the stock, and writes what is computed from it, whatever the stock is by then: right only as far as the permit
/// keeps others away.
async fn read_and_write(database: &Database, permit: Permit<'_>, wanted: Wanted) -> Result<Reservation, Failure> {
    let reading = STOCK.read(database, wanted.product_id, permit.fence()).await;
    let stock = match reading.map_err(Failure::internal)? {
        Reading::Found(stock) => stock,
        Reading::Missing => return Err(no_product(wanted.product_id)),
        Reading::Stale => return Err(permit.stale()),
    };
    permit.note(StepKind::Read, Some(stock));
    if stock < wanted.quantity {
        return Err(too_little(stock, wanted));
    }
    permit.before_write().await?;
    let stock_left = stock - wanted.quantity;
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let written = STOCK
        .write(&mut transaction, wanted.product_id, stock_left, permit.fence())
        .await
        .map_err(Failure::internal)?;
    if !written {
        transaction.rollback().await.map_err(Failure::internal)?;
        return Err(permit.stale());
    }
    let reservation = insert(&mut transaction, wanted, stock_left).await?;
    transaction.commit().await.map_err(Failure::internal)?;
    permit.note(StepKind::Written, Some(stock_left));
    Ok(reservation)
}

async fn insert(connection: &mut AnyConnection, wanted: Wanted, stock_left: i64) -> Result<Reservation, Failure> {
    let Wanted { product_id, quantity } = wanted;
    let (id, price_cents) = insert_reservation(connection, product_id, quantity)
        .await
        .map_err(Failure::internal)?;
    Ok(Reservation {
        id,
        product_id,
        quantity,
        price_cents,
        stock_left,
    })
}

/// Notes pieces that were taken; gives the key of the reservation, and the price of one piece in cents.
pub(crate) async fn insert_reservation(
    connection: &mut AnyConnection,
    product_id: i64,
    quantity: i64,
) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO reservations (product_id, quantity) VALUES ($1, $2) \
         RETURNING id, (SELECT price_cents FROM products WHERE products.id = $3)",
    )
    .bind(product_id)
    .bind(quantity)
    .bind(product_id)
    .one(connection)
    .await
}

/// Why nothing was taken: no such product, or too little of it.
async fn refusal(database: &Database, wanted: Wanted) -> Failure {
    match STOCK.read(database, wanted.product_id, None).await {
        Ok(Reading::Found(stock)) => too_little(stock, wanted),
        Ok(_) => no_product(wanted.product_id),
        Err(error) => Failure::internal(error),
    }
}

fn too_little(stock: i64, Wanted { product_id, quantity }: Wanted) -> Failure {
    Failure::conflict(format!(
        "product {product_id} has {stock} left, {quantity} were asked for"
    ))
    .with_kind(contract::kind::OUT_OF_STOCK)
}

/// Gives the pieces of a reservation back.
pub(crate) async fn release(State(database): State<Database>, Path(id): Path<i64>) -> Result<StatusCode, Failure> {
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    if !put_back(&mut transaction, id).await.map_err(Failure::internal)? {
        return Err(Failure::not_found(format!("there is no reservation {id}")));
    }
    transaction.commit().await.map_err(Failure::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the pieces of a reservation back; says whether there was one.
pub(crate) async fn put_back(connection: &mut AnyConnection, id: i64) -> Result<bool, sqlx::Error> {
    let deleted: Option<(i64, i64)> =
        sqlx::query_as("DELETE FROM reservations WHERE id = $1 RETURNING product_id, quantity")
            .bind(id)
            .optional(&mut *connection)
            .await?;
    let Some((product_id, quantity)) = deleted else {
        return Ok(false);
    };
    sqlx::query("UPDATE products SET stock = stock + $1 WHERE id = $2")
        .bind(quantity)
        .bind(product_id)
        .execute(connection)
        .await?;
    Ok(true)
}
