//! Orders as sagas: an order is written at once, and led through inventory and payments to its end by what these say.
//!
//! `POST /orders` (202: nothing is decided yet), `GET /orders`, `GET /orders/{id}` (its status at this moment),
//! `GET /orders/{id}/history` (each step that it took). [`machine`] is what an order does with what it hears, [`process`]
//! does it, [`book`] keeps it.

mod book;
mod machine;
mod process;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use chassis::{
    App, Callee, Client, Failure, Json, Path, RowLimit, ServeError, Settings, ShareOfKeys, Shutdown, unix_ms,
};
use contract::environment::{ORDERS_REFUSAL_RATE, SAGA_TIMEOUT_MS};
use contract::events::{OrderCreated, Payload, ReserveInventory, topics};
use contract::{NewOrder, OrderStatus, OrdersSummary, Pending, Program, SagaOrder, Transition, User};
use http::StatusCode;
use messaging::{Doom, HasPending, Moment, Participant, Refusal, Style, pending_route};
use process::Process;
use store::Database;

use machine::Heard;

const TIMEOUT_MS_MAX: u64 = 3_600_000;
/// How often orders are looked for whose time is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What leads orders to their end.
#[derive(Clone)]
struct Saga {
    process: Process,
    participant: Participant<Process>,
    timeout: Duration,
    database: Database,
}

#[derive(Clone, FromRef)]
struct Orders {
    database: Database,
    saga: Saga,
    users: Callee,
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When a setting is wrong, or its brokers or its address cannot be had.
pub(crate) async fn serve(settings: &Settings, style: Style, database: Database) -> Result<(), ServeError> {
    let saga = Saga::start(settings, style, database).await?;
    chassis::serve_beside(saga.run(&settings.shutdown), router(settings, &saga), settings).await
}

fn router(settings: &Settings, saga: &Saga) -> Router {
    let users = Client::new().callee(Program::Users, settings);
    let app = App::new(settings)
        .checks([saga.database.check()])
        .checks(users.check())
        .checks(saga.participant.checks());
    let state = Orders {
        database: saga.database.clone(),
        users,
        saga: saga.clone(),
    };
    let routes = Router::new()
        .route("/orders", get(list).post(place))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/history", get(history))
        .with_state(state.clone());
    let plain = Router::new()
        .route("/orders/summary", get(summary))
        .with_state(state)
        .merge(pending_route(saga.clone()));
    app.business(routes).plain(plain).into_router()
}

impl Saga {
    async fn start(settings: &Settings, style: Style, database: Database) -> Result<Self, ServeError> {
        let declined = ShareOfKeys::from_settings(settings, ORDERS_REFUSAL_RATE)?;
        let timeout = settings
            .environment
            .milliseconds(SAGA_TIMEOUT_MS, 60_000, 1, TIMEOUT_MS_MAX)?;
        let process = |outbox| Process {
            style,
            declined,
            outbox,
        };
        let participant = Participant::start(settings, &database, &[topics::ORDERS], process).await?;
        Ok(Self {
            process: process(participant.outbox().clone()),
            participant,
            timeout,
            database,
        })
    }

    async fn run(&self, shutdown: &Shutdown) {
        tokio::join!(self.participant.run(shutdown), self.watch_the_clock(shutdown));
    }

    /// Cancels orders whose time is over.
    async fn watch_the_clock(&self, shutdown: &Shutdown) {
        loop {
            if let Err(error) = self.cancel_overdue().await {
                store::note_trouble(&error);
                tracing::warn!(%error, "orders whose time is over could not be cancelled; it is tried again");
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn cancel_overdue(&self) -> Result<(), sqlx::Error> {
        for id in book::overdue(&self.database, unix_ms()).await? {
            let mut transaction = self.database.begin_write().await?;
            let heard = self
                .process
                .hear(&mut transaction, id, Heard::TimedOut, "timeout", None)
                .await;
            match heard {
                Ok(_) => {
                    transaction.commit().await?;
                    self.process.outbox.wake();
                }
                // It took another step at this moment; whether that decided it shows next time.
                Err(refusal) => tracing::debug!(order = id, reason = refusal.reason(), "not cancelled"),
            }
        }
        Ok(())
    }

    /// Writes an order together with the first message about it.
    async fn place(&self, wanted: &NewOrder) -> Result<i64, Refusal> {
        let crashes = self.participant.crashes();
        let before = crashes.due(OrderCreated::TYPE, Moment::BeforeCommit).await;
        let mut transaction = self.database.begin_write().await?;
        let now_ms = unix_ms();
        let timeout_ms = i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX);
        let id = book::place(&mut transaction, wanted, now_ms, now_ms.saturating_add(timeout_ms)).await?;
        let NewOrder {
            user_id,
            product_id,
            quantity,
        } = *wanted;
        let created = OrderCreated {
            order_id: id,
            user_id,
            product_id,
            quantity,
            amount_cents: 0,
        };
        self.process.tell(&mut transaction, topics::ORDERS, created).await?;
        if self.process.style == Style::Orchestration {
            let reserve = ReserveInventory {
                order_id: id,
                product_id,
                quantity,
            };
            self.process.tell(&mut transaction, topics::COMMANDS, reserve).await?;
        }
        before.into_iter().for_each(Doom::come);
        transaction.commit().await?;
        let after = crashes.due(OrderCreated::TYPE, Moment::AfterCommit).await;
        after.into_iter().for_each(Doom::come);
        self.process.outbox.wake();
        Ok(id)
    }
}

async fn place(
    State(saga): State<Saga>,
    State(users): State<Callee>,
    Json(wanted): Json<NewOrder>,
) -> Result<(StatusCode, Json<SagaOrder>), Failure> {
    let _user: User = users.get(&format!("/users/{}", wanted.user_id)).await?.json()?;
    let id = saga.place(&wanted).await.map_err(Failure::internal)?;
    let NewOrder {
        user_id,
        product_id,
        quantity,
    } = wanted;
    let order = SagaOrder {
        id,
        user_id,
        product_id,
        quantity,
        amount_cents: 0,
        status: OrderStatus::Pending,
        reason: None,
    };
    Ok((StatusCode::ACCEPTED, Json(order)))
}

async fn list(State(database): State<Database>, RowLimit(limit): RowLimit) -> Result<Json<Vec<SagaOrder>>, Failure> {
    book::latest(&database, limit).await.map(Json)
}

async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<SagaOrder>, Failure> {
    let order = book::find(&database, id).await?;
    order.map(Json).ok_or_else(|| no_order(id))
}

async fn history(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<Vec<Transition>>, Failure> {
    let history = book::history(&database, id).await?;
    if history.is_empty() {
        return Err(no_order(id));
    }
    Ok(Json(history))
}

fn no_order(id: i64) -> Failure {
    Failure::not_found(format!("there is no order {id}"))
}

async fn summary(State(database): State<Database>) -> Result<Json<OrdersSummary>, Failure> {
    book::summary(&database).await.map(Json)
}

/// What is not at its end, here and on the way.
impl HasPending for Saga {
    async fn pending(&self) -> Result<Pending, Failure> {
        let said = self.participant.pending().await?;
        let open = book::open(&self.database).await.map_err(Failure::internal)?;
        Ok(said + Pending { open, done: 0 })
    }
}
