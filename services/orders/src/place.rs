//! Placing an order.

use axum::extract::State;
use chassis::{Failure, Json, without_deadline};
use contract::{NewOrder, NewReservation, Order, OrderStatus, Reservation, User};
use http::{Method, StatusCode};
use messaging::MessagingError;
use sqlx::AnyConnection;
use store::{Database, Fetch};

use crate::called::Called;
use crate::publish::Publisher;

/// Checks the user, sets the pieces aside, and writes the order. If the last step fails, the pieces are given back, even if
/// nobody waits for the answer any more; if
/// the process dies before it, they stay set aside (which a saga will mend).
pub(crate) async fn create(
    State(database): State<Database>,
    State(called): State<Called>,
    State(publisher): State<Publisher>,
    Json(wanted): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Failure> {
    let _user: User = called.users.get(&format!("/users/{}", wanted.user_id)).await?.json()?;
    let reservation = reserve(&called, &wanted).await?;
    let order = match write(&database, &publisher, &wanted, &reservation).await {
        Ok(order) => order,
        Err(error) => {
            without_deadline(release(&called, &reservation)).await;
            return Err(Failure::internal(error));
        }
    };
    publisher.after(&order).await?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn reserve(called: &Called, wanted: &NewOrder) -> Result<Reservation, Failure> {
    let path = format!("/products/{}/reservations", wanted.product_id);
    called
        .inventory
        .post(
            &path,
            &NewReservation {
                quantity: wanted.quantity,
            },
        )
        .await?
        .json()
}

async fn release(called: &Called, reservation: &Reservation) {
    let path = format!("/reservations/{}", reservation.id);
    let released = called
        .inventory
        .send(Method::DELETE, &path, None, Default::default())
        .await;
    if !released.is_ok_and(|reply| reply.status.is_success()) {
        tracing::error!(
            reservation = reservation.id,
            "pieces stay set aside for an order that was not written"
        );
    }
}

/// Writes the order, and with it whatever has to be written with it.
async fn write(
    database: &Database,
    publisher: &Publisher,
    wanted: &NewOrder,
    reservation: &Reservation,
) -> Result<Order, MessagingError> {
    let mut transaction = database.begin_write().await?;
    let order = insert(&mut transaction, wanted, reservation).await?;
    publisher.within(&mut transaction, &order).await?;
    transaction.commit().await?;
    Ok(order)
}

async fn insert(
    connection: &mut AnyConnection,
    wanted: &NewOrder,
    reservation: &Reservation,
) -> Result<Order, sqlx::Error> {
    let NewOrder {
        user_id,
        product_id,
        quantity,
    } = *wanted;
    // Both factors are bounded far below the square root of the range: by the contract and by the price list.
    let amount_cents = reservation.price_cents.saturating_mul(quantity);
    let status = OrderStatus::Reserved;
    let (id,): (i64,) = sqlx::query_as(
        "INSERT INTO orders (user_id, product_id, quantity, amount_cents, reservation_id, status) \
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(user_id)
    .bind(product_id)
    .bind(quantity)
    .bind(amount_cents)
    .bind(reservation.id)
    .bind(status.as_str())
    .one(connection)
    .await?;
    Ok(Order {
        id,
        user_id,
        product_id,
        quantity,
        amount_cents,
        reservation_id: reservation.id,
        status,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::Path;
    use axum::routing::{delete, get, post};
    use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, settings, spawn};
    use contract::Program;
    use serde_json::{Value, json};

    use super::*;
    use crate::{app, open};

    /// What the stand-in for the inventory was asked to do.
    type Journal = Arc<Mutex<Vec<String>>>;

    async fn users() -> String {
        let show = |Path(id): Path<i64>| async move {
            let user = || {
                Json(User {
                    id,
                    name: "Ada".to_owned(),
                    email: "a@b".to_owned(),
                })
            };
            (id == 1)
                .then(user)
                .ok_or_else(|| Failure::not_found(format!("there is no user {id}")))
        };
        spawn(
            Router::new()
                .route("/users/{id}", get(show))
                .route("/health", get(|| async {})),
        )
        .await
    }

    /// Has five pieces of product 1, and gives every reservation the same id.
    async fn inventory(journal: Journal) -> String {
        let released = Arc::clone(&journal);
        let reserve = move |Path(product_id): Path<i64>, Json(NewReservation { quantity }): Json<NewReservation>| async move {
            if product_id != 1 {
                return Err(Failure::not_found(format!("there is no product {product_id}")));
            }
            if quantity > 5 {
                return Err(Failure::conflict("too little left").with_kind(contract::kind::OUT_OF_STOCK));
            }
            journal.lock().unwrap().push(format!("reserve {quantity}"));
            Ok(Json(Reservation {
                id: 9,
                product_id,
                quantity,
                price_cents: 250,
                stock_left: 5 - quantity,
            }))
        };
        let release = move |Path(id): Path<i64>| async move {
            released.lock().unwrap().push(format!("release {id}"));
            StatusCode::NO_CONTENT
        };
        let routes = Router::new()
            .route("/products/{id}/reservations", post(reserve))
            .route("/reservations/{id}", delete(release));
        spawn(routes).await
    }

    async fn router(journal: &Journal) -> Router {
        let (users, inventory) = (users().await, inventory(Arc::clone(journal)).await);
        let settings = settings(Program::Orders, &[("USERS_URL", &users), ("INVENTORY_URL", &inventory)]);
        app(&settings, open("sqlite::memory:").await.unwrap())
    }

    async fn orders(router: &Router) -> Value {
        get_from(router, "/orders").await.json()
    }

    #[tokio::test]
    async fn an_order_sets_pieces_aside_and_is_written() {
        let journal = Journal::default();
        let router = router(&journal).await;
        let placed = post_to(
            &router,
            "/orders",
            &json!({"user_id": 1, "product_id": 1, "quantity": 2}),
        )
        .await;
        let expected = json!({
            "id": 1, "user_id": 1, "product_id": 1, "quantity": 2, "amount_cents": 500, "reservation_id": 9,
            "status": "reserved"
        });
        assert_eq!((placed.status, placed.json()), (201, expected.clone()));
        assert_eq!(get_from(&router, "/orders/1").await.json(), expected);
        assert_eq!(orders(&router).await, json!([expected]));
        assert_eq!(*journal.lock().unwrap(), ["reserve 2"]);
    }

    #[tokio::test]
    async fn wrong_requests_get_the_right_answer_and_change_nothing() {
        let journal = Journal::default();
        let router = router(&journal).await;
        assert_refuses_bodies(&router, "/orders").await;
        for (user_id, product_id, quantity, status) in [
            (json!(1), json!(1), json!(-1), 422),
            (json!(1), json!(1), json!(0), 422),
            (json!("1"), json!(1), json!(1), 422),
            (json!(2), json!(1), json!(1), 404),
            (json!(1), json!(2), json!(1), 404),
            (json!(1), json!(1), json!(6), 409),
        ] {
            let body = json!({"user_id": user_id, "product_id": product_id, "quantity": quantity});
            assert_problem(&post_to(&router, "/orders", &body).await, status);
        }
        for (path, status) in [
            ("/orders/1", 404),
            ("/orders/x", 400),
            ("/orders?limit=501", 400),
            ("/order", 404),
        ] {
            assert_problem(&get_from(&router, path).await, status);
        }
        assert_eq!(orders(&router).await, json!([]));
        assert!(journal.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn pieces_are_given_back_when_the_order_cannot_be_written() {
        let journal = Journal::default();
        let router = router(&journal).await;
        let body = json!({"user_id": 1, "product_id": 1, "quantity": 1});
        assert_eq!(post_to(&router, "/orders", &body).await.status, 201);
        // The stand-in gives the same reservation again, which the table does not take twice.
        assert_problem(&post_to(&router, "/orders", &body).await, 500);
        assert_eq!(*journal.lock().unwrap(), ["reserve 1", "reserve 1", "release 9"]);
        assert_eq!(orders(&router).await.as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn a_service_that_is_gone_is_named() {
        let users = users().await;
        let body = json!({"user_id": 1, "product_id": 1, "quantity": 1});
        // Port 9 of this machine: nobody listens on "discard".
        for (inventory, status, part) in [("http://127.0.0.1:9", 502, "refused"), ("", 503, "INVENTORY_URL")] {
            let settings = settings(Program::Orders, &[("USERS_URL", &users), ("INVENTORY_URL", inventory)]);
            let router = app(&settings, open("sqlite::memory:").await.unwrap());
            let answer = post_to(&router, "/orders", &body).await;
            assert_problem(&answer, status);
            assert!(
                answer.body.contains("inventory") && answer.body.contains(part),
                "{answer:?}"
            );
            assert_eq!(orders(&router).await, json!([]));
            let ready = get_from(&router, "/ready").await;
            assert_eq!(ready.status, if inventory.is_empty() { 200 } else { 503 }, "{ready:?}");
        }
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_in_time_is_a_504() {
        let users = spawn(Router::new().route("/users/{id}", get(std::future::pending::<()>))).await;
        let variables = [("USERS_URL", users.as_str()), ("UPSTREAM_TIMEOUT_MS", "20")];
        let router = app(
            &settings(Program::Orders, &variables),
            open("sqlite::memory:").await.unwrap(),
        );
        let answer = post_to(
            &router,
            "/orders",
            &json!({"user_id": 1, "product_id": 1, "quantity": 1}),
        )
        .await;
        assert_problem(&answer, 504);
    }
}
