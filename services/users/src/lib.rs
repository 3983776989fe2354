//! Who buys.
//!
//! `GET /users`, `GET /users/{id}`, `POST /users`.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{App, Failure, Json, Path, RowLimit, ServeError, Settings};
use contract::{NewUser, User};
use http::StatusCode;
use store::{Database, Fetch, Migration};

const MIGRATIONS: [Migration; 1] = [Migration::new(1, "users", include_str!("../migrations/0001_users.sql"))];

type Row = (i64, String, String);

/// Opens the database of the service.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(database_url: &str) -> Result<Database, ServeError> {
    Ok(Database::open(database_url, &MIGRATIONS).await?)
}

/// The whole service on an open database.
pub fn app(settings: &Settings, database: Database) -> Router {
    let app = App::new(settings).checks([database.check()]);
    let routes = Router::new()
        .route("/users", get(list).post(create))
        .route("/users/{id}", get(show))
        .with_state(database);
    app.business(routes).into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(settings.database_url.expose()).await?;
    chassis::serve(app(&settings, database), &settings).await
}

fn user((id, name, email): Row) -> User {
    User { id, name, email }
}

async fn list(State(database): State<Database>, RowLimit(limit): RowLimit) -> Result<Json<Vec<User>>, Failure> {
    let rows: Vec<Row> = sqlx::query_as("SELECT id, name, email FROM users ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(&*database)
        .await
        .map_err(Failure::internal)?;
    Ok(Json(rows.into_iter().map(user).collect()))
}

async fn show(State(database): State<Database>, Path(id): Path<i64>) -> Result<Json<User>, Failure> {
    let row: Option<Row> = sqlx::query_as("SELECT id, name, email FROM users WHERE id = $1")
        .bind(id)
        .optional(&*database)
        .await
        .map_err(Failure::internal)?;
    row.map(|row| Json(user(row)))
        .ok_or_else(|| Failure::not_found(format!("there is no user {id}")))
}

async fn create(
    State(database): State<Database>,
    Json(NewUser { name, email }): Json<NewUser>,
) -> Result<(StatusCode, Json<User>), Failure> {
    let inserted: Option<(i64,)> =
        sqlx::query_as("INSERT INTO users (name, email) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING id")
            .bind(&name)
            .bind(&email)
            .optional(&*database)
            .await
            .map_err(Failure::internal)?;
    let (id,) = inserted.ok_or_else(|| Failure::conflict(format!("there is a user with the address {email}")))?;
    Ok((StatusCode::CREATED, Json(User { id, name, email })))
}

#[cfg(test)]
mod tests {
    use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, settings};
    use contract::Program;
    use serde_json::json;

    use super::*;

    async fn router() -> Router {
        let database = open("sqlite::memory:").await.unwrap();
        app(&settings(Program::Users, &[]), database)
    }

    async fn users(router: &Router) -> Vec<User> {
        serde_json::from_value(get_from(router, "/users?limit=500").await.json()).unwrap()
    }

    #[tokio::test]
    async fn there_are_users_from_the_start_and_new_ones_are_added() {
        let router = router().await;
        assert_eq!(users(&router).await.len(), 3);
        let created = post_to(
            &router,
            "/users",
            &json!({"name": "Barbara Liskov", "email": "barbara@example.com"}),
        )
        .await;
        assert_eq!((created.status, &created.json()["id"]), (201, &json!(4)));
        assert_eq!(get_from(&router, "/users/4").await.json(), created.json());
        assert_eq!(
            get_from(&router, "/users?limit=2")
                .await
                .json()
                .as_array()
                .map(Vec::len),
            Some(2)
        );
        assert_eq!(get_from(&router, "/ready").await.status, 200);
    }

    #[tokio::test]
    async fn wrong_requests_get_the_right_answer_and_change_nothing() {
        let router = router().await;
        let before = users(&router).await;
        assert_refuses_bodies(&router, "/users").await;
        for (body, status) in [
            (json!({"name": 1, "email": "a@b"}), 422),
            (json!({"name": "", "email": "a@b"}), 422),
            (json!({"name": "A", "email": "nowhere"}), 422),
            (json!({"name": "A", "email": "a@b", "id": 7}), 422),
            (json!({"name": "Another Ada", "email": "ada@example.com"}), 409),
        ] {
            assert_problem(&post_to(&router, "/users", &body).await, status);
        }
        for (path, status) in [
            ("/users/999", 404),
            ("/users/-1", 404),
            ("/users/one", 400),
            ("/users?limit=0", 400),
            ("/users?limit=many", 400),
        ] {
            assert_problem(&get_from(&router, path).await, status);
        }
        assert_eq!(users(&router).await, before);
    }
}
