//! What was ordered.
//!
//! `GET /orders`, `GET /orders/{id}`, `POST /orders`. An order asks `users` whether the user exists and has `inventory`
//! set the pieces aside before it is written. Others hear of it as the settings say; `GET /orders/summary` and
//! `GET /pending` tell how far that has come.
//!
//! With `SAGA` set, an order is a saga instead: see the module `saga`.

mod called;
mod place;
mod publish;
mod saga;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use called::Called;
use chassis::{App, Failure, Json, Path, RowLimit, ServeError, Settings};
use contract::{Order, OrderStatus, OrdersSummary};
use messaging::{Broker, Style, inbox_migration, pending_route};
use publish::Publisher;
use store::{Database, Fetch, Migration};

const MIGRATIONS: [Migration; 5] = [
    Migration::new(1, "orders", include_str!("../migrations/0001_orders.sql")),
    publish::OUTBOX,
    Migration::new(3, "saga", include_str!("../migrations/0003_saga.sql")),
    inbox_migration(4),
    publish::OUTBOX_TRACESTATE,
];

type Row = (i64, i64, i64, i64, i64, i64, String);

#[derive(Clone, FromRef)]
struct Orders {
    database: Database,
    called: Called,
    publisher: Publisher,
}

/// Opens the database of the service.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(database_url: &str) -> Result<Database, ServeError> {
    Ok(Database::open(database_url, &MIGRATIONS).await?)
}

/// The whole service on an open database; nobody hears of its orders.
pub fn app(settings: &Settings, database: Database) -> Router {
    let publisher = Publisher::silent(database.clone());
    router(settings, database, publisher)
}

fn router(settings: &Settings, database: Database, publisher: Publisher) -> Router {
    let called = Called::from_settings(settings);
    let app = App::new(settings)
        .checks([database.check()])
        .checks(called.checks())
        .checks(publisher.broker().map(Broker::check));
    let state = Orders {
        database,
        called,
        publisher: publisher.clone(),
    };
    let routes = Router::new()
        .route("/orders", get(list).post(place::create))
        .route("/orders/{id}", get(show))
        .with_state(state.clone());
    let plain = Router::new()
        .route("/orders/summary", get(summary))
        .with_state(state)
        .merge(pending_route(publisher));
    app.business(routes).plain(plain).into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(settings.database_url.expose()).await?;
    if let Some(style) = Style::from_settings(&settings)? {
        return saga::serve(&settings, style, database).await;
    }
    let publisher = Publisher::start(&settings, &database).await?;
    let router = router(&settings, database, publisher.clone());
    chassis::serve_beside(publisher.run(&settings.shutdown), router, &settings).await
}

async fn summary(State(database): State<Database>) -> Result<Json<OrdersSummary>, Failure> {
    let (orders,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM orders")
        .one(&*database)
        .await
        .map_err(Failure::internal)?;
    let unpublished = messaging::unpublished(&database).await.map_err(Failure::internal)?;
    Ok(Json(OrdersSummary {
        orders,
        unpublished,
        ..OrdersSummary::default()
    }))
}

fn order((id, user_id, product_id, quantity, amount_cents, reservation_id, status): Row) -> Result<Order, Failure> {
    let status = OrderStatus::from_stored(&status).map_err(Failure::internal)?;
    Ok(Order {
        id,
        user_id,
        product_id,
        quantity,
        amount_cents,
        reservation_id,
        status,
    })
}

async fn list(State(database): State<Database>, RowLimit(limit): RowLimit) -> Result<Json<Vec<Order>>, Failure> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, product_id, quantity, amount_cents, reservation_id, status FROM orders \
         ORDER BY id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(&*database)
    .await
    .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(order).collect::<Result<_, _>>()?))
}

async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Order>, Failure> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, user_id, product_id, quantity, amount_cents, reservation_id, status FROM orders WHERE id = $1",
    )
    .bind(id)
    .optional(&*database)
    .await
    .map_err(Failure::internal)?;
    let row = row.ok_or_else(|| Failure::not_found(format!("there is no order {id}")))?;
    Ok(Json(order(row)?))
}
