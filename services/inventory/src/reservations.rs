//! Setting pieces aside, and giving them back.

use axum::extract::State;
use chassis::{Failure, Json, Path};
use contract::{NewReservation, Reservation};
use http::StatusCode;
use store::Database;

use crate::no_product;

/// Takes the pieces in one conditional statement, so that no two callers can take the same piece.
pub(crate) async fn create(
    State(database): State<Database>,
    Path(product_id): Path<i64>,
    Json(NewReservation { quantity }): Json<NewReservation>,
) -> Result<(StatusCode, Json<Reservation>), Failure> {
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let taken: Option<(i64, i64)> = sqlx::query_as(
        "UPDATE products SET stock = stock - $1 WHERE id = $2 AND stock >= $3 RETURNING price_cents, stock",
    )
    .bind(quantity)
    .bind(product_id)
    .bind(quantity)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(Failure::internal)?;
    let Some((price_cents, stock_left)) = taken else {
        transaction.rollback().await.map_err(Failure::internal)?;
        return Err(refusal(&database, product_id, quantity).await);
    };
    let (id,): (i64,) = sqlx::query_as("INSERT INTO reservations (product_id, quantity) VALUES ($1, $2) RETURNING id")
        .bind(product_id)
        .bind(quantity)
        .fetch_one(&mut *transaction)
        .await
        .map_err(Failure::internal)?;
    transaction.commit().await.map_err(Failure::internal)?;
    Ok((
        StatusCode::CREATED,
        Json(Reservation {
            id,
            product_id,
            quantity,
            price_cents,
            stock_left,
        }),
    ))
}

/// Why nothing was taken: no such product, or too little of it.
async fn refusal(database: &Database, product_id: i64, quantity: i64) -> Failure {
    let stock: Result<Option<(i64,)>, _> = sqlx::query_as("SELECT stock FROM products WHERE id = $1")
        .bind(product_id)
        .fetch_optional(&**database)
        .await;
    match stock {
        Ok(Some((stock,))) => Failure::conflict(format!(
            "product {product_id} has {stock} left, {quantity} were asked for"
        ))
        .with_kind("urn:lab:out-of-stock"),
        Ok(None) => no_product(product_id),
        Err(error) => Failure::internal(error),
    }
}

/// Gives the pieces of a reservation back.
pub(crate) async fn release(State(database): State<Database>, Path(id): Path<i64>) -> Result<StatusCode, Failure> {
    let mut transaction = database.begin().await.map_err(Failure::internal)?;
    let deleted: Option<(i64, i64)> =
        sqlx::query_as("DELETE FROM reservations WHERE id = $1 RETURNING product_id, quantity")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(Failure::internal)?;
    let Some((product_id, quantity)) = deleted else {
        return Err(Failure::not_found(format!("there is no reservation {id}")));
    };
    sqlx::query("UPDATE products SET stock = stock + $1 WHERE id = $2")
        .bind(quantity)
        .bind(product_id)
        .execute(&mut *transaction)
        .await
        .map_err(Failure::internal)?;
    transaction.commit().await.map_err(Failure::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, send, settings};
    use contract::{Product, ServiceName};
    use http::Method;
    use serde_json::json;

    use crate::{app, open};

    /// The product of which there are ten.
    const TICKET: &str = "/products/5";

    async fn router() -> Router {
        app(
            &settings(ServiceName::Inventory, &[]),
            open("sqlite::memory:").await.unwrap(),
        )
    }

    async fn products(router: &Router) -> Vec<Product> {
        serde_json::from_value(get_from(router, "/products").await.json()).unwrap()
    }

    async fn stock(router: &Router) -> i64 {
        get_from(router, TICKET).await.json()["stock"].as_i64().unwrap()
    }

    #[tokio::test]
    async fn pieces_are_taken_and_given_back_once() {
        let router = router().await;
        let reserved = post_to(&router, &format!("{TICKET}/reservations"), &json!({"quantity": 3})).await;
        assert_eq!(reserved.status, 201);
        assert_eq!(
            reserved.json(),
            json!({"id": 1, "product_id": 5, "quantity": 3, "price_cents": 5000, "stock_left": 7})
        );
        assert_eq!(stock(&router).await, 7);
        let release = || send(&router, Method::DELETE, "/reservations/1", None, "");
        assert_eq!(release().await.status, 204);
        assert_eq!(stock(&router).await, 10);
        assert_problem(&release().await, 404);
        assert_eq!(stock(&router).await, 10);
    }

    #[tokio::test]
    async fn no_more_is_sold_than_there_is() {
        let folder = std::env::temp_dir().join(format!("lab-inventory-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}/inventory.db", folder.display());
        let mut buyers = Vec::new();
        for instance in 0..3 {
            let router = app(&settings(ServiceName::Inventory, &[]), open(&url).await.unwrap());
            for _ in 0..5 {
                let router = router.clone();
                let buy = async move {
                    post_to(&router, "/products/5/reservations", &json!({"quantity": 1}))
                        .await
                        .status
                };
                buyers.push((instance, tokio::spawn(buy)));
            }
        }
        let mut sold = 0;
        for (_, buyer) in buyers {
            match buyer.await.unwrap() {
                201 => sold += 1,
                status => assert_eq!(status, 409),
            }
        }
        let router = app(&settings(ServiceName::Inventory, &[]), open(&url).await.unwrap());
        assert_eq!((sold, stock(&router).await), (10, 0));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn wrong_requests_get_the_right_answer_and_change_nothing() {
        let router = router().await;
        let before = products(&router).await;
        let path = format!("{TICKET}/reservations");
        assert_refuses_bodies(&router, &path).await;
        for (path, quantity, status) in [
            (path.as_str(), json!(-1), 422),
            (&path, json!(0), 422),
            (&path, json!("1"), 422),
            (&path, json!(1.5), 422),
            (&path, json!(1_001), 422),
            (&path, json!(11), 409),
            ("/products/999/reservations", json!(1), 404),
            ("/products/x/reservations", json!(1), 400),
        ] {
            assert_problem(&post_to(&router, path, &json!({"quantity": quantity})).await, status);
        }
        assert_problem(&get_from(&router, "/products/999").await, 404);
        assert_problem(&send(&router, Method::DELETE, "/reservations/999", None, "").await, 404);
        assert_problem(&send(&router, Method::PUT, TICKET, None, "").await, 405);
        assert_eq!(products(&router).await, before);
        assert_problem(&send(&router, Method::DELETE, "/reservations/1", None, "").await, 404);
    }
}
