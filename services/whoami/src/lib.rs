//! Who answers, and what reached it.
//!
//! `GET /whoami` says which instance answered and with which headers the request came: what balancers, gateways and links on
//! the way have added, changed or taken out can be seen there.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use chassis::{App, Json, ServeError, Settings};
use http::HeaderMap;
use serde::Serialize;

/// Headers that hold a secret, of which only the presence is told.
const SECRET: [&str; 2] = ["authorization", "cookie"];

/// Who answered what.
#[derive(Debug, Serialize)]
struct Answer {
    instance: String,
    query: Option<String>,
    /// By name in lower case; a header that came several times has several values.
    headers: BTreeMap<String, Vec<String>>,
}

/// The whole service.
pub fn app(settings: &Settings) -> Router {
    let routes = Router::new()
        .route("/whoami", get(answer))
        .with_state(settings.instance.clone());
    App::new(settings).business(routes).into_router()
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    chassis::serve(app(&settings), &settings).await
}

async fn answer(State(instance): State<String>, RawQuery(query): RawQuery, sent: HeaderMap) -> Json<Answer> {
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in &sent {
        let value = match SECRET.contains(&name.as_str()) {
            true => "***".into(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        headers.entry(name.to_string()).or_default().push(value);
    }
    Json(Answer {
        instance,
        query,
        headers,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use chassis::testing::{answer as answered, settings};
    use contract::Program;
    use http::Request;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn the_answer_says_who_and_what_came_without_secrets() {
        let router = app(&settings(Program::Whoami, &[("INSTANCE", "whoami-2")]));
        let request = Request::get("/whoami?a=1")
            .header("x-forwarded-for", "10.0.0.1")
            .header("x-forwarded-for", "10.0.0.2")
            .header("authorization", "Bearer secret")
            .body(Body::empty())
            .unwrap();
        let answer = answered(&router, request).await.json();
        assert_eq!(
            (&answer["instance"], &answer["query"]),
            (&json!("whoami-2"), &json!("a=1"))
        );
        assert_eq!(answer["headers"]["x-forwarded-for"], json!(["10.0.0.1", "10.0.0.2"]));
        assert_eq!(answer["headers"]["authorization"], json!(["***"]));
    }
}
