//! How often each kind of event happened, and what orders bring.
//!
//! `POST /events`, `GET /summary`. In a system with a Kafka it also reads the stream of orders: `GET /effects`,
//! `GET`, `DELETE` and `POST /figures`, `GET /dead-letters`, `GET /pending`, `GET /stories/{order}` and
//! `GET /stories/suspect`.

mod consumption;
mod figures;
mod stories;
mod stream;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chassis::{App, Failure, Json, ServeError, Settings};
use contract::limits::LIST_ROWS_MAX;
use contract::{AnalyticsSummary, EventCount, NewEvent};
use http::StatusCode;
use store::{Database, Migration};

use consumption::Consumption;

const MIGRATIONS: [Migration; 4] = [
    Migration::new(1, "event counts", include_str!("../migrations/0001_event_counts.sql")),
    Migration::new(2, "the stream of orders", include_str!("../migrations/0002_stream.sql")),
    messaging::inbox_migration(3),
    Migration::new(4, "journal", include_str!("../migrations/0004_journal.sql")),
];

/// Opens the database of the service.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(database_url: &str) -> Result<Database, ServeError> {
    Ok(Database::open(database_url, &MIGRATIONS).await?)
}

/// The whole service on an open database, without a stream.
pub fn app(settings: &Settings, database: Database) -> Router {
    router(settings, database, None)
}

fn router(settings: &Settings, database: Database, consumption: Option<Consumption>) -> Router {
    let routes = Router::new()
        .route("/events", post(record))
        .route("/summary", get(summary))
        .with_state(database.clone());
    App::new(settings)
        .checks([database.check()])
        .checks(consumption.iter().flat_map(Consumption::checks))
        .business(routes)
        .plain(stories::routes(database.clone()))
        .plain(figures::routes(database, consumption))
        .into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When its database or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let database = open(settings.database_url.expose()).await?;
    let consumption = Consumption::start(&settings, &database).await?;
    let router = router(&settings, database, consumption.clone());
    let reading = async {
        if let Some(consumption) = consumption {
            consumption.run(&settings.shutdown).await;
        }
    };
    chassis::serve_beside(reading, router, &settings).await
}

async fn record(
    State(database): State<Database>,
    Json(NewEvent { kind }): Json<NewEvent>,
) -> Result<(StatusCode, Json<EventCount>), Failure> {
    let mut connection = database.acquire().await.map_err(Failure::internal)?;
    let count = stream::count(&mut connection, &kind).await.map_err(Failure::internal)?;
    Ok((StatusCode::CREATED, Json(EventCount { kind, count })))
}

async fn summary(State(database): State<Database>) -> Result<Json<AnalyticsSummary>, Failure> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT kind, occurrences FROM event_counts ORDER BY occurrences DESC, kind LIMIT $1")
            .bind(LIST_ROWS_MAX)
            .fetch_all(&*database)
            .await
            .map_err(Failure::internal)?;
    let events: Vec<EventCount> = rows
        .into_iter()
        .map(|(kind, count)| EventCount { kind, count })
        .collect();
    let total = events.iter().map(|event| event.count).sum();
    Ok(Json(AnalyticsSummary { total, events }))
}

#[cfg(test)]
mod tests {
    use chassis::testing::{assert_problem, assert_refuses_bodies, get_from, post_to, settings};
    use contract::Program;
    use serde_json::json;

    use super::*;

    async fn router() -> Router {
        app(
            &settings(Program::Analytics, &[]),
            open("sqlite::memory:").await.unwrap(),
        )
    }

    #[tokio::test]
    async fn events_are_counted_by_kind() {
        let router = router().await;
        assert_eq!(
            get_from(&router, "/summary").await.json(),
            json!({"total": 0, "events": []})
        );
        for (kind, count) in [("order.created", 1), ("payment.captured", 1), ("order.created", 2)] {
            let answer = post_to(&router, "/events", &json!({"kind": kind})).await;
            assert_eq!(
                (answer.status, answer.json()),
                (201, json!({"kind": kind, "count": count}))
            );
        }
        let expected = json!({"total": 3, "events": [
            {"kind": "order.created", "count": 2}, {"kind": "payment.captured", "count": 1}
        ]});
        assert_eq!(get_from(&router, "/summary").await.json(), expected);
    }

    #[tokio::test]
    async fn wrong_requests_get_the_right_answer_and_change_nothing() {
        let router = router().await;
        assert_refuses_bodies(&router, "/events").await;
        for kind in [json!(""), json!("two words"), json!(1), json!("x".repeat(201))] {
            assert_problem(&post_to(&router, "/events", &json!({"kind": kind})).await, 422);
        }
        assert_problem(&get_from(&router, "/events").await, 405);
        assert_eq!(get_from(&router, "/summary").await.json()["total"], 0);
    }
}
