//! Seats, of which each is for one customer.
//!
//! The steps of a booking: `read` is how many bookings the seat had, `written` the key of the new one.

use axum::extract::State;
use axum::response::IntoResponse;
use chassis::{Failure, Json, Path, RowLimit};
use contract::{Booking, NewBooking, StepKind, Strategy};
use http::StatusCode;
use lock::{Permit, Visit};
use sqlx::AnyConnection;
use store::{Database, Fetch};

use crate::names::check_name;

/// A seat that somebody wants.
struct Wanted {
    seat: String,
    customer: String,
}

pub(crate) async fn list(
    State(database): State<Database>,
    Path(seat): Path<String>,
    RowLimit(limit): RowLimit,
) -> Result<Json<Vec<Booking>>, Failure> {
    check_name("seat", &seat)?;
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, customer FROM bookings WHERE seat = $1 ORDER BY id LIMIT $2")
            .bind(&seat)
            .bind(limit)
            .fetch_all(&*database)
            .await
            .map_err(Failure::internal)?;
    let booking = |(id, customer)| Booking {
        id,
        seat: seat.clone(),
        customer,
    };
    Ok(Json(rows.into_iter().map(booking).collect()))
}

pub(crate) async fn create(
    State(database): State<Database>,
    visit: Visit,
    Path(seat): Path<String>,
    Json(NewBooking { customer }): Json<NewBooking>,
) -> impl IntoResponse {
    let booked = book(&database, &visit, Wanted { seat, customer }).await;
    visit.answer(booked.map(|booking| (StatusCode::CREATED, booking)))
}

async fn book(database: &Database, visit: &Visit, wanted: Wanted) -> Result<Booking, Failure> {
    check_name("seat", &wanted.seat)?;
    if visit.strategy() == Strategy::Atomic {
        return claim(database, visit, wanted).await;
    }
    let key = format!("seat:{}", wanted.seat);
    visit
        .protect(&key, |permit| look_and_book(database, permit, wanted))
        .await
}

/// Claims the seat under a unique key, in the transaction that books it.
async fn claim(database: &Database, visit: &Visit, wanted: Wanted) -> Result<Booking, Failure> {
    visit.decide().await;
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let claimed = sqlx::query("INSERT INTO seat_claims (seat) VALUES ($1) ON CONFLICT (seat) DO NOTHING")
        .bind(&wanted.seat)
        .execute(&mut *transaction)
        .await
        .map_err(Failure::internal)?;
    if claimed.rows_affected() == 0 {
        transaction.rollback().await.map_err(Failure::internal)?;
        return Err(taken(&wanted.seat));
    }
    let booking = insert(&mut transaction, wanted).await?;
    transaction.commit().await.map_err(Failure::internal)?;
    visit.note(StepKind::Written, Some(booking.id));
    Ok(booking)
}

/// Looks whether the seat is free, and books it, whatever it is by then: right only as far as the permit keeps others
/// away.
async fn look_and_book(database: &Database, permit: Permit<'_>, wanted: Wanted) -> Result<Booking, Failure> {
    // The look carries the token, too, so that a holder of old cannot book between this look and the booking.
    let mut connection = database.acquire().await.map_err(Failure::internal)?;
    raise_fence(&mut connection, permit, &wanted.seat).await?;
    let (bookings,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM bookings WHERE seat = $1")
        .bind(&wanted.seat)
        .one(&mut *connection)
        .await
        .map_err(Failure::internal)?;
    drop(connection);
    permit.note(StepKind::Read, Some(bookings));
    if bookings > 0 {
        return Err(taken(&wanted.seat));
    }
    permit.before_write().await?;
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    raise_fence(&mut transaction, permit, &wanted.seat).await?;
    let booking = insert(&mut transaction, wanted).await?;
    transaction.commit().await.map_err(Failure::internal)?;
    permit.note(StepKind::Written, Some(booking.id));
    Ok(booking)
}

/// Where the permit has a fencing token: no lower one gets through from now on, and this one only if the seat has seen
/// no higher one.
async fn raise_fence(connection: &mut AnyConnection, permit: Permit<'_>, seat: &str) -> Result<(), Failure> {
    let Some(token) = permit.fence() else {
        return Ok(());
    };
    let raised = sqlx::query(
        "INSERT INTO seat_fences (seat, token) VALUES ($1, $2) \
         ON CONFLICT (seat) DO UPDATE SET token = excluded.token WHERE seat_fences.token <= excluded.token",
    )
    .bind(seat)
    .bind(token)
    .execute(connection)
    .await
    .map_err(Failure::internal)?;
    if raised.rows_affected() == 0 {
        return Err(permit.stale());
    }
    Ok(())
}

async fn insert(connection: &mut AnyConnection, Wanted { seat, customer }: Wanted) -> Result<Booking, Failure> {
    let (id,): (i64,) = sqlx::query_as("INSERT INTO bookings (seat, customer) VALUES ($1, $2) RETURNING id")
        .bind(&seat)
        .bind(&customer)
        .one(connection)
        .await
        .map_err(Failure::internal)?;
    Ok(Booking { id, seat, customer })
}

fn taken(seat: &str) -> Failure {
    Failure::conflict(format!("seat {seat} is taken")).with_kind("urn:lab:seat-taken")
}
